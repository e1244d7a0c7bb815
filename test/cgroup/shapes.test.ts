import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../src/types.ts'
import { engine, judged, tree, V2_MOUNT, type Machine } from './machine.ts'

type Id = 'cpu-throttled' | 'cpu-quota-low' | 'cpuset-narrow' | 'memory-limit-reached' | 'limit-not-enforced'
const outcome = async (machine: Machine, id: Id): Promise<Outcome> => (await judged(machine)).outcomes.get(`cgroup/${id}`)!
const finding = async (machine: Machine, id: Id) => {
  const each = await outcome(machine, id)
  return each.status === 'found' ? each.findings[0]! : expect.fail(JSON.stringify(each))
}
const statuses = async (machine: Machine) => Object.fromEntries([...(await judged(machine)).outcomes].map(([id, { status }]) => [id.slice('cgroup/'.length), status]))

const PINNED = '/user.slice/user-1500.slice/user@1500.service/app.slice/pinned.service'

describe('recorded trees of cgroup v2', () => {
  it.each(['v2-qemu-6.1', 'v2-uml-6.1'])('%s: a user unit that lives in swap under its MemoryMax', async (name) => {
    const { cause, evidence } = await finding({ files: tree(name), cgroup: `0::${PINNED}\n`, mountinfo: V2_MOUNT }, 'memory-limit-reached')
    expect(cause).toMatch(/^Process 42 has reached its memory limit of 100 MiB, with 9[89](\.\d)? MiB that cannot be dropped and 15[34567](\.\d)? MiB swapped out\.$/)
    expect(evidence.map(({ source }) => source)).toContain(`read /sys/fs/cgroup${PINNED}/memory.max`)
  })

  it('counts the pressure where the kernel measures it', async () => {
    const { evidence } = await finding({ files: tree('v2-qemu-6.1'), cgroup: `0::${PINNED}\n`, mountinfo: V2_MOUNT }, 'memory-limit-reached')
    expect(evidence.at(-1)).toEqual({ source: `read /sys/fs/cgroup${PINNED}/memory.pressure`, saw: 'some avg10=13.25 avg60=14.77 avg300=11.95 total=71393728' })
  })

  it('sees no limit in the slice above', async () => {
    expect(await statuses({ files: tree('v2-qemu-6.1'), cgroup: '0::/user.slice/user-1500.slice\n', mountinfo: V2_MOUNT })).toEqual({
      'cpu-throttled': 'not-applicable', 'cpu-quota-low': 'not-applicable', 'cpuset-narrow': 'not-applicable', 'memory-limit-reached': 'not-applicable', 'limit-not-enforced': 'not-applicable',
    })
  })
})

/** No daemon runs in these tests: the shapes are built after the documentation of Docker, Kubernetes and cgroup_namespaces(7). */
describe('containers', () => {
  const at = (directory: string, files: Readonly<Record<string, string>>) => Object.fromEntries(Object.entries(files).map(([name, text]) => [`/sys/fs/cgroup${directory}/${name}`, text]))
  const stats = { 'cpu.stat': 'usage_usec 1000\nnr_periods 100\nnr_throttled 10\nthrottled_usec 1000\n' }

  it('docker --cpus=0.5 on v2: the cgroup namespace shows the container as the root', async () => {
    const machine: Machine = {
      cgroup: '0::/\n', mountinfo: '1032 1031 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate\n',
      files: at('', { 'cgroup.procs': '1\n', 'cgroup.type': 'domain\n', 'cpu.max': '50000 100000\n', 'memory.max': 'max\n', ...stats }),
      later: at('', { 'cpu.stat': 'usage_usec 501000\nnr_periods 110\nnr_throttled 19\nthrottled_usec 401000\n' }),
    }
    const low = await finding(machine, 'cpu-quota-low')
    expect(low.cause).toBe('A CPU quota lets process 42 use half of ONE CPU and no more, and a single thread at work already uses more.')
    expect(low.fixes[0]!.then[0]).toContain('docker run --cpus=')
    expect((await finding(machine, 'cpu-throttled')).cause).toBe('While it was watched for 1.0 s, process 42 used up its quota of half of ONE CPU and was stopped in 9 of 10 periods.')
    expect(await outcome(machine, 'memory-limit-reached')).toMatchObject({ status: 'not-applicable', because: 'No memory limit holds for it; what encloses this container cannot be seen from inside.' })
  })

  it('Kubernetes on v2, seen from the host: the pod may be narrower than the container', async () => {
    const pod = '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod7.slice'
    const machine: Machine = {
      cgroup: `0::${pod}/cri-containerd-9.scope\n`, mountinfo: V2_MOUNT, engines: [engine('onnxruntime')], threads: 20,
      files: { ...at(`${pod}/cri-containerd-9.scope`, { 'cgroup.procs': '42\n', 'cpu.max': 'max 100000\n', ...stats }), ...at(pod, { 'cpu.max': '200000 100000\n', ...stats }), ...at('/kubepods.slice', { 'cpu.max': 'max 100000\n' }) },
    }
    const { cause, evidence, severity, confidence, fixes } = await finding(machine, 'cpu-quota-low')
    expect(cause).toBe('A CPU quota lets process 42 use 2 CPUs and no more, and its 8 threads use up to 8 (ONNX Runtime takes one for each core of the machine when it is told nothing).')
    expect(evidence[0]).toEqual({ source: `read /sys/fs/cgroup${pod}/cpu.max`, saw: '200000 100000' })
    expect([severity, confidence]).toEqual(['warning', 'likely'])
    expect(fixes[0]).toMatchObject({ safety: 'manual', edits: [{ kind: 'snippet', for: 'kubernetes', text: expect.stringMatching(/resources:\n\s+limits:\n\s+cpu: /) }] })
  })

  it('docker on v1 without a cgroup namespace: the mount begins at the container', async () => {
    const id = '/docker/0a1b'
    const mount = (controllers: string) => `41 30 0:31 ${id} /sys/fs/cgroup/${controllers} ro,nosuid - cgroup cgroup rw,${controllers}\n`
    const machine: Machine = {
      cgroup: `4:memory:${id}\n3:cpuset:${id}\n2:cpu,cpuacct:${id}\n`, mountinfo: mount('cpu,cpuacct') + mount('cpuset') + mount('memory'), allowed: '0-1',
      argv: ['/opt/asr/whisper-server', '-t', '8'], engines: [engine('ggml')],
      files: {
        ...at('/cpu,cpuacct', { 'cgroup.procs': '42\n', 'cpu.cfs_quota_us': '-1\n', 'cpu.cfs_period_us': '100000\n' }),
        ...at('/cpuset', { 'cgroup.procs': '42\n', 'cpuset.effective_cpus': '0-1\n' }),
        ...at('/memory', { 'cgroup.procs': '42\n', 'memory.limit_in_bytes': '9223372036854771712\n' }),
      },
    }
    expect(await statuses(machine)).toMatchObject({ 'cpu-quota-low': 'not-applicable', 'cpu-throttled': 'not-applicable', 'memory-limit-reached': 'not-applicable', 'cpuset-narrow': 'found' })
    expect((await finding(machine, 'cpuset-narrow')).cause).toBe('Process 42 may run on 2 CPUs of 8 only, and its engine computes with 8 threads (its command line says -t 8).')
    // The same set with an engine that looks at it.
    expect(await statuses({ ...machine, argv: ['/opt/asr/whisper-server'] })).toMatchObject({ 'cpuset-narrow': 'passed' })
  })

  it('never takes a cgroup that is not shown for one without limits', async () => {
    for (const cgroup of ['0::/../other.scope\n', '0::/system.slice/docker-9.scope\n']) {
      const machine: Machine = { cgroup, mountinfo: '35 25 0:30 /system.slice/docker-8.scope /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n', files: { '/sys/fs/cgroup/cgroup.procs': '' } }
      expect(await statuses(machine)).toMatchObject({ 'cpu-quota-low': 'unknown', 'cpu-throttled': 'unknown', 'memory-limit-reached': 'unknown' })
    }
    expect(await statuses({ cgroup: '2:cpu,cpuacct:/x\n1:memory:/x\n', mountinfo: V2_MOUNT, files: {} })).toMatchObject({ 'cpu-quota-low': 'unknown', 'memory-limit-reached': 'unknown' })
  })
})

describe('false alarms', () => {
  const own = '/system.slice/asr.service'
  const directory = `/sys/fs/cgroup${own}`
  const base = (files: Readonly<Record<string, string>>, more: Partial<Machine> = {}): Machine => ({
    cgroup: `0::${own}\n`, mountinfo: V2_MOUNT,
    files: { [`${directory}/cgroup.procs`]: '42\n', ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`${directory}/${name}`, text])) }, ...more,
  })
  const memory = (over: Readonly<Record<string, string>>) => base({
    'memory.max': '524288000\n', 'memory.current': '523000000\n', 'memory.peak': '524288000\n', 'memory.swap.current': '0\n',
    'memory.stat': 'anon 100000000\nshmem 0\nfile 420000000\n', 'memory.events': 'low 0\nhigh 0\nmax 9000\noom 0\noom_kill 0\n', 'memory.pressure': 'some avg10=0.00 avg60=0.10 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n', ...over,
  })

  it.each([
    ['99.7 % of page cache, the limit hit 9000 times and the peak at it', {}],
    ['a little was swapped out long ago', { 'memory.swap.current': '2000000\n', 'memory.stat': 'anon 300000000\nshmem 0\nfile 200000000\n' }],
    ['much was swapped out long ago and there is room now', { 'memory.swap.current': '300000000\n', 'memory.stat': 'anon 300000000\nshmem 0\nfile 200000000\n' }],
    ['near the limit, with nothing swapped and nobody waiting', { 'memory.stat': 'anon 480000000\nshmem 0\nfile 40000000\n' }],
    ['killed by somebody else than this limit', { 'memory.events': 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 1\n' }],
  ])('memory: %s', async (_, over) => {
    expect(await outcome(memory(over), 'memory-limit-reached')).toEqual({ status: 'passed' })
  })

  it('memory: held to the brim and waiting is no false alarm', async () => {
    expect((await finding(memory({ 'memory.stat': 'anon 520000000\nshmem 0\nfile 1000\n', 'memory.pressure': 'some avg10=35.00 avg60=30.00 avg300=20.00 total=1\nfull avg10=30.00 avg60=0.00 avg300=0.00 total=1\n' }), 'memory-limit-reached')).severity).toBe('error')
    // Weights mapped from a file that does not fit: read again and again.
    expect((await finding(memory({ 'memory.pressure': 'some avg10=35.00 avg60=30.00 avg300=20.00 total=1\nfull avg10=30.00 avg60=0.00 avg300=0.00 total=1\n' }), 'memory-limit-reached')).confidence).toBe('likely')
  })

  it('memory: after a kill the new limit is a guess and says so, unless more was measured than the limit', async () => {
    const events = { 'memory.events': 'low 0\nhigh 0\nmax 40\noom 1\noom_kill 1\n' }
    const fixOf = async (over: Readonly<Record<string, string>>) => (await finding(memory({ ...events, ...over }), 'memory-limit-reached')).fixes[0]!
    // 500 MiB, twice: 1000 MiB, and rounded up to a whole 256 MiB: 1 GiB.
    const guess = await fixOf({})
    expect(guess.title).toMatch(/^Raise the memory limit to 1 GiB or more, a guess to be measured/)
    expect(guess.then.at(-1)).toMatch(/^Measure it then, for twice the limit that it was ended at is a guess: .*memory\.peak/)
    // 500 000 000 held and 700 000 000 swapped out, half as much again: 1716.6 MiB, rounded up to 1792.
    const measured = await fixOf({ 'memory.stat': 'anon 500000000\nshmem 0\nfile 0\n', 'memory.swap.current': '700000000\n' })
    expect(measured.title).toMatch(/^Raise the memory limit to 1\.8 GiB or more(,|$)/)
    expect(JSON.stringify(measured)).not.toContain('guess')
    // A peak above the limit is from before it was lowered: 1 GB and a half, 1430.5 MiB, rounded up to 1536.
    expect((await fixOf({ 'memory.peak': '1000000000\n' })).title).toMatch(/^Raise the memory limit to 1\.5 GiB or more(,|$)/)
  })

  const quota = (max: string, more: Partial<Machine> = {}) => base({ 'cpu.max': `${max}\n`, 'cpu.stat': 'usage_usec 0\nnr_periods 100\nnr_throttled 90\nthrottled_usec 9\n' }, more)
  const rise = (usage: number, periods: number, throttled: number) => ({ [`${directory}/cpu.stat`]: `usage_usec ${usage}\nnr_periods ${100 + periods}\nnr_throttled ${90 + throttled}\nthrottled_usec 9\n` })

  it.each<[string, Machine, string]>([
    ['the quota has room for every thread', quota('400000 100000', { argv: ['x', '--threads', '4'] }), 'passed'],
    ['more quota than CPUs', quota('800000 100000', { allowed: '0-3', engines: [engine('onnxruntime')], threads: 30 }), 'passed'],
    ['CTranslate2 told by OMP_NUM_THREADS', quota('200000 100000', { engines: [engine('ctranslate2')], env: { OMP_NUM_THREADS: '2' }, threads: 9 }), 'passed'],
    ['sherpa-onnx takes two', quota('200000 100000', { engines: [engine('onnxruntime'), engine('sherpa-onnx')], threads: 9 }), 'passed'],
    ['ONNX Runtime told by ORT_INTRA_OP_NUM_THREADS', quota('200000 100000', { engines: [engine('onnxruntime', true, '1.28.0')], env: { ORT_INTRA_OP_NUM_THREADS: '2' } }), 'passed'],
    ['the same variable before it was honoured', quota('200000 100000', { engines: [engine('onnxruntime', true, '1.27.0')], env: { ORT_INTRA_OP_NUM_THREADS: '2' }, threads: 12 }), 'found'],
    ['ONNX Runtime with few threads so far', quota('200000 100000', { engines: [engine('onnxruntime')], threads: 3 }), 'unknown'],
    ['whisper.cpp with few threads while it waits', quota('200000 100000', { engines: [engine('ggml')], threads: 3 }), 'found'],
    ['an unknown program of one thread', quota('100000 100000', { threads: 1 }), 'passed'],
    ['an unknown program of many threads', quota('100000 100000', { threads: 9 }), 'unknown'],
    ['less than one CPU is low for any program', quota('90000 100000', { threads: 1 }), 'found'],
  ])('quota: %s', async (_, machine, status) => {
    expect((await outcome(machine, 'cpu-quota-low')).status).toBe(status)
  })

  it.each<[string, Machine, string]>([
    ['a whole lifetime of throttling, and idle now', quota('50000 100000', { later: { ...rise(0, 0, 0), '/proc/42/stat': '42 (server) S 1 42 42 0 -1 0 0 0 0 0 0 0 0 0' } }), 'unknown'],
    ['wakes in every period and does next to nothing', quota('50000 100000', { later: { ...rise(30_000, 10, 0), '/proc/42/stat': '42 (server) S 1 42 42 0 -1 0 0 0 0 0 3 0 0 0' } }), 'unknown'],
    ['works within its quota', quota('200000 100000', { later: rise(800_000, 10, 0) }), 'passed'],
    ['one period of ten, at the start of a burst', quota('200000 100000', { later: rise(1_500_000, 10, 1) }), 'passed'],
    ['most periods', quota('200000 100000', { later: rise(2_000_000, 10, 8) }), 'found'],
  ])('throttling: %s', async (_, machine, status) => {
    expect((await outcome(machine, 'cpu-throttled')).status).toBe(status)
  })

  it('mentions the lifetime counters of an idle service, and what they do not tell', async () => {
    const idle = quota('50000 100000', { later: { ...rise(0, 0, 0), '/proc/42/stat': '42 (server) S 1 42 42 0 -1 0 0 0 0 0 0 0 0 0' } })
    expect(await outcome(idle, 'cpu-throttled')).toEqual({
      status: 'unknown', how: 'Run the check again while it transcribes.',
      because: 'It did no steady work in the 1.0 s that it was watched (0 ms of CPU time), so its CPU quota had nothing to stop. In its lifetime the quota was used up in 90 of 100 periods of work, which does not tell when that was.',
    })
  })
})
