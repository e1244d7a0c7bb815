import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import type { MemoryCounts } from './messages.ts'

/** What the memory controller of this process counted until now (cgroup-v2.rst, memory.events; v1 memory.txt, failcnt and oom_control). */
export function memoryCounts(): MemoryCounts {
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (path === undefined) continue
    if (controllers === '') {
      const events = read(posix.join('/sys/fs/cgroup', path, 'memory.events'))
      if (events !== null) return { limitHits: count(events, 'high')! + count(events, 'max')!, killed: count(events, 'oom_kill') }
    } else if (controllers!.split(',').includes('memory')) {
      const folder = posix.join('/sys/fs/cgroup/memory', path)
      const failed = read(posix.join(folder, 'memory.failcnt'))
      if (failed !== null) return { limitHits: Number(failed), killed: count(read(posix.join(folder, 'memory.oom_control')) ?? '', 'oom_kill') }
    }
  }
  return { limitHits: null, killed: null }
}

const count = (text: string, key: string): number | null => {
  const found = new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1]
  return found === undefined ? null : Number(found)
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
