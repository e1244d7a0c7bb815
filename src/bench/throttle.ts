import { posix } from 'node:path'
import { read } from './proc.ts'

/** cpu.stat of the process's control group and of all above it: a quota may stand at any level. */
export function quotaFiles(pid: number): readonly string[] {
  return (read(`/proc/${pid}/cgroup`) ?? '').split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (path === undefined || (controllers !== '' && !controllers!.split(',').includes('cpu'))) return []
    const roots = controllers === '' ? ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'] : [`/sys/fs/cgroup/${controllers}`, '/sys/fs/cgroup/cpu']
    const levels = path.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/'))
    const files = roots.flatMap((root) => levels.map((level) => posix.join(root, level, 'cpu.stat')))
    return files.filter((file) => throttleOf(file) !== null)
  })
}

export interface Throttle {
  readonly periods: number
  readonly throttled: number
  readonly throttledMs: number
}

export function throttleOf(file: string): Throttle | null {
  const text = read(file)
  const value = (key: string) => new RegExp(`^${key} (\\d+)$`, 'm').exec(text ?? '')?.[1]
  const periods = value('nr_periods')
  if (periods === undefined) return null
  const us = value('throttled_usec')
  return { periods: Number(periods), throttled: Number(value('nr_throttled') ?? 0), throttledMs: us === undefined ? Number(value('throttled_time') ?? 0) / 1e6 : Number(us) / 1e3 }
}

export function mostThrottled(files: readonly string[], before: readonly (Throttle | null)[]): Throttle | null {
  const changes = files.flatMap((file, i) => {
    const [a, b] = [throttleOf(file), before[i]]
    return a && b && a.periods > b.periods ? [{ periods: a.periods - b.periods, throttled: a.throttled - b.throttled, throttledMs: a.throttledMs - b.throttledMs }] : []
  })
  return changes.sort((a, b) => b.throttled - a.throttled)[0] ?? null
}
