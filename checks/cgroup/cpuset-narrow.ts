import { defineCheck, need, type Evidence } from '../../src/index.ts'
import { count } from '../../src/cgroup/words.ts'
import { usableCpus } from '../../src/facts/cgroup-cpuset.ts'
import { cgroup } from '../../src/facts/cgroup.ts'
import { target } from '../../src/facts/target.ts'
import { threads } from '../../src/facts/threads.ts'
import { unitState } from '../../src/facts/unit-state.ts'
import { unitLimits } from '../../src/facts/cgroup-unit.ts'
import { container } from '../../src/facts/container.ts'
import { containerFix } from '../../src/facts/container-fix.ts'
import { begun, NOT_RUNNING, restart, subjectOf } from './limits.ts'

export default defineCheck({
  id: 'cgroup/cpuset-narrow',
  title: 'The process may run on fewer CPUs than the speech engine has threads',
  docs: {
    what: 'Compares the CPUs that the process may run on (its cpuset, and its affinity within it) with the threads that the speech engine computes with.',
    why: 'Threads that wait for each other in a spin loop, as those of ONNX Runtime and OpenMP do, lose far more than their share when several of them must take turns on one CPU. ONNX Runtime counts the cores of the machine and does not look at the set.',
    remedy: 'Give the service more CPUs, or start the engine with as many threads as there are CPUs in its set.',
    links: ['man:cpuset(7)', 'man:systemd.resource-control(5)', 'https://onnxruntime.ai/docs/performance/tune-performance/threading.html'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { target, cgroup, usableCpus, threads, unitLimits, unitState, container },
  run: ({ target, cgroup, usableCpus: cpus, threads: { threads, running, loaded }, unitLimits: unit, unitState: state, container: inside }) => {
    if (cgroup === null) return NOT_RUNNING
    if (cpus === null || cpus.allowed === null) return { status: 'unknown', because: 'Which CPUs it may run on is not shown by this kernel.', how: null }
    if (!cgroup.places.cpuset.known && cpus.allowed.count >= cpus.online) need(cgroup.places.cpuset)
    if (cpus.allowed.count >= cpus.online) return { status: 'not-applicable', because: 'It may run on every CPU of the machine.' }
    const set = `${count(cpus.allowed.count, 'CPU')} of ${cpus.online}`
    if (threads === null) {
      if (target.kind === 'shell') return { status: 'not-applicable', because: `No speech engine is known here to compare the set of ${set} with.` }
      if (running !== null && running.count <= cpus.allowed.count) return []
      return { status: 'unknown', because: `It may run on ${set}, and how many threads the program computes with is not known.`, how: 'Compare with the number of threads it is started with.' }
    }
    if (threads.count <= cpus.allowed.count) return []
    // The pool is there from the start of a session on: fewer threads mean that the program chose fewer, or has not begun.
    if (threads.chosen === 'default' && loaded && running !== null && running.count < threads.count) {
      return { status: 'unknown', because: `It may run on ${set}; by default the engine computes with ${threads.count} threads, but the process has only ${running.count} of all kinds now.`, how: 'Run the check again while it transcribes.' }
    }
    const fewer = cpus.allowed.count
    const key = cpus.cpuset === null ? 'CPUAffinity' : 'AllowedCPUs'
    const widen = unit !== null && (state?.properties[key] ?? '') !== ''
      ? { title: `Let it run on all ${cpus.online} CPUs`, safety: 'risky' as const, edits: [{ kind: 'unit-drop-in' as const, unit: unit.name, scope: unit.scope, set: [{ section: 'Service' as const, key, value: '' }] }], then: restart(unit) }
      : (inside === null ? null : containerFix('Let it run on more CPUs', inside.engine, { cpuset: cpus.onlineEvidence.saw })) ?? { title: 'Let it run on more CPUs', safety: 'manual' as const, edits: [], then: ['Widen the set where it is made: docker run --cpuset-cpus, taskset, or the CPU manager of Kubernetes.'] }
    return [{
      severity: 'warning',
      confidence: threads.chosen === 'asked' ? 'certain' : 'likely',
      cause: `${begun(subjectOf(target, unit))} may run on ${set} only, and its engine computes with ${threads.count} threads (${threads.because}).`,
      evidence: [...(cpus.cpuset === null ? [] : [cpus.cpuset.evidence]), cpus.allowed.evidence, cpus.onlineEvidence, ...threads.evidence, ...(running === null ? [] : [running.evidence])] as unknown as [Evidence, ...Evidence[]],
      fixes: [
        { title: `Let the engine compute with ${fewer === 1 ? 'one thread' : `${fewer} threads`}`, safety: 'manual', edits: [], then: [threads.engine === 'onnxruntime' ? `Set intra_op_num_threads to ${fewer} in the session options.` : `Set the number of threads to ${fewer}: ${threads.because}.`] },
        widen,
      ],
    }]
  },
})
