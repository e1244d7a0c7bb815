import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { UndoOptions } from '../../src/actions/undo.ts'
import type { Change, Target } from '../../src/types.ts'
import { describeWith } from '../support/rig.ts'
import { bundledWriter, errand, type Answer } from './errand.ts'
import type { Errand } from './writer.ts'

const root = mkdtempSync(join(tmpdir(), 'asr-doctor-undo-'))
chmodSync(root, 0o755)
const writer = bundledWriter()
afterAll(async () => {
  rmSync(root, { recursive: true, force: true })
  ;(await writer).drop()
})

/** The journal of root lies in /var/lib: each call sees one of the test's own there. */
describeWith('a journal of one’s own', process.platform === 'linux' && process.geteuid?.() === 0 ? null : 'needs root on Linux', () => {
  let file = ''
  let place = ''
  let n = 0
  beforeAll(async () => {
    file = (await writer).file
  })
  beforeEach(() => {
    place = join(root, String(n++))
    mkdirSync(join(place, 'var'), { recursive: true })
  })
  const at = (name: string) => join(place, name)
  const alone = ['unshare', '--mount', '--propagation', 'private', 'bash', '--norc', '-euc', 'mkdir -p /var/lib/asr-doctor /var/lib/systemd; mount --bind "$1" /var/lib/asr-doctor; mount -t tmpfs t /var/lib/systemd; mkdir /var/lib/systemd/linger; touch /var/lib/systemd/linger/eve; shift; exec "$@"', 'bash']
  const done = (changes: readonly Change[], told: Errand['told'] = {}): Answer => errand(file, { folder: '/var/lib/asr-doctor', verb: 'write', changes, told }, [...alone, join(place, 'var')])
  const undo = (options: Partial<UndoOptions> = {}, typed: string | null = null): Answer =>
    errand(file, { folder: '', verb: 'call', changes: [], options: { undo: true, ...options }, typed }, [...alone, join(place, 'var')])
  const three = () => {
    expect(done([{ target: at('a'), before: null, after: '1' }]).run).toBe('1')
    expect(done([{ target: at('a'), before: '1', after: '2' }, { target: at('b'), before: null, after: 'b' }]).run).toBe('2')
    expect(done([{ target: at('a'), before: '2', after: '3' }]).run).toBe('3')
  }
  const now = () => ['a', 'b'].map((name) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : null))

  it('without a run it lists all of them, the newest first, asks once, and takes no for no', () => {
    three()
    const no = undo({}, 'n\n')
    expect(no.code).toBe(2)
    expect(no.out!.match(/^Run \d+/gm)).toEqual(['Run 3', 'Run 2', 'Run 1'])
    expect(no.out).toContain(`: ${at('a')}, ${at('b')}\n`)
    expect(no.err).toMatch(/^Take back .*\? \[y\/N\] asr-doctor: Declined; nothing was taken back\.\n$/s)
    expect(now()).toEqual(['3', 'b'])
    const yes = undo({}, 'y\n')
    expect(yes.code).toBe(0)
    expect(now()).toEqual([null, null])
    expect(undo({}, 'y\n').out).toBe('Nothing to take back.\n')
  })

  it('where nobody can be asked it lists them and takes nothing back without --yes', () => {
    three()
    const pipe = undo()
    expect(pipe).toMatchObject({ code: 2, err: 'asr-doctor: Nothing was taken back: where nobody can be asked, --yes is needed.\n' })
    expect(pipe.out!.match(/^Run \d+/gm)).toEqual(['Run 3', 'Run 2', 'Run 1'])
    expect(now()).toEqual(['3', 'b'])
    expect(undo({ yes: true }).code).toBe(0)
    expect(now()).toEqual([null, null])
  })

  it('run by run, and an older one only when nothing was written over it since', () => {
    three()
    expect(undo({ undo: '2', yes: true })).toMatchObject({ code: 2, err: expect.stringMatching(/written again by run 3; take that one back first/) })
    expect(now()).toEqual(['3', 'b'])
    expect(undo({ undo: '3', yes: true }).code).toBe(0)
    expect(now()).toEqual(['2', 'b'])
    expect(undo({ undo: '3', yes: true }).out).toBe('Nothing to take back.\n')
    expect(undo({ undo: '9', yes: true })).toMatchObject({ code: 2, err: '--undo 9: there is no such run. There is 1, 2.' })
    expect(undo({ yes: true }).code).toBe(0)
    expect(now()).toEqual([null, null])
  })

  it('where one file was edited since, that run and those below it stay, with the reason and a way on, and the others are taken back', () => {
    three()
    expect(done([{ target: at('c'), before: null, after: 'c' }]).run).toBe('4')
    writeFileSync(at('b'), 'mine')
    const all = undo({ yes: true })
    expect(all.code).toBe(1)
    expect(all.err!.trim().split('\n')).toEqual([
      `Run 2 stays: ${at('b')} was changed since asr-doctor wrote it (run 2). Once it is as it was written, asr-doctor fix --undo 2 takes it back.`,
      `Run 1 stays: ${at('a')} was written again by run 2; take that one back first.`,
      `Taken back: ${at('c')}, ${at('a')}.`,
    ])
    expect(now()).toEqual(['2', 'mine'])
    expect(existsSync(at('c'))).toBe(false)
    // Whole or not at all: the run's other file stays as well.
    const again = undo({ yes: true })
    expect(again).toMatchObject({ code: 2, err: expect.stringMatching(/Run 1 stays: .* Nothing was taken back\.\n$/s) })
    expect(undo({ undo: '2', yes: true })).toMatchObject({ code: 2, err: expect.stringMatching(/^asr-doctor: Run 2 stays: .*b was changed.*Nothing was taken back\.\n$/) })
    expect(now()).toEqual(['2', 'mine'])
    writeFileSync(at('b'), 'b')
    expect(undo({ yes: true }).code).toBe(0)
    expect(now()).toEqual([null, null])
  })

  it('an older run on other files is taken back from below an edited one', () => {
    done([{ target: at('b'), before: null, after: 'b' }])
    done([{ target: at('a'), before: null, after: '1' }])
    writeFileSync(at('a'), 'mine')
    const ran = undo({}, 'y\n')
    expect(ran.code).toBe(1)
    expect(ran.err).toMatch(/^Run 2 stays: .*Or delete what it made: then it is forgotten\.\nTake back [^,]*\/b\? \[y\/N\] Taken back: [^,]*\/b\.\n$/)
    expect(now()).toEqual(['mine', null])
    // The way that was told.
    rmSync(at('a'))
    expect(undo({ yes: true }).code).toBe(0)
    expect(undo({ yes: true }).out).toBe('Nothing to take back.\n')
  })

  it('does not take an older text for its own where a later run stays', () => {
    three()
    writeFileSync(at('b'), 'mine')
    writeFileSync(at('a'), '1')
    expect(undo({ yes: true }).code).toBe(2)
    expect(now()).toEqual(['1', 'mine'])
  })

  it('runs whose files somebody deleted are struck from the journal, after the question, and bring nothing back', () => {
    mkdirSync(at('d'))
    done([{ target: at('d/a'), before: null, after: '1' }])
    done([{ target: at('d/a'), before: '1', after: '2' }])
    done([{ target: at('b'), before: null, after: 'b' }])
    rmSync(at('d'), { recursive: true })
    expect(undo({}, 'n\n').err).toContain(`Take back ${at('b')}, ${at('d/a')} and forget run 2, whose files somebody deleted? [y/N]`)
    expect(undo({}, 'n\n').out!.match(/^Run \d+/gm)).toEqual(['Run 3', 'Run 2', 'Run 1'])
    const ran = undo({ yes: true })
    expect(ran.code).toBe(0)
    expect(ran.err!.trim().split('\n')).toEqual([`Taken back: ${at('b')}.`, `Run 2 is struck from the journal: ${at('d/a')} was deleted since, and is left so.`])
    expect(existsSync(at('d'))).toBe(false)
    expect(undo({ yes: true }).out).toBe('Nothing to take back.\n')
  })

  it('a file that stood there before us and was deleted since comes back only when its run is named, and the journal keeps its bytes till then', () => {
    writeFileSync(at('a'), 'theirs\n')
    chmodSync(at('a'), 0o640)
    chownSync(at('a'), 7, 8)
    done([{ target: at('a'), before: 'theirs\n', after: 'ours\n' }])
    done([{ target: at('a'), before: 'ours\n', after: 'more\n' }])
    rmSync(at('a'))
    const all = undo({ yes: true })
    expect(all.err!.trim().split('\n')).toEqual([
      `Run 1 stays: ${at('a')} was deleted since asr-doctor wrote it (run 1). asr-doctor fix --undo 1 puts back what stood there before.`,
      `Run 2 is struck from the journal: ${at('a')} was deleted since, and is left so.`,
    ])
    expect([all.code, existsSync(at('a'))]).toEqual([1, false])
    // However often.
    expect(undo({ yes: true })).toMatchObject({ code: 2, err: expect.stringMatching(/Run 1 stays: .* Nothing was taken back\.\n$/) })
    expect(undo({ undo: '1' }, 'n\n').err).toContain(`Take back ${at('a')} (${at('a')} was deleted since; what stood there before is put back)? [y/N]`)
    expect(undo({ undo: '1', yes: true })).toMatchObject({ code: 0, err: `Taken back: ${at('a')}.\n` })
    expect(readFileSync(at('a'), 'utf8')).toBe('theirs\n')
    expect(lstatSync(at('a'))).toMatchObject({ mode: 0o100640, uid: 7, gid: 8 })
    expect(undo({ yes: true }).out).toBe('Nothing to take back.\n')
  })

  it('a deleted file that a later run wrote again is not brought back from below it', () => {
    writeFileSync(at('a'), '0')
    done([{ target: at('a'), before: '0', after: '1' }])
    done([{ target: at('a'), before: '1', after: '2' }])
    rmSync(at('a'))
    expect(undo({ undo: '1', yes: true })).toMatchObject({ code: 2, err: expect.stringMatching(/written again by run 2; take that one back first/) })
    expect(existsSync(at('a'))).toBe(false)
  })

  describe('takes back what was asked for and no more:', () => {
    const unit = (scope: 'system' | 'user'): Target => ({ kind: 'unit', name: 'asr.service', scope })
    beforeEach(() => {
      done([{ target: at('a'), before: null, after: 'a' }], { target: unit('system'), managerUid: 0 })
      done([{ target: at('b'), before: null, after: 'b' }], { target: unit('user'), managerUid: 7 })
    })
    it('what names no run is a wrong call', () => {
      for (const option of ['pid', 'python', 'library', 'log', 'profile', 'model'] as const) {
        const value = ['log', 'profile', 'model'].includes(option) ? ['5'] : '5'
        expect(undo({ [option]: value, yes: true })).toMatchObject({ code: 2, err: `--undo takes the number of a run, or --unit NAME; leave --${option} out.` })
      }
      expect(now()).toEqual(['a', 'b'])
    })
    it.each([
      ['user', ['a', null]],
      ['system', [null, 'b']],
    ] as const)('--unit asr --%s', (scope, left) => {
      expect(undo({ unit: 'asr', [scope]: true, yes: true }).code).toBe(0)
      expect(now()).toEqual(left)
    })
    it.each([
      [{ unit: 'asr' }, 'There are several units called asr: run 1 is of asr.service (system unit), run 2 is of asr.service (user unit of uid 7). Say which: --system, --user or the number of a run.'],
      [{ undo: '1', unit: 'x' }, '--undo 1: that run is of asr.service (system unit); leave --unit out, or name another run.'],
      [{ undo: '1', unit: 'asr', user: true }, '--undo 1: that run is of asr.service (system unit); leave --unit out, or name another run.'],
      [{ user: true }, '--user goes with --unit NAME.'],
      [{ unit: 'asr', user: true, system: true }, '--user and --system exclude each other; name one.'],
    ] as const)('%j is a wrong call', (options, words) => {
      expect(undo({ ...options, yes: true })).toMatchObject({ code: 2, err: words })
      expect(now()).toEqual(['a', 'b'])
    })
    it('a run of that unit by its number', () => {
      expect(undo({ undo: '1', unit: 'asr', yes: true }).code).toBe(0)
      expect(now()).toEqual([null, 'b'])
    })
  })

  it('says that lingering is still on, where it was a step of the run', () => {
    done([{ target: at('a'), before: null, after: 'a' }], { then: ['loginctl enable-linger eve', 'loginctl enable-linger off', 'systemctl daemon-reload'] })
    expect(undo({ yes: true }).err).toBe(`Taken back: ${at('a')}.\nLingering of eve, a step of run 1, is on: loginctl disable-linger eve turns it off, if nothing else needs it.\n`)
  })

  it('a run whose disk is not there at the moment is kept', () => {
    mkdirSync(at('disk/home/d'), { recursive: true })
    writeFileSync(at('disk/home/d/a'), 'old')
    done([{ target: at('disk/home/d/a'), before: 'old', after: '1' }])
    renameSync(at('disk'), at('away'))
    mkdirSync(at('disk'))
    expect(undo({ yes: true })).toMatchObject({ code: 2, err: expect.stringMatching(/was deleted since asr-doctor wrote it \(run 1\)\. Once its folder is there again, asr-doctor fix --undo 1 puts back what stood there before\./) })
    rmSync(at('disk'), { recursive: true })
    renameSync(at('away'), at('disk'))
    expect(undo({ yes: true }).code).toBe(0)
    expect(readFileSync(at('disk/home/d/a'), 'utf8')).toBe('old')
  })

  it('answers in JSON that its schema allows, done or refused', () => {
    const valid = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(JSON.parse(readFileSync(new URL('../../schema/fix-1.json', import.meta.url), 'utf8')))
    three()
    for (const answer of [undo({ json: true }), undo({ json: true, yes: true }), undo({ json: true, yes: true })]) {
      const told = JSON.parse(answer.out!)
      expect(valid(told), JSON.stringify(valid.errors)).toBe(true)
      expect(told.written).toEqual(answer.code === 0 && told.changes.length > 0 ? expect.arrayContaining([at('a'), at('b')]) : [])
    }
  })

  it('names in JSON the check and the safety of each fix, the last one first, with diffs that follow on each other', () => {
    const text = (words: string) => Buffer.from(words).toString('base64')
    writeFileSync(at('a'), 'a\n')
    done([{ target: at('a'), before: 'a\n', after: 'a\nb\nc\n' }], { checks: ['one/x', 'two/y'], parts: { [at('a')]: [{ check: 'one/x', safety: 'safe', after: text('a\nb\n') }, { check: 'two/y', safety: 'risky', after: text('a\nb\nc\n') }] } })
    const { changes } = JSON.parse(undo({ json: true, yes: true }).out!) as { changes: { check: string; safety: string; diff: string }[] }
    expect(changes.map(({ check, safety }) => [check, safety])).toEqual([['two/y', 'risky'], ['one/x', 'safe']])
    expect(changes.map(({ diff }) => diff.split('\n').filter((line) => /^-[^-]/.test(line)))).toEqual([['-c'], ['-b']])
  })

  it.each([
    ['half of one', '{"half', /^asr-doctor: The journal of run 2, \/var\/lib\/asr-doctor\/runs\/2\.json, is damaged: it is no whole JSON\. Nothing was touched\. .*\(mv \/var\/lib\/asr-doctor\/runs\/2\.json \S+\.aside\)/],
    ['nothing', '', /is damaged: it is no whole JSON/],
    ['something else', '{"version":1,"runId":"3","state":"done","entries":[]}', /is damaged: it is not what asr-doctor writes/],
    ['null', 'null', /is damaged: it is not what asr-doctor writes/],
    ['one of a later version', '{"version":2,"runs":[]}', /is of version 2, and this asr-doctor knows version 1 only\. Nothing was touched; take that run back with the asr-doctor that wrote it\.\n$/],
  ])('a journal that is %s is named with the way on, and nothing is touched by undoing or writing', (_, text, words) => {
    three()
    const journal = join(place, 'var/runs/2.json')
    const whole = readFileSync(journal)
    writeFileSync(journal, text)
    const ran = undo({ yes: true })
    expect(ran).toMatchObject({ code: 2, out: '', err: expect.stringMatching(words) })
    expect(ran.err!.trim().split('\n')).toHaveLength(1)
    expect(done([{ target: at('c'), before: null, after: 'c' }]).refused).toMatch(/^The journal of run 2, /)
    expect(errand(file, { folder: '/var/lib/asr-doctor', verb: 'tidy', changes: [] }, [...alone, join(place, 'var')]).refused).toMatch(/^The journal of run 2, /)
    expect([...now(), existsSync(at('c'))]).toEqual(['3', 'b', false])
    expect(readFileSync(journal, 'utf8')).toBe(text)
    // The way that was told.
    renameSync(journal, `${journal}.aside`)
    expect(undo({ undo: '3', yes: true }).code).toBe(0)
    writeFileSync(journal, whole)
    expect(undo({ yes: true }).code).toBe(0)
    expect(now()).toEqual([null, null])
  })
})
