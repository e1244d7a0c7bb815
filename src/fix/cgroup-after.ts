import { secondsOf } from '../cgroup/values.ts'
import type { Ask, Question } from '../host/host.ts'
import type { Json } from '../types.ts'

interface Place {
  readonly version: 1 | 2
  readonly directory: string
}

type Answers = ReadonlyMap<string, (machine: Ask, asked: Question) => Promise<Json>>

/** cgroup files of the unit's own level under its new limits. systemd.resource-control(5), cgroup-v2.rst, cgroup-v1/memory.rst. */
export function cgroupFiles(properties: ReadonlyMap<string, string>, cpu: Place | null, memory: Place | null): Answers {
  const answers = new Map<string, (machine: Ask, asked: Question) => Promise<Json>>()
  const says = (file: string, text: string) => answers.set(file, () => Promise.resolve(text))
  const quota = properties.get('CPUQuotaPerSecUSec')
  if (quota !== undefined && cpu !== null) {
    const us = quota === 'infinity' ? null : Math.round((secondsOf(quota) ?? 0) * 100_000)
    if (cpu.version === 2) says(`${cpu.directory}/cpu.max`, `${us ?? 'max'} 100000\n`)
    else {
      says(`${cpu.directory}/cpu.cfs_quota_us`, `${us ?? -1}\n`)
      says(`${cpu.directory}/cpu.cfs_period_us`, '100000\n')
    }
  }
  const [max, high] = [properties.get('MemoryMax'), properties.get('MemoryHigh')]
  if (memory === null || (max === undefined && high === undefined)) return answers
  const at = (name: string) => `${memory.directory}/${name}`
  const limit = (value: string) => `${value === 'infinity' ? (memory.version === 2 ? 'max' : '9223372036854771712') : value}\n`
  if (max !== undefined) says(at(memory.version === 2 ? 'memory.max' : 'memory.limit_in_bytes'), limit(max))
  if (high !== undefined && memory.version === 2) says(at('memory.high'), limit(high))
  // What was swapped out for want of room would be held in memory, and nothing would have run into the new limit yet.
  if (memory.version === 2) {
    answers.set(at('memory.stat'), async (machine, asked) => plusSwap(await machine(asked), 'anon', await swapOf(machine, at('memory.swap.current'))))
    answers.set(at('memory.current'), async (machine, asked) => sum(await machine(asked), await swapOf(machine, at('memory.swap.current'))))
    answers.set(at('memory.swap.current'), async (machine, asked) => ((await machine(asked)) === null ? null : '0\n'))
    for (const file of ['memory.events', 'memory.events.local']) answers.set(at(file), zeroed(/^(max|high|oom|oom_kill|oom_group_kill|low) .*$/gm))
    answers.set(at('memory.pressure'), async (machine, asked) => {
      const text = await machine(asked)
      return typeof text === 'string' ? text.replace(/avg(10|60|300)=[\d.]+/g, 'avg$1=0.00') : text
    })
  } else {
    answers.set(at('memory.stat'), async (machine, asked) => {
      const text = await machine(asked)
      const swap = typeof text === 'string' ? Number(/^total_swap (\d+)$/m.exec(text)?.[1] ?? 0) : 0
      const held = plusSwap(text, 'total_rss', swap)
      return typeof held === 'string' ? held.replace(/^total_swap .*$/m, 'total_swap 0') : held
    })
    answers.set(at('memory.failcnt'), async (machine, asked) => ((await machine(asked)) === null ? null : '0\n'))
    answers.set(at('memory.oom_control'), zeroed(/^oom_kill .*$/gm))
  }
  return answers
}

const zeroed = (lines: RegExp) => async (machine: Ask, asked: Question): Promise<Json> => {
  const text = await machine(asked)
  return typeof text === 'string' ? text.replace(lines, (line) => `${line.split(' ')[0]} 0`) : text
}

async function swapOf(machine: Ask, file: string): Promise<number> {
  const text = await machine({ key: `read ${file}`, verb: 'read', args: [file] })
  return typeof text === 'string' && /^\d+$/.test(text.trim()) ? Number(text) : 0
}

const plusSwap = (text: Json, name: string, bytes: number): Json => (typeof text === 'string' ? text.replace(new RegExp(`^${name} (\\d+)$`, 'm'), (_, held: string) => `${name} ${Number(held) + bytes}`) : text)

const sum = (text: Json, bytes: number): Json => (typeof text === 'string' ? `${Number(text) + bytes}\n` : text)
