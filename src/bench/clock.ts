import type { Phase } from './messages.ts'

/** Wall and CPU time of the pieces of one run. */
export function stopwatch() {
  const phases: Phase[] = []
  let wall = performance.now()
  let cpu = process.cpuUsage()
  const started = { wall, cpu }
  return {
    phases,
    /** Ends the piece that ran since the last mark. */
    mark(name: Phase['name']): void {
      const now = performance.now()
      const usage = process.cpuUsage()
      const cpuMs = (usage.user - cpu.user + usage.system - cpu.system) / 1000
      const before = phases.findIndex((phase) => phase.name === name)
      const earlier = phases[before] ?? { name, wallMs: 0, cpuMs: 0 }
      phases[before < 0 ? phases.length : before] = { name, wallMs: earlier.wallMs + now - wall, cpuMs: earlier.cpuMs + cpuMs }
      wall = now
      cpu = usage
    },
    total(): { readonly wallMs: number; readonly cpuMs: number } {
      return { wallMs: wall - started.wall, cpuMs: (cpu.user - started.cpu.user + cpu.system - started.cpu.system) / 1000 }
    },
  }
}
