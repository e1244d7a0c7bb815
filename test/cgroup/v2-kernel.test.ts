import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Box } from '../support/box.ts'
import { examineInBox, type Seen } from '../support/box-diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { bootGuest, guestMissing } from './v2-machine.ts'

/** cgroup v2 for real, in a kernel of its own: one CPU, a swap device, no PSI. */
describeWith('user-mode-linux', guestMissing(), () => {
  let box: Box
  let busy: Seen, dictate: Seen, cache: Seen, greedy: Seen
  const found = (seen: Seen, id: `${string}/${string}`) => {
    const outcome = seen.outcomes.get(id)
    return outcome?.status === 'found' ? outcome.findings[0]! : expect.fail(`${id}: ${JSON.stringify(outcome)}`)
  }
  const statuses = (seen: Seen) => Object.fromEntries([...seen.outcomes].map(([id, { status }]) => [id.slice('cgroup/'.length), status]))

  beforeAll(async () => {
    box = bootGuest('v2')
    box.script(`
      useradd -m -u 1500 -s /bin/bash robert
      program() { cat >/usr/local/bin/$1; chmod 755 /usr/local/bin/$1; }
      printf '#!/usr/bin/perl\\nwhile (1) {}\\n' | program work
      program read-file <<'P'
#!/usr/bin/perl
open F, '</usr/bin/node'; 1 while read F, $block, 1 << 20; undef $block; sleep
P
      program hold <<'P'
#!/usr/bin/perl
push @a, 'x' x (1 << 20) for 1 .. 48;
while (1) { for $s (@a) { for ($i = 0; $i < 1 << 20; $i += 4096) { substr($s, $i, 1) = 'y' } } select undef, undef, undef, 0.6 }
P
      unit() { printf '[Service]\\n%s\\nExecStart=/usr/local/bin/%s\\n' "$3" "$2" >/etc/systemd/system/$1.service; }
      unit busy "work --threads 1" "CPUQuota=20%"
      unit cache "read-file --threads 1" "MemoryMax=24M
CPUQuota=200%"
      unit greedy hold "MemoryMax=30M
MemorySwapMax=0
Restart=always
RestartSec=500ms"
      install -d -o robert -g robert /home/robert/.config /home/robert/.config/systemd /home/robert/.config/systemd/user
      printf '[Service]\\nExecStart=/usr/local/bin/hold\\nCPUQuota=50%%\\nMemoryMax=30M\\n' >/home/robert/.config/systemd/user/dictate.service
      loginctl enable-linger robert
      for i in $(seq 200); do [ -S /run/user/1500/bus ] && break; sleep 0.1; done
      systemctl daemon-reload; systemctl start cache`)
    box.runAs('robert', 'systemctl', '--user', 'start', 'dictate')
    // A slow machine takes its time to fill 48 MiB.
    box.script(`for i in $(seq 300); do [ "$(cat /sys/fs/cgroup/user.slice/user-1500.slice/user@1500.service/app.slice/dictate.service/memory.swap.current)" -gt 15000000 ] && break; sleep 0.1; done
      systemctl start busy`)
    const pid = Number(box.runAs('robert', 'systemctl', '--user', 'show', '--value', '-p', 'MainPID', 'dictate').stdout)
    const unit = (name: string) => ({ target: { kind: 'unit', name: `${name}.service`, scope: 'system' } }) as const
    ;[dictate, busy, cache] = (await examineInBox(box, [{ target: { kind: 'pid', pid } }, unit('busy'), unit('cache')], ['checks/cgroup/index.ts'], { limitMs: 40_000 })) as [Seen, Seen, Seen]
    box.script(`systemctl stop busy cache; systemctl start greedy
      for i in $(seq 600); do [ "$(systemctl show --value -p NRestarts greedy)" -ge 2 ] && break; sleep 0.1; done`)
    ;[greedy] = (await examineInBox(box, [unit('greedy')], ['checks/cgroup/index.ts', 'checks/service/restarting.ts'], { limitMs: 40_000 })) as [Seen]
  }, 300_000)
  afterAll(() => box?.stop())

  it('measures the throttling of a busy system service', () => {
    const throttled = found(busy, 'cgroup/cpu-throttled')
    expect(throttled.cause).toMatch(/^While it was watched for \d+\.\d s, busy\.service used up its quota of 20 % of ONE CPU and was stopped in \d+ of \d+ periods\.$/)
    expect(throttled.fixes[0]!.edits).toEqual([{ kind: 'unit-drop-in', unit: 'busy.service', scope: 'system', set: [{ section: 'Service', key: 'CPUQuota', value: '100%' }] }])
    expect(found(busy, 'cgroup/cpu-quota-low').evidence.slice(0, 2)).toEqual([
      { source: 'read /etc/systemd/system/busy.service:2', saw: 'CPUQuota=20%' },
      { source: 'read /sys/fs/cgroup/system.slice/busy.service/cpu.max', saw: '20000 100000' },
    ])
  })

  it('finds the limits of a user unit in force, which they are on v2', () => {
    const { cause, evidence, severity } = found(dictate, 'cgroup/memory-limit-reached')
    expect(cause).toMatch(/^dictate\.service has reached MemoryMax=30M \(30 MiB\), with \d\d(\.\d)? MiB that cannot be dropped and \d\d(\.\d)? MiB swapped out\.$/)
    expect(evidence.map(({ source }) => source)).toContain('read /sys/fs/cgroup/user.slice/user-1500.slice/user@1500.service/app.slice/dictate.service/memory.swap.current')
    expect(severity).toBe('error')
    expect(found(dictate, 'cgroup/cpu-quota-low').evidence[1]).toEqual({ source: 'read /sys/fs/cgroup/user.slice/user-1500.slice/user@1500.service/app.slice/dictate.service/cpu.max', saw: '50000 100000' })
    expect(statuses(dictate)).toMatchObject({ 'limit-not-enforced': 'passed' })
  })

  it('names the limit that ended the runs before this one, whose counters are gone', () => {
    const { cause, confidence, severity, evidence } = found(greedy, 'cgroup/memory-limit-reached')
    expect(cause).toMatch(/^The kernel has killed \d+ runs of greedy\.service for want of memory, under MemoryMax=30M\.$/)
    expect([severity, confidence]).toEqual(['error', 'certain'])
    const saw = evidence.map((each) => each.saw).join('\n')
    expect(saw).toMatch(/^EXIT_CODE=killed EXIT_STATUS=9 UNIT_RESULT=oom-kill, (once|\d+ times)$/m)
    expect(saw).toMatch(/^oom-kill:constraint=CONSTRAINT_MEMCG,.*oom_memcg=\/system\.slice\/greedy\.service/m)
    expect(found(greedy, 'service/restarting')).toMatchObject({ severity: 'error', cause: expect.stringMatching(/memory ran out/) })
  })

  it('is silent about a limit filled with page cache, and a quota no smaller than the machine', () => {
    // The file is larger than the limit, so the limit was reached, and reached again.
    expect(cache.log.get('read /sys/fs/cgroup/system.slice/cache.service/memory.events.local')).toMatchObject({ value: expect.stringMatching(/^max [1-9]\d+$/m) })
    expect(statuses(cache)).toMatchObject({ 'cpu-throttled': 'not-applicable', 'cpu-quota-low': 'passed', 'cpuset-narrow': 'not-applicable', 'memory-limit-reached': 'passed', 'limit-not-enforced': 'passed' })
  })
})
