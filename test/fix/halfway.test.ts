import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { staked, write } from '../../src/fix/apply.ts'
import { Halfway } from '../../src/fix/halfway.ts'
import { refuseUnwritable } from '../../src/fix/hand.ts'
import { runs } from '../../src/fix/journal.ts'
import { placeOf } from '../../src/fix/place.ts'
import { undo } from '../../src/fix/take-back.ts'
import type { Change } from '../../src/types.ts'
import { describeWith } from '../support/rig.ts'
import { bundledWriter, errand } from './errand.ts'

/** What the disk does at a moment that no rig can choose: called with the path before the call itself, it may throw. */
const fault = vi.hoisted(() => ({ fsync: (_path: string): void => undefined, link: (_to: string): void => undefined, open: (_path: string): void => undefined }))
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  return {
    ...fs,
    fsyncSync: (file: number) => (fault.fsync(fs.readlinkSync(`/proc/self/fd/${file}`)), fs.fsyncSync(file)),
    linkSync: (from: string, to: string) => (fault.link(to), fs.linkSync(from, to)),
    openSync: (path: string, flags: number, mode?: number) => (fault.open(path), fs.openSync(path, flags, mode)),
  }
})
const error = (code: string) => Object.assign(new Error(code), { code })

const root = mkdtempSync(join(tmpdir(), 'asr-doctor-halfway-'))
chmodSync(root, 0o755)
const writer = bundledWriter()
afterAll(async () => {
  rmSync(root, { recursive: true, force: true })
  ;(await writer).drop()
})

let place = ''
let folder = ''
let n = 0
beforeEach(() => {
  Object.assign(fault, { fsync: () => undefined, link: () => undefined, open: () => undefined })
  place = join(root, String(n++))
  folder = join(place, 'state')
  mkdirSync(place)
})
const at = (name: string) => join(place, name)
const change = (name: string, before: string | null, after: string | null): Change => ({ target: at(name), before, after })
const put = (...changes: Change[]) => write({ folder, target: null, checks: [] }, staked(changes))
const failed = async (...changes: Change[]): Promise<Error> => put(...changes).then(() => expect.fail('it was written'), (reason: Error) => reason)
const open = () => runs(folder).filter(({ state }) => state !== 'undone')

describeWith('a write that fails', process.platform === 'linux' ? null : 'needs Linux', () => {
  it('after the file was made, in the sync of its folder: it is taken away again and nothing is left to take back', async () => {
    mkdirSync(at('d'))
    fault.fsync = (path) => {
      if (path === at('d')) throw error('EIO')
    }
    expect((await failed(change('d/x', null, 'x'))).message).toMatch(/could not be written: the disk reports an error/)
    expect(readdirSync(at('d'))).toEqual([])
    expect(open()).toEqual([])
  })

  it('after the file was replaced: the old bytes are put back', async () => {
    mkdirSync(at('d'))
    writeFileSync(at('d/x'), 'old')
    fault.fsync = (path) => {
      if (path === at('d')) throw error('EIO')
    }
    await failed(change('d/x', 'old', 'new'))
    expect(readdirSync(at('d'))).toEqual(['x'])
    expect(readFileSync(at('d/x'), 'utf8')).toBe('old')
    expect(open()).toEqual([])
  })

  it('and cannot be put back: what stays is named, all else is put back, and the journal takes back the rest later', async () => {
    for (const name of ['a', 'b', 'c']) {
      mkdirSync(at(name))
      writeFileSync(at(`${name}/x`), 'old')
    }
    mkdirSync(at('d'))
    fault.link = (to) => {
      if (to !== at('d/x')) return
      // From here on nothing can be written beside b/x.
      fault.open = (path) => {
        if (dirname(path) === at('b') && basename(path).startsWith('.x.asr-doctor')) throw error('ENOSPC')
      }
      throw error('EIO')
    }
    const reason = await failed(change('a/x', 'old', 'new'), change('b/x', 'old', 'new'), change('c/x', 'old', 'new'), change('d/x', null, 'new'))
    expect(reason).toBeInstanceOf(Halfway)
    expect(reason).toMatchObject({ runId: '1', touched: [at('b/x')] })
    expect(reason.message).toBe(
      `${at('d/x')} could not be written: the disk reports an error (EIO). ${at('b/x')} is written and could not be put back: ${at('b/x')} could not be written: the disk is full (bytes or inodes). Run 1 stays in the journal; once that is mended, asr-doctor fix --undo 1 puts it back.`,
    )
    expect(['a', 'b', 'c'].map((name) => readFileSync(at(`${name}/x`), 'utf8'))).toEqual(['old', 'new', 'old'])
    expect(existsSync(at('d/x'))).toBe(false)
    fault.open = () => undefined
    expect(await undo(folder, open())).toEqual([at('b/x')])
    expect(readFileSync(at('b/x'), 'utf8')).toBe('old')
  })

  it('because somebody made the file at the last moment: theirs stays, and nothing of it is called ours', async () => {
    writeFileSync(at('a'), 'old')
    fault.link = (to) => {
      if (to === at('x')) writeFileSync(to, 'theirs')
    }
    const reason = await failed(change('a', 'old', 'new'), change('x', null, 'ours'))
    expect(reason.message).toBe(`${at('x')} could not be written: somebody made it meanwhile.`)
    expect([readFileSync(at('a'), 'utf8'), readFileSync(at('x'), 'utf8')]).toEqual(['old', 'theirs'])
    expect(open()).toEqual([])
  })

  it('where its temporary file and its place lie on two file systems', async () => {
    fault.link = (to) => {
      if (to === at('x')) throw error('EXDEV')
    }
    expect((await failed(change('x', null, 'x'))).message).toBe(`${at('x')} could not be written: it lies on another file system than its folder; change it where it comes from.`)
    expect(readdirSync(place)).toEqual(['state'])
  })

  it('in the middle of taking back: what was put back before is named', async () => {
    writeFileSync(at('a'), 'old')
    mkdirSync(at('d'))
    writeFileSync(at('d/b'), 'old')
    await put(change('d/b', 'old', 'new'), change('a', 'old', 'new'))
    fault.open = (path) => {
      if (dirname(path) === at('d') && basename(path).startsWith('.b.asr-doctor')) throw error('ENOSPC')
    }
    await expect(undo(folder, open())).rejects.toThrow(`${at('d/b')} could not be written: the disk is full (bytes or inodes). Put back before that: ${at('a')}. Run 1 stays in the journal; once that is mended, asr-doctor fix --undo 1 takes back the rest of it.`)
    fault.open = () => undefined
    expect(await undo(folder, open())).toEqual([at('d/b')])
  })
})

describeWith('the journal', process.platform === 'linux' ? null : 'needs Linux', () => {
  it('brings the names of all the folders that it makes to the disk before any file is touched', async () => {
    folder = at('deep/state')
    const synced: string[] = []
    fault.fsync = (path) => void synced.push(path)
    fault.link = (to) => {
      if (to === at('x')) expect(synced).toEqual(expect.arrayContaining([place, at('deep'), at('deep/state'), at('deep/state/runs')]))
    }
    await put(change('x', null, 'x'))
    expect(readFileSync(at('x'), 'utf8')).toBe('x')
  })

  it('is written where the file system has no hard links', async () => {
    fault.link = () => {
      throw error('ENOSYS')
    }
    expect((await put(change('x', null, '1'))).runId).toBe('1')
    expect((await put(change('x', '1', '2'))).runId).toBe('2')
    expect(readdirSync(join(folder, 'runs'))).toEqual(['1.json', '2.json'])
    await undo(folder, open())
    expect(existsSync(at('x'))).toBe(false)
  })
})

describeWith('folders of users', process.platform === 'linux' && process.geteuid?.() === 0 ? null : 'needs root on Linux', () => {
  const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--']
  const theirs = (name: string, mode: number) => {
    mkdirSync(at(name))
    chownSync(at(name), 65534, 65534)
    chmodSync(at(name), mode)
  }

  it('that may be written and not read are refused before anything is written, to the user and to root', async () => {
    theirs('d', 0o311)
    theirs('s', 0o700)
    const words = new RegExp(`^Nothing can be written safely in ${at('d')}: the user who would write there may not read it \\(mode 0311\\)`)
    expect(errand((await writer).file, { folder: at('s/state'), verb: 'write', changes: [change('d/x', null, 'x')] }, nobody).refused).toMatch(words)
    expect((await failed(change('d/x', null, 'x'))).message).toMatch(words)
    expect(() => refuseUnwritable(placeOf(at('d/x')))).toThrow(words)
    expect(() => refuseUnwritable(placeOf(at('d/new/x')))).toThrow(words)
    expect([readdirSync(at('d')), open()]).toEqual([[], []])
  })

  it('are asked whether they can be written without a file in them, even for a moment', () => {
    theirs('d', 0o755)
    theirs('closed', 0o555)
    const opened: string[] = []
    fault.open = (path) => void opened.push(path)
    refuseUnwritable(placeOf(at('d/x')))
    mkdirSync(at('ours'))
    refuseUnwritable(placeOf(at('ours/x')))
    expect(new Set(opened)).toEqual(new Set([at('d'), at('ours')]))
    expect(() => refuseUnwritable(placeOf(at('closed/x')))).toThrow(/user whose folder it is may not/)
  })

  it('are swept of what killed runs left in them in that user’s name, and not where a link of theirs leads now', async () => {
    const { tidied } = await import('../../src/fix/tidy.ts')
    theirs('home', 0o755)
    theirs('home/d', 0o755)
    await put(change('home/d/x', null, 'x'))
    const litter = '.x.asr-doctor-0123456789ab'
    writeFileSync(at(`home/d/${litter}`), '')
    chownSync(at(`home/d/${litter}`), 65534, 65534)
    await tidied(folder)
    expect(readdirSync(at('home/d'))).toEqual(['x'])
    mkdirSync(at('victim'))
    writeFileSync(at(`victim/${litter}`), 'precious')
    rmSync(at('home/d'), { recursive: true })
    expect(spawnSync(nobody[0]!, [...nobody.slice(1), 'ln', '-s', at('victim'), at('home/d')]).status).toBe(0)
    await tidied(folder)
    expect(readdirSync(at('victim'))).toEqual([litter])
    expect(readlinkSync(at('home/d'))).toBe(at('victim'))
    unlinkSync(at('home/d'))
  })
})

describe('what the kernel says', () => {
  it('of a folder that takes new names and gives none back: what stays is named', async (context) => {
    mkdirSync(at('d'))
    if (spawnSync('chattr', ['+a', at('d')]).status !== 0) return context.skip('this file system knows no append-only folders')
    try {
      const reason = await failed(change('d/x', null, 'x'))
      expect(reason.message).toMatch(/d\/x could not be written: its folder is immutable or append-only .*d\/x is written and could not be put back: .* Run 1 stays in the journal/s)
    } finally {
      spawnSync('chattr', ['-a', at('d')])
    }
    await undo(folder, open())
    expect(readdirSync(at('d'))).toEqual([])
  })
})
