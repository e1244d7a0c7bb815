import { describe, expect, it } from 'vitest'
import { defineCheck, DoesNotApply, type Check, type Finding, type Fix } from '../../src/index.ts'
import { diagnose } from '../../src/diagnose.ts'
import { cgroupCpu } from '../../src/facts/cgroup-cpu.ts'
import { context } from '../../src/facts/context.ts'
import { process_ } from '../../src/facts/process.ts'
import { unitChanges } from '../../src/facts/unit-changes.ts'
import { unitState } from '../../src/facts/unit-state.ts'
import { codeOf } from '../../src/fix/exit-code.ts'
import { offerOf } from '../../src/fix/offer.ts'
import { chosen, type Judging } from '../../src/fix/proof.ts'
import { gatherer } from '../../src/gather.ts'
import { hostOf, remembered, type Ask } from '../../src/host/host.ts'
import { question } from '../../src/question.ts'
import { replayed } from '../../src/host/replay.ts'
import { allChecks } from '../../src/load.ts'
import { allCases } from '../support/cases.ts'
import { madeUp, service, type MadeUp } from './made-up.ts'

const docs = { what: 'W.', why: 'W.', remedy: 'R.', links: [] }
const found = (cause: string, fixes: readonly Fix[], severity: Finding['severity'] = 'error'): Finding => ({ severity, confidence: 'certain', cause, evidence: [{ source: question.target(), saw: 'x' }], fixes })
const fixOf = (title: string, set: readonly (readonly [string, string])[], safety: Fix['safety'] = 'safe'): Fix => ({
  title, safety, edits: [{ kind: 'unit-drop-in', unit: 'asr.service', scope: 'system', set: set.map(([key, value]) => service(key, value)) }], then: ['systemctl daemon-reload'],
})

/** Found while the process lacks a value of a variable. */
const lacks = (id: Check['id'], name: string, value: string, fixes: readonly Fix[]) =>
  defineCheck({
    id, title: 'T', docs, fixes: 'sometimes', needs: { context },
    run: ({ context: { env } }) => (env.known && env.value[name] === value ? [] : [found(`${name} is ${env.known ? env.value[name] : 'unknown'}.`, fixes)]),
  })

async function judgingOf(machine: Ask, checks: readonly Check<any>[]): Promise<Judging> {
  const ask = remembered(machine)
  const host = hostOf(ask)
  return { machine: ask, checks, before: await diagnose(host, gatherer(host), checks) }
}

const running: MadeUp = { running: { PATH: '/usr/bin:/bin', OLD: '1' } }
const taken = async (of: MadeUp, checks: readonly Check<any>[], permitted = (fix: Fix) => fix.safety === 'safe') => {
  const judging = await judgingOf(madeUp(of), checks)
  const proven = await chosen(judging, (_, fix) => permitted(fix))
  return { ...proven, titles: proven.plan.rows.map(({ wish }) => wish.fix.title), judging }
}

describe('a fix is taken', () => {
  it('when its finding is gone on the changed machine: running and not running', async () => {
    for (const of of [running, {}]) {
      const { titles, proof } = await taken(of, [lacks('test/a', 'A', '1', [fixOf('set A', [['Environment', 'A=1']])])])
      expect(titles).toEqual(['set A'])
      expect(proof).toEqual({ gone: ['test/a'], stays: [], appears: [], lost: [] })
    }
  })

  it('as the smallest set: what another fix cures needs none of its own', async () => {
    const both = fixOf('set both', [['Environment', 'A=1'], ['Environment', 'B=1']])
    const { titles, proof } = await taken(running, [lacks('test/a', 'A', '1', [both]), lacks('test/b', 'B', '1', [fixOf('set B', [['Environment', 'B=1']])])])
    expect(titles).toEqual(['set both'])
    expect(proof.gone).toEqual(['test/a', 'test/b'])
  })

  it('the next one where the first does not cure, and the first is then left out', async () => {
    const { titles, rejected } = await taken(running, [lacks('test/a', 'A', '1', [fixOf('useless', [['Environment', 'Z=1']]), fixOf('set A', [['Environment', 'A=1']])])])
    expect(titles).toEqual(['set A'])
    expect(rejected).toEqual([])
  })

  it('together with the one before it where only both cure', async () => {
    const check = defineCheck({
      id: 'test/two', title: 'T', docs, fixes: 'always', needs: { context },
      run: ({ context: { env } }) => (env.known && env.value['A'] && env.value['B'] ? [] : [found('A and B are missing.', [fixOf('set A', [['Environment', 'A=1']]), fixOf('set B', [['Environment', 'B=1']])])]),
    })
    expect((await taken(running, [check])).titles).toEqual(['set A', 'set B'])
  })

  it('for each of several findings that say the same, though lines move when one is taken out', async () => {
    const file = '/etc/systemd/system/asr.service'
    const text = '[Service]\nExecStart=/bin/true\nBad=1\nBad=2\nWorse=3\n'
    const check = defineCheck({
      id: 'test/lines', title: 'T', docs, fixes: 'always', needs: { text: { id: 'text', about: 'a', gather: (host) => host.read(file) } },
      run: ({ text: now }) =>
        (now ?? '').split('\n').flatMap((each, at) => (/^(Bad|Worse)=/.test(each) ? [found(`${each.split('=')[0]}= in ${file}:${at + 1}.`, [{ title: `out ${each}`, safety: 'safe', edits: [{ kind: 'line', file, line: at + 1, before: each, after: null }], then: [] }])] : [])),
    })
    const { titles, proof, plan } = await taken({ ...running, text, answers: { [question.run('dpkg', ['-S', file])]: { code: 1, signal: null, stdout: '', stderr: '' } } }, [check])
    expect(titles).toEqual(['out Bad=1', 'out Bad=2', 'out Worse=3'])
    expect(proof.gone).toEqual(['test/lines'])
    expect(plan.changes[0]!.after).toBe('[Service]\nExecStart=/bin/true\n')
  })

  /**
   * Two releases of cuDNN. In the one folder only libcudnn.so.9 was copied beside cuBLAS; in the other it is whole. Whoever finds its
   * first part in one folder and its others in the other has both in memory.
   */
  describe('in an order that mixes no versions', () => {
    const FOLDERS: Readonly<Record<string, readonly string[]>> = { partly: ['libcublas.so.12', 'libcudnn.so.9'], whole: ['libcudnn.so.9', 'libcudnn_graph.so.9'] }
    const mixing = (names: Readonly<Record<string, string>>) => {
      const holder = (env: Readonly<Record<string, string>>, library: string) => (env['LD_LIBRARY_PATH'] ?? '').split(':').find((folder) => Object.entries(names).some(([kind, path]) => path === folder && FOLDERS[kind]!.includes(library))) ?? null
      const needs = (id: Check['id'], library: string, folder: string) =>
        defineCheck({
          id, title: 'T', docs, fixes: 'always', needs: { context },
          run: ({ context: { env } }) => (env.known && holder(env.value, library) !== null ? [] : [found(`${library} is hidden.`, [fixOf(folder, [['Environment', `LD_LIBRARY_PATH=${folder}`]])])]),
        })
      const mixed = defineCheck({
        id: 'test/mixed', title: 'T', docs, fixes: 'never', needs: { context },
        run: ({ context: { env } }) => {
          const [first, parts] = env.known ? [holder(env.value, 'libcudnn.so.9'), holder(env.value, 'libcudnn_graph.so.9')] : [null, null]
          return first === null || parts === null || first === parts ? [] : [found(`libcudnn.so.9 of ${first} and libcudnn_graph.so.9 of ${parts}.`, [])]
        },
      })
      return [needs('test/cublas', 'libcublas.so.12', names['partly']!), needs('test/cudnn', 'libcudnn_graph.so.9', names['whole']!), mixed]
    }
    it.each([{ partly: '/a/cuda', whole: '/b/cudnn' }, { partly: '/b/cuda', whole: '/a/cudnn' }])('%j', async (names) => {
      const checks = mixing(names)
      for (const order of [checks, [...checks].reverse()]) {
        const { proof, plan, rejected, judging } = await taken(running, order)
        expect(rejected).toEqual([])
        expect([...proof.gone].sort()).toEqual(['test/cublas', 'test/cudnn'])
        expect(plan.changes[0]!.after).toContain(`"LD_LIBRARY_PATH=${names.whole}:${names.partly}"`)
        const { mended } = await import('../../src/fix/mended.ts')
        const again = await judgingOf(await mended(judging.machine, plan), order)
        expect((await chosen(again, () => true)).plan.changes).toEqual([])
      }
    })
  })

  it('risky only when it is named, and manual never', async () => {
    const check = lacks('test/a', 'A', '1', [fixOf('by hand', [['Environment', 'A=1']], 'manual'), fixOf('risky', [['Environment', 'A=1']], 'risky')])
    const judging = await judgingOf(madeUp(running), [check])
    const without = await offerOf(judging, { named: new Set(), writers: new Set(['unit']), barred: new Set() })
    expect(without.main.changes).toEqual([])
    const shown = await offerOf(judging, { named: new Set(), writers: null, barred: new Set() })
    expect(shown.main.changes).toEqual([])
    expect(shown.risky.map(({ wish }) => wish.fix.title)).toEqual(['risky'])
    expect(shown.shown.map(({ wish }) => wish.fix.title)).toEqual([])
    const named = await offerOf(judging, { named: new Set(['test/a'] as const), writers: new Set(['unit']), barred: new Set() })
    expect(named.main.rows.map(({ wish }) => wish.fix.title)).toEqual(['risky'])
    expect((await offerOf(judging, { named: new Set(['test/a'] as const), writers: new Set(['path']), barred: new Set() })).main.rows).toEqual([])
  })
})

describe('a fix is not offered', () => {
  it('when it cures nothing', async () => {
    const { titles, rejected, proof } = await taken(running, [lacks('test/a', 'A', '1', [fixOf('useless', [['Environment', 'Z=1']])])])
    expect(titles).toEqual([])
    expect(rejected).toMatchObject([{ kind: 'no cure' }])
    expect(proof.stays).toEqual(['test/a'])
  })

  it('when something else would be found instead', async () => {
    const hates = defineCheck({
      id: 'test/hates', title: 'T', docs, fixes: 'never', needs: { context },
      run: ({ context: { env } }) => (env.known && env.value['A'] === '1' ? [found('A is set.', [])] : []),
    })
    const { titles, rejected, proof } = await taken(running, [lacks('test/a', 'A', '1', [fixOf('set A', [['Environment', 'A=1']])]), hates])
    expect(titles).toEqual([])
    expect(rejected).toMatchObject([{ kind: 'worse', because: expect.stringMatching(/test\/hates \(A is set\.\)/) }])
    expect(proof.gone).toEqual([])
  })

  it('when its check can no longer see: that is no cure', async () => {
    const blind = defineCheck({
      id: 'test/blind', title: 'T', docs, fixes: 'always', needs: { context },
      run: ({ context: { env } }) => (env.known && env.value['A'] === '1' ? { status: 'unknown', because: 'It is dark.', how: null } : [found('A is missing.', [fixOf('set A', [['Environment', 'A=1']])])]),
    })
    const { titles, rejected, judging, proof, plan } = await taken(running, [blind])
    expect(titles).toEqual([])
    expect(rejected).toMatchObject([{ kind: 'unproven', because: 'It is dark.' }])
    expect(codeOf(judging.before, { main: plan, proof, rejected }, false, judging.before)).toBe(3)
  })

  it('when another check can no longer see: what it would say is not known', async () => {
    const blinded = (id: Check['id']) => defineCheck({
      id, title: 'T', docs, fixes: 'never', needs: { context },
      run: ({ context: { env } }) => (env.known && env.value['A'] === '1' ? { status: 'unknown', because: 'Two witnesses disagree.', how: null } : []),
    })
    const { titles, rejected, proof } = await taken(running, [lacks('test/a', 'A', '1', [fixOf('set A', [['Environment', 'A=1']])]), blinded('test/witness')])
    expect(titles).toEqual([])
    expect(rejected).toMatchObject([{ kind: 'unproven', because: 'On the changed machine test/witness could not be judged: Two witnesses disagree.' }])
    expect(proof).toEqual({ gone: [], stays: ['test/a'], appears: [], lost: [] })
  })

  it('when the real loader, asked under the new environment, contradicts the model of it', async () => {
    const { machine } = allCases().find(({ name }) => name === 'incident-0-rebuilt')!
    const real = replayed(machine.answers)
    const asked: string[] = []
    const contrary: Ask = async (each) => {
      if (!/^run as=service\+.* ldd /.test(each.key)) return real(each)
      asked.push(each.key)
      return { code: 0, signal: null, stdout: '\tlibcublasLt.so.12 => not found\n', stderr: '' }
    }
    for (const [ask, gone] of [[real, true], [contrary, false]] as const) {
      const judging = await judgingOf(ask, allChecks())
      const offer = await offerOf(judging, { named: new Set(), writers: new Set(['unit']), barred: new Set() })
      expect(offer.proof.gone.includes('cuda/libraries-hidden')).toBe(gone)
      expect(offer.main.changes.some(({ after }) => after?.includes('LD_LIBRARY_PATH'))).toBe(gone)
      expect(offer.rejected.filter(({ wish }) => wish.check === 'cuda/libraries-hidden').map(({ kind, because }) => `${kind}: ${because}`)).toEqual(gone ? [] : [expect.stringMatching(/^unproven: On the changed machine cuda\/library-unloadable could not be judged: For libcublasLt\.so\.12 ldd says not found/)])
    }
    expect(asked).not.toEqual([])
  })

  it('when it cannot be made', async () => {
    const { rejected } = await taken(running, [lacks('test/a', 'A', '1', [fixOf('impossible', [['Environment', 'A=\ufffd']])])])
    expect(rejected).toMatchObject([{ kind: 'refused', because: expect.stringMatching(/not UTF-8/) }])
  })
})

describe('the mended machine', () => {
  const quotaLow = defineCheck({
    id: 'test/quota', title: 'T', docs, fixes: 'always', needs: { cpu: cgroupCpu, unit: unitState },
    run: ({ cpu, unit }) => {
      if (cpu === null || cpu.quota === null) throw new DoesNotApply('There is no quota.')
      return cpu.quota.cpus >= 4 && unit?.properties['CPUQuotaPerSecUSec'] === '4s' ? [] : [found(`${cpu.quota.cpus} CPUs, ${unit?.properties['CPUQuotaPerSecUSec']}.`, [fixOf('raise', [['CPUQuota', '400%']])])]
    },
  })
  const quota: MadeUp = {
    ...running, text: '[Service]\nExecStart=/bin/true\nCPUQuota=50%\n', properties: { CPUQuotaPerSecUSec: '500ms' },
    answers: { [question.read('/sys/fs/cgroup/system.slice/asr.service/cpu.max')]: '50000 100000\n' },
  }

  it('has the new limits in its control group and in the words of its manager', async () => {
    expect((await taken(quota, [quotaLow])).proof.gone).toEqual(['test/quota'])
  })

  it('has its drop-in where the name of the unit holds a backslash, as systemctl would print it', async () => {
    const unit = 'asr\\x2dlive.service'
    const check = defineCheck({
      id: 'test/loaded', title: 'T', docs, fixes: 'always', needs: { unit: unitState, changes: unitChanges },
      run: ({ unit: state, changes }) => (state?.dropInPaths.length === 1 && changes.newer.length === 0 ? [] : [found('No drop-in.', [{ ...fixOf('add', [['CPUQuota', '400%']]), edits: [{ kind: 'unit-drop-in', unit, scope: 'system', set: [service('CPUQuota', '400%')] }] }])]),
    })
    const { proof, plan, judging } = await taken({ ...running, unit }, [check])
    expect(proof.gone).toEqual(['test/loaded'])
    const { mended } = await import('../../src/fix/mended.ts')
    const host = hostOf(await mended(judging.machine, plan))
    expect((await gatherer(host)(unitState))?.dropInPaths).toEqual([`/etc/systemd/system/${unit}.d/50-asr-doctor.conf`])
  })

  it('has no quota where it is reset', async () => {
    const check = { ...quotaLow, run: (facts: never) => quotaLow.run(facts).valueOf() } as typeof quotaLow
    const reset = defineCheck({ ...check, run: ({ cpu }) => { if (cpu?.quota == null) throw new DoesNotApply('There is no quota.'); return [found('Half a CPU.', [fixOf('remove', [['CPUQuota', '']])])] } })
    expect((await taken(quota, [reset])).proof.gone).toEqual(['test/quota'])
  })

  it('keeps the variables that nobody touches, and gives the process its new groups', async () => {
    const check = defineCheck({
      id: 'test/groups', title: 'T', docs, fixes: 'always', needs: { process: process_, context },
      run: ({ process, context: { env } }) => (process?.status.groups.includes(29) && env.known && env.value['OLD'] === '1' ? [] : [found(`Groups ${process?.status.groups.join(' ')}.`, [fixOf('add', [['SupplementaryGroups', 'audio']])])]),
    })
    expect((await taken(running, [check])).proof.gone).toEqual(['test/groups'])
  })

  it('holds in memory what was swapped out, and has not run into its new limit', async () => {
    const at = (name: string) => question.read(`/sys/fs/cgroup/system.slice/asr.service/${name}`)
    const memory: MadeUp = {
      ...running, text: '[Service]\nExecStart=/bin/true\nMemoryMax=500M\n', properties: { MemoryMax: '524288000' },
      answers: {
        [at('memory.max')]: '524288000\n', [at('memory.stat')]: 'anon 500000000\nfile 1000\nshmem 0\n', [at('memory.current')]: '524000000\n', [at('memory.swap.current')]: '400000000\n',
        [at('memory.events')]: 'low 0\nhigh 0\nmax 900\noom 0\noom_kill 0\n', [at('memory.pressure')]: 'some avg10=40.00 avg60=30.00 avg300=10.00 total=1\nfull avg10=30.00 avg60=20.00 avg300=5.00 total=1\n',
      },
    }
    const { default: check } = await import('../../checks/cgroup/memory-limit-reached.ts')
    const { proof, plan } = await taken(memory, [check], () => true)
    expect(proof.gone).toEqual(['cgroup/memory-limit-reached'])
    expect(plan.changes[0]!.after).toMatch(/MemoryMax=\d+M/)
    // Half as much would not be enough for what is swapped out, and the model says so.
    const small = { ...check, run: (facts: Parameters<typeof check.run>[0]) => { const verdict = check.run(facts); return Array.isArray(verdict) ? verdict.map((each: Finding) => ({ ...each, fixes: [fixOf('too little', [['MemoryMax', '600M']])] })) : verdict } }
    expect((await taken(memory, [small as typeof check])).rejected).toMatchObject([{ kind: 'no cure' }])
  })

  it('of a shell has what a new shell would have', async () => {
    const machine: Ask = async (asked) => (asked.verb === 'target' ? { kind: 'shell' } : asked.verb === 'environment' ? { SHELL: '/bin/bash', LD_LIBRARY_PATH: '/old' } : madeUp({ caller: { uid: 1500, home: '/home/asr' } })(asked))
    const check = defineCheck({
      id: 'test/shell', title: 'T', docs, fixes: 'always', needs: { shell: { id: 'shell', about: 'a', gather: (host) => host.environment() } },
      run: ({ shell }) => (shell['LD_LIBRARY_PATH'] === '/opt/cuda:/old' ? [] : [found(`${shell['LD_LIBRARY_PATH']}.`, [{ title: 'profile', safety: 'safe', edits: [{ kind: 'shell-profile', set: { LD_LIBRARY_PATH: '/opt/cuda' } }], then: [] }])]),
    })
    const judging = await judgingOf(machine, [check])
    const offer = await offerOf(judging, { named: new Set(), writers: new Set(['path']), barred: new Set() })
    expect(offer.proof.gone).toEqual(['test/shell'])
    expect(offer.main.changes).toMatchObject([{ target: '/home/asr/.bashrc', writer: 'path' }])
    expect((await offerOf(judging, { named: new Set(), writers: new Set(['unit']), barred: new Set() })).main.changes).toEqual([])
  })

  it('is not cured by its restart alone: counters stay those of the old process', async () => {
    const events = question.read('/sys/fs/cgroup/system.slice/asr.service/memory.events')
    const kills = defineCheck({
      id: 'test/killed', title: 'T', docs, fixes: 'always', needs: { kills: { id: 'kills', about: 'a', gather: (host) => host.read('/sys/fs/cgroup/system.slice/asr.service/memory.events') } },
      run: ({ kills }) => (kills?.includes('oom_kill 3') ? [found('Killed.', [fixOf('something else', [['Environment', 'A=1']])])] : []),
    })
    const { titles, proof } = await taken({ ...running, answers: { [events]: 'oom_kill 3\n' } }, [kills])
    expect(titles).toEqual([])
    expect(proof.stays).toEqual(['test/killed'])
  })

  it('knows what is written already and waits for the reload', async () => {
    const check = lacks('test/a', 'A', '1', [fixOf('set A', [['Environment', 'A=1']])])
    const { titles, plan, proof } = await taken({ ...running, files: { '/etc/systemd/system/asr.service.d/50-asr-doctor.conf': '[Service]\n# set A (test/a)\nEnvironment="A=1"\n' }, properties: { NeedDaemonReload: 'yes' } }, [check])
    expect(titles).toEqual(['set A'])
    expect(plan.changes).toEqual([])
    expect(proof.gone).toEqual(['test/a'])
  })

  it('has nothing more to plan', async () => {
    const check = lacks('test/a', 'A', '1', [fixOf('set A', [['Environment', 'A=1']])])
    const { plan, judging } = await taken(running, [check])
    const { mended } = await import('../../src/fix/mended.ts')
    const again = await judgingOf(await mended(judging.machine, plan), [check])
    expect(again.before.get('test/a')).toEqual({ status: 'passed' })
    expect((await chosen(again, () => true)).plan.changes).toEqual([])
  })
})

describe('the exit code', () => {
  const dark = { status: 'unknown', because: 'x', how: null } as const
  const all = {
    passed: [{ status: 'passed' }], unknown: [dark], 'half seen': [{ status: 'passed' }, dark], crashed: [{ status: 'passed' }, { status: 'crashed', error: 'x' }],
    info: [{ status: 'found', findings: [found('x', [], 'info')] }], 'info, half seen': [{ status: 'found', findings: [found('x', [], 'info')] }, dark],
    error: [{ status: 'found', findings: [found('x', [])] }], 'error, half seen': [{ status: 'found', findings: [found('x', [])] }, dark],
  } as const
  const outcomes = (name: keyof typeof all) => new Map(all[name].map((outcome, at) => [`test/${'abc'[at]}`, outcome])) as never
  const offer = (gone: readonly string[] = []) => ({ main: { rows: [], changes: [], refused: [] }, proof: { gone, stays: [], appears: [], lost: [] }, rejected: [] }) as never
  it.each([
    [0, 'passed', false, []], [0, 'info', false, []], [1, 'error', false, []], [1, 'error', true, []], [0, 'error', false, ['test/a']], [3, 'unknown', false, []],
    // As with check: nothing found by those who could look is no all-clear.
    [3, 'half seen', false, []], [3, 'crashed', false, []], [3, 'info, half seen', false, []], [1, 'error, half seen', false, []], [0, 'error, half seen', false, ['test/a']],
  ] as const)('is %d for %s, shown only: %s, gone: %j', (code, name, shown, gone) => {
    expect(codeOf(outcomes(name), offer(gone), shown, null)).toBe(code)
  })
})
