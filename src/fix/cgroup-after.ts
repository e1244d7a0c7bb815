import { secondsOf } from '../cgroup/values.ts'
import type { Ask, Question } from '../host/host.ts'
import { question } from '../question.ts'
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
  const bytes = [max, high].map((value) => (value === undefined || value === 'infinity' ? Number.POSITIVE_INFINITY : Number(value)))
  const room = Math.min(...bytes)
  /** What was swapped out for want of room would be held in memory as far as there is room now; the rest would be swapped out again. */
  const swapped = async (machine: Ask): Promise<{ readonly back: number; readonly out: number }> => {
    const [stat, current] = await Promise.all([textAt(machine, at('memory.stat')), memory.version === 2 ? textAt(machine, at('memory.swap.current')) : ''])
    const field = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0)
    const swap = memory.version === 2 ? Number(current.trim() || 0) : field('total_swap')
    const held = memory.version === 2 ? field('anon') + field('shmem') : field('total_rss') + field('total_shmem')
    const out = Math.min(swap, Math.max(0, held + swap - room))
    return { back: swap - out, out }
  }
  /** Only where all of it finds room has nothing run into the new limit. */
  const relieved = (change: (text: string) => string) => async (machine: Ask, asked: Question): Promise<Json> => {
    const text = await machine(asked)
    return typeof text === 'string' && (await swapped(machine)).out === 0 ? change(text) : text
  }
  const zeroed = (lines: RegExp) => relieved((text) => text.replace(lines, (line) => `${line.split(' ')[0]} 0`))
  if (memory.version === 2) {
    answers.set(at('memory.stat'), async (machine, asked) => plus(await machine(asked), 'anon', (await swapped(machine)).back))
    answers.set(at('memory.current'), async (machine, asked) => sum(await machine(asked), (await swapped(machine)).back))
    answers.set(at('memory.swap.current'), async (machine, asked) => ((await machine(asked)) === null ? null : `${(await swapped(machine)).out}\n`))
    for (const file of ['memory.events', 'memory.events.local']) answers.set(at(file), zeroed(/^(max|high|oom|oom_kill|oom_group_kill|low) .*$/gm))
    answers.set(at('memory.pressure'), relieved((text) => text.replace(/avg(10|60|300)=[\d.]+/g, 'avg$1=0.00')))
  } else {
    answers.set(at('memory.stat'), async (machine, asked) => {
      const { back } = await swapped(machine)
      return plus(plus(await machine(asked), 'total_rss', back), 'total_swap', -back)
    })
    answers.set(at('memory.failcnt'), relieved(() => '0\n'))
    answers.set(at('memory.oom_control'), zeroed(/^oom_kill .*$/gm))
  }
  return answers
}

async function textAt(machine: Ask, file: string): Promise<string> {
  const text = await machine({ key: question.read(file), verb: 'read', args: [file] })
  return typeof text === 'string' ? text : ''
}

const plus = (text: Json, name: string, bytes: number): Json => (typeof text === 'string' ? text.replace(new RegExp(`^${name} (\\d+)$`, 'm'), (_, held: string) => `${name} ${Number(held) + bytes}`) : text)

const sum = (text: Json, bytes: number): Json => (typeof text === 'string' ? `${Number(text) + bytes}\n` : text)
