import type { ProbeVerdict } from '../probe/judge.ts'
import type { CheckId, GpuVerdict } from '../types.ts'
import { asksByName, type Signs } from './signs.ts'

/**
 * What a second copy proves of the service itself, which is little. A copy on the CPU settles it where the reason holds for
 * whoever comes from that place: a build without CUDA, or a driver that shows no GPU. Libraries that it did not find, the service may find
 * by `import torch` or preload_dlls; and had the service failed so, its own log would say it. A copy on the GPU shows that the GPU
 * can be used. The copy was told CUDA first, and how the program tells each of its sessions is not seen.
 */
export function byProbe(signs: Signs): GpuVerdict | null {
  const { probe, asks, provider } = signs
  if (probe === undefined || asks?.asks === 'cpu') return null
  const of = (shown: ProbeVerdict['shown']) => probe.verdicts.filter((each) => each.shown === shown)
  const [own, cpu] = [of('own'), of('cpu')]
  const because = (verdicts: readonly ProbeVerdict[]) => [TRIED[probe.place], ...verdicts.map((each) => each.because)].join(' ')
  if (cpu.length > 0 && cpu.length === probe.verdicts.length && provider?.state !== 'loaded' && (signs.cublas ?? null) === null) {
    if (holds(signs, cpu)) return { onGpu: false, tier: 'T2', because: because(cpu) }
    return { onGpu: null, tier: 'T2', because: `${because(cpu)} Its program may reach the libraries by itself before (import torch, onnxruntime.preload_dlls), so what the service does is not shown by this.` }
  }
  // CTranslate2 puts a model whole on one device, and opens cuBLAS for its first product there.
  const whole = own.length > 0 && own.length === probe.verdicts.length && own.every(({ engine }) => engine.engine === 'ctranslate2')
  if (whole && probe.place === 'running' && (signs.cublas ?? null) !== null && asksByName(signs)) {
    return { onGpu: true, tier: 'T4', because: `${because(own)} That was a second copy; the service asks for the GPU too (${asks!.evidence[0]!.saw}), and has in its memory ${signs.cublas!.saw}, which CTranslate2 opens when it computes on the GPU.` }
  }
  return null
}

/** Findings that no import of the program gets round. */
const FOR_ALL: readonly CheckId[] = ['cuda/libraries-absent', 'gpu/driver-absent', 'gpu/driver-library-mismatch', 'gpu/driver-too-old', 'gpu/uvm-missing', 'service/device-access-denied']

/** What keeps a copy from the GPU keeps the service from it. */
export const holds = ({ outcomes }: Pick<Signs, 'outcomes'>, cpu: readonly ProbeVerdict[]): boolean =>
  cpu.every(({ cpuOnly, engine }) => cpuOnly || engine.engine !== 'onnxruntime') || FOR_ALL.some((check) => outcomes.get(check)?.status === 'found')

const TRIED = {
  running: 'Tried in its place (its environment, user and files, but not its cgroup).',
  configured: 'Tried as the unit would start it (its environment and user, but not its cgroup and sandbox).',
  caller: 'Tried with this interpreter.',
} as const

/** What something tried can do is no more than T2 of the service. */
export const tierOfProbe = ({ probe }: Pick<Signs, 'probe'>): GpuVerdict['tier'] => (probe === undefined || probe.verdicts.length === 0 ? null : probe.verdicts.some(({ shown }) => shown === 'can' || shown === 'own') ? 'T2' : 'T0')

/** What a probe adds where it does not decide: that the GPU can be used there is not that it is used. */
export function probeWords({ probe, provider }: Pick<Signs, 'probe' | 'provider'>, { onGpu }: GpuVerdict): readonly string[] {
  if (probe === undefined || probe.verdicts.length === 0) return []
  const can = probe.verdicts.some(({ shown }) => shown === 'can' || shown === 'own')
  return [
    TRIED[probe.place],
    ...probe.verdicts.map(({ because }) => because),
    ...(!can ? [] : onGpu === false ? ['So the GPU can be used there now, and a restart may be all the service needs.'] : ['So the GPU can be used there; that the service does use it is not shown by this.']),
    ...(can && probe.noNvml ? [`The GPU was not watched meanwhile: ${probe.noNvml}.`] : []),
    ...(provider?.state === 'loaded' && probe.verdicts.some(({ shown }) => shown === 'cpu' || shown === 'broken') ? ['The service itself has its CUDA provider in memory, so its program does something for it that the probe does not.'] : []),
  ]
}
