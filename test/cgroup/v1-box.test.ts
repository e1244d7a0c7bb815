import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Outcome } from '../../src/types.ts'
import { bootBox, boxMissing, NODE, type Box } from '../support/box.ts'
import { diagnoseInBox, type Seen } from '../support/box-diagnose.ts'
import { describeWith } from '../support/rig.ts'

/** A real systemd over the controllers of cgroup v1, where the limits of system units count and those of users do not. */
const legacyMissing = (): string | null => (/ - cgroup \S+ \S*\bcpu\b/m.test(readFileSync('/proc/self/mountinfo', 'utf8')) ? null : 'the cpu controller is not on cgroup v1 here')

const MODULES = ['checks/cgroup/index.ts']
const found = (seen: Seen | undefined, id: `${string}/${string}`) => {
  const outcome: Outcome | undefined = seen?.outcomes.get(id)
  return outcome?.status === 'found' ? outcome.findings[0]! : expect.fail(`${id}: ${JSON.stringify(outcome)}`)
}
const statuses = (seen: Seen | undefined) => Object.fromEntries([...seen!.outcomes].map(([id, { status }]) => [id.slice('cgroup/'.length), status]))

describeWith('systemd box on cgroup v1', boxMissing() ?? legacyMissing(), () => {
  let box: Box
  const seen: Record<string, Seen> = {}
  const system = (name: string) => ({ kind: 'unit', name: `${name}.service`, scope: 'system' }) as const
  const user = { kind: 'unit', name: 'dictate.service', scope: 'user' } as const

  beforeAll(async () => {
    box = bootBox('cgroup1')
    box.script(`
      useradd -m -u 1500 -s /bin/bash robert
      cat >/usr/local/bin/transcribe <<'J'
#!${NODE}
const t = setInterval(() => {}, 1000)
if (process.argv.includes('--work')) for (;;);
J
      cat >/usr/local/bin/eater <<'J'
#!${NODE}
require('child_process').spawn(process.execPath, ['-e', 'const a=[];for(;;)a.push(Buffer.alloc(1<<20,1))'])
setInterval(() => {}, 1000)
J
      chmod 755 /usr/local/bin/*
      unit() { printf '[Unit]\\nDescription=%s\\n[Service]\\n%s\\nExecStart=%s\\n' "$1" "$3" "$2" >/etc/systemd/system/$1.service; }
      unit busy "/usr/local/bin/transcribe --work --threads 2" "CPUQuota=15%"
      unit idle "/usr/local/bin/transcribe --threads 2" "CPUQuota=150%"
      unit wide "/usr/local/bin/transcribe --threads 2" "CPUQuota=${cpus().length}00%"
      unit free "/usr/local/bin/transcribe --threads 2" ""
      unit pinned "/usr/local/bin/transcribe --threads 2" "CPUAffinity=0"
      unit eater "/usr/local/bin/eater" "MemoryMax=150M
OOMPolicy=continue"
      unit stopped "/usr/local/bin/transcribe" "CPUQuota=50%"
      mkdir -p /etc/systemd/system/sliced.slice.d && printf '[Slice]\\nCPUQuota=60%%\\n' >/etc/systemd/system/sliced.slice.d/quota.conf
      unit insliced "/usr/local/bin/transcribe --threads 2" "Slice=sliced.slice"
      install -d -o robert -g robert /home/robert/.config /home/robert/.config/systemd /home/robert/.config/systemd/user
      printf '[Service]\\nExecStart=/usr/local/bin/transcribe --work\\nCPUQuota=50%%\\nMemoryMax=500M\\n' >/home/robert/.config/systemd/user/dictate.service
      systemctl daemon-reload
      systemctl start idle wide free pinned eater insliced
      loginctl enable-linger robert
      for i in $(seq 100); do [ -S /run/user/1500/bus ] && break; sleep 0.1; done`)
    for (const name of ['idle', 'wide', 'free', 'pinned', 'eater', 'stopped', 'insliced']) seen[name] = await diagnoseInBox(box, system(name), MODULES)
    box.script('systemctl start busy')
    seen['busy'] = await diagnoseInBox(box, system('busy'), MODULES)
    box.script('systemctl stop busy')
    box.runAs('robert', 'systemctl', '--user', 'start', 'dictate')
    seen['dictate'] = await diagnoseInBox(box, user, MODULES, { user: 'robert' })
    box.runAs('robert', 'systemctl', '--user', 'stop', 'dictate')
    seen['dictate stopped'] = await diagnoseInBox(box, user, MODULES, { user: 'robert' })
    seen['shell'] = await diagnoseInBox(box, { kind: 'shell' }, MODULES)
  }, 120_000)
  afterAll(() => box?.stop())

  it('measures the throttling of a busy service from what happened in the window', () => {
    const { cause, evidence, severity, confidence } = found(seen['busy'], 'cgroup/cpu-throttled')
    expect(cause).toMatch(/^While it was watched for 1\.\d s, busy\.service used up its quota of 15 % of ONE CPU and was stopped in \d+ of \d+ periods\.$/)
    expect(evidence[0]!.source).toMatch(/^watch 1000 \/proc\/\d+\/stat .*\/sys\/fs\/cgroup\/cpu\/system\.slice\/busy\.service\/cpu\.stat$/)
    expect([severity, confidence]).toEqual(['error', 'certain'])
  })

  it('says a quota in CPUs, with the line that sets it and what the kernel has', () => {
    const { cause, evidence, refuted } = found(seen['busy'], 'cgroup/cpu-quota-low')
    expect(cause).toBe('CPUQuota=15% lets busy.service use 15 % of ONE CPU and no more, and its 2 threads use up to 2 (its command line says --threads 2).')
    expect(evidence.slice(0, 3)).toEqual([
      { source: 'read /etc/systemd/system/busy.service:4', saw: 'CPUQuota=15%' },
      { source: 'read /sys/fs/cgroup/cpu/system.slice/busy.service/cpu.cfs_quota_us', saw: '15000' },
      { source: 'read /sys/fs/cgroup/cpu/system.slice/busy.service/cpu.cfs_period_us', saw: '100000' },
    ])
    expect(refuted![0]!.because).toContain('15 ms of CPU time in every 100 ms')
  })

  it('does not call a service idle that has a quota healthy, nor throttled', () => {
    expect(seen['idle']!.outcomes.get('cgroup/cpu-throttled')).toMatchObject({ status: 'unknown', how: 'Run the check again while it transcribes.' })
    expect(found(seen['idle'], 'cgroup/cpu-quota-low').severity).toBe('warning')
  })

  it('is silent about a quota wider than the machine, and does not watch it', () => {
    expect(statuses(seen['wide'])).toEqual({ 'cpu-throttled': 'not-applicable', 'cpu-quota-low': 'passed', 'cpuset-narrow': 'not-applicable', 'memory-limit-reached': 'not-applicable', 'limit-not-enforced': 'passed' })
    expect([...seen['wide']!.log.keys()].filter((key) => key.startsWith('watch'))).toEqual([])
  })

  it('has nothing to say where there is no limit, and asks nothing slow', () => {
    expect(new Set(Object.values(statuses(seen['free'])))).toEqual(new Set(['not-applicable']))
    expect([...seen['free']!.log.keys()].filter((key) => /^(watch|inventory)/.test(key))).toEqual([])
    expect(seen['shell']!.outcomes.get('cgroup/cpu-throttled')!.status).toBe('not-applicable')
  })

  it('names threads that have to share one CPU', () => {
    expect(found(seen['pinned'], 'cgroup/cpuset-narrow').cause).toBe(`pinned.service may run on 1 CPU of ${cpus().length} only, and its engine computes with 2 threads (its command line says --threads 2).`)
    expect(seen['pinned']!.outcomes.get('cgroup/cpu-quota-low')!.status).toBe('not-applicable')
  })

  it('finds the quota of the slice around a service, which has none of its own', () => {
    const { cause, evidence, fixes } = found(seen['insliced'], 'cgroup/cpu-quota-low')
    expect(cause).toMatch(/^A CPU quota lets insliced\.service use 60 % of ONE CPU/)
    expect(evidence[0]).toEqual({ source: 'read /sys/fs/cgroup/cpu/sliced.slice/cpu.cfs_quota_us', saw: '60000' })
    expect(fixes[0]).toMatchObject({ safety: 'manual', then: ['systemctl set-property sliced.slice CPUQuota=200%'] })
  })

  it('finds that the kernel killed for a memory limit', () => {
    expect(found(seen['eater'], 'cgroup/memory-limit-reached').cause).toBe('The kernel has killed one process of eater.service for want of memory, under MemoryMax=150M.')
  })

  it('finds that the limits of a user unit are shown and not in force, and no fault with the quota', () => {
    const { cause, refuted } = found(seen['dictate'], 'cgroup/limit-not-enforced')
    expect(cause).toBe('CPUQuota=50% and MemoryMax=500M are shown for dictate.service but not in force: it runs in cpu:/user.slice, which is not its own.')
    expect(refuted!.map(({ hypothesis }) => hypothesis)).toContain('The quota of half of ONE CPU makes it slow')
    expect(statuses(seen['dictate'])).toMatchObject({ 'cpu-throttled': 'not-applicable', 'cpu-quota-low': 'not-applicable', 'memory-limit-reached': 'not-applicable' })
  })

  it('judges what an inactive unit asks for, and leaves open what only a running one shows', () => {
    expect(statuses(seen['stopped'])).toEqual({ 'cpu-throttled': 'unknown', 'cpu-quota-low': 'found', 'cpuset-narrow': 'unknown', 'memory-limit-reached': 'unknown', 'limit-not-enforced': 'unknown' })
    expect(found(seen['stopped'], 'cgroup/cpu-quota-low').cause).toMatch(/^CPUQuota=50% lets stopped\.service use half of ONE CPU/)
    expect(statuses(seen['dictate stopped'])).toMatchObject({ 'limit-not-enforced': 'found', 'cpu-quota-low': 'unknown' })
  })

  it('cites only what was asked', () => {
    for (const [name, { outcomes, log }] of Object.entries(seen)) {
      for (const outcome of outcomes.values()) {
        if (outcome.status !== 'found') continue
        for (const { source } of outcome.findings.flatMap(({ evidence }) => evidence)) expect([...log.keys()].some((key) => source === key || source.startsWith(`${key}:`)), `${name}: ${source}`).toBe(true)
      }
    }
  })
})
