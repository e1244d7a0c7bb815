import { defineCheck, need, type Evidence, type Finding, type Fix, type Immutable, type Refutation } from '../../src/index.ts'
import { cpusInWords } from '../../src/cgroup/words.ts'
import { beyond } from '../../src/facts/cgroup.ts'
import { cpuDemand, wantedCpus, type CpuDemand } from '../../src/facts/cgroup-demand.ts'
import type { Threads } from '../../src/facts/threads.ts'
import { target } from '../../src/facts/target.ts'
import { container, type Container } from '../../src/facts/container.ts'
import { containerFix } from '../../src/facts/container-fix.ts'
import { changeQuota, restart, subjectOf } from './limits.ts'

export default defineCheck({
  id: 'cgroup/cpu-quota-low',
  title: 'The CPU quota is smaller than the threads of the speech engine need',
  docs: {
    what: 'Compares the smallest CPU quota among the control groups that hold the process (cpu.max, or cpu.cfs_quota_us on cgroup v1) with the threads that the speech engine computes with.',
    why: 'A quota is CPU time per period. Threads that together use it up stand still until the next period, so more threads under the same quota make recognition slower. `CPUQuota=50%` is half of ONE CPU, on a machine with any number of them.',
    remedy: 'Raise or remove the quota where it is set, or start the engine with no more threads than the quota has CPUs.',
    links: ['man:systemd.resource-control(5)', 'https://docs.kernel.org/scheduler/sched-bwc.html', 'https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { target, cpuDemand, container },
  run: ({ target, cpuDemand: demand, container: inside }) => {
    const { usable } = demand
    const held = need(demand.quota)
    if (held === null) return { status: 'not-applicable', because: `No CPU quota holds for it${demand.place === null ? '' : beyond(demand.place)}.` }
    if (usable !== null && held.cpus >= usable) return []
    const { threads, running, loaded } = need(demand.view)
    const wanted = wantedCpus(demand)
    if (held.cpus >= 1) {
      if (wanted === null && running !== null && running.count <= held.cpus) return []
      if (wanted === null && target.kind === 'shell') return { status: 'not-applicable', because: `The quota here is ${cpusInWords(held.cpus)}, and no speech engine is known to compare it with.` }
      if (wanted === null) return { status: 'unknown', because: `The quota is ${cpusInWords(held.cpus)}, and how many threads the program computes with is not known.`, how: 'Run it while it transcribes: cgroup/cpu-throttled then measures whether the quota holds it back.' }
      if (wanted <= held.cpus + 0.01) return []
      // A pool lives as long as its session: fewer threads than the default mean that the program chose fewer, or that it has not begun.
      const pooled = threads!.chosen === 'default' && threads!.engine !== 'ggml'
      if (pooled && loaded && running !== null && running.count <= wanted) {
        return { status: 'unknown', because: `The quota is ${cpusInWords(held.cpus)}; by default the engine computes with ${wanted} threads, but the process has only ${running.count} of all kinds now.`, how: 'Run it while it transcribes: cgroup/cpu-throttled then measures whether the quota holds it back.' }
      }
    }
    return [finding(subjectOf(target, demand.unit), demand, held, threads, wanted, inside)]
  },
})

type Held = NonNullable<Extract<Immutable<CpuDemand>['quota'], { known: true }>['value']>

function finding(subject: string, demand: Immutable<CpuDemand>, held: Held, threads: Immutable<Threads> | null, wanted: number | null, inside: Immutable<Container> | null): Finding {
  const words = cpusInWords(held.cpus)
  const than = wanted === null || wanted <= 1 ? 'and a single thread at work already uses more' : `and its ${wanted} threads use up to ${wanted} (${threads!.because})`
  const certain = held.cpus < 1 || threads?.chosen === 'asked'
  const evidence = [...held.evidence, ...(wanted === null ? [] : [...threads!.evidence, ...(demand.running === null ? [] : [demand.running.evidence])]), ...(demand.online === null ? [] : [demand.online.evidence])]
  return {
    severity: held.cpus < 1 ? 'error' : 'warning',
    confidence: certain ? 'certain' : 'likely',
    cause: `${held.text === null ? 'A CPU quota' : held.text} lets ${subject} use ${words} and no more, ${than}.`,
    evidence: evidence as unknown as [Evidence, ...Evidence[]],
    refuted: refutations(held, demand.online?.count ?? null),
    fixes: fixes(demand, held, threads, wanted, inside),
  }
}

function refutations(held: Held, online: number | null): readonly Refutation[] {
  if (online === null || online < 2) return []
  const percent = Math.round(held.cpus * 100)
  const share = Math.round(online * held.cpus * 100) / 100
  return percent > 100
    ? []
    : [{ hypothesis: `${percent} % is a share of the whole machine: ${share} of its ${online} CPUs`, because: `The percentage is of one CPU, however many there are (systemd.resource-control(5)): ${held.saw} is ${Math.round(held.periodMs * held.cpus)} ms of CPU time in every ${Math.round(held.periodMs)} ms.` }]
}

function fixes(demand: Immutable<CpuDemand>, held: Held, threads: Immutable<Threads> | null, wanted: number | null, inside: Immutable<Container> | null): readonly Fix[] {
  const { unit } = demand
  const raise = changeQuota({ unit, container: inside }, held.level ?? { path: `/${unit?.name ?? ''}`, directory: '' }, held.cpus, wanted)
  const fewer = Math.floor(held.cpus)
  if (fewer < 1 || wanted === null) return [raise]
  const title = `Or let the engine compute with ${fewer === 1 ? 'one thread' : `${fewer} threads`}, so that it is not stopped in the middle of every period`
  const openmp = threads?.chosen === 'default' && (threads.engine === 'ctranslate2' || threads.engine === 'torch')
  if (openmp && inside !== null) {
    const inContainer = containerFix(title, inside.engine, { env: { OMP_NUM_THREADS: String(fewer) } })
    if (inContainer !== null) return [raise, inContainer]
  }
  if (openmp && unit !== null) {
    return [raise, { title, safety: 'risky', edits: [{ kind: 'unit-drop-in', unit: unit.name, scope: unit.scope, set: [{ section: 'Service', key: 'Environment', value: `OMP_NUM_THREADS=${fewer}` }] }], then: restart(unit) }]
  }
  const how = threads?.chosen === 'asked' ? `Change ${threads.evidence[0]!.saw} in its command line to ${fewer}.` : threads?.engine === 'onnxruntime' ? `Set intra_op_num_threads to ${fewer} in the session options.` : `Start it with --threads ${fewer} (whisper.cpp), --num-threads=${fewer} (sherpa-onnx) or OMP_NUM_THREADS=${fewer} (CTranslate2, PyTorch).`
  return [raise, { title, safety: 'manual', edits: [], then: [how] }]
}
