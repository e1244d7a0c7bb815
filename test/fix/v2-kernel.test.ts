import { afterAll, beforeAll, expect, it } from 'vitest'
import { diagnose } from '../../src/diagnose.ts'
import { mended } from '../../src/fix/mended.ts'
import { offerOf } from '../../src/fix/offer.ts'
import { gatherer } from '../../src/gather.ts'
import { caseOf } from '../../src/host/case.ts'
import { hostOf, remembered } from '../../src/host/host.ts'
import { replayed } from '../../src/host/replay.ts'
import { cgroupChecks } from '../../checks/cgroup/index.ts'
import { NODE, REPOSITORY, type Box } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'
import { bootGuest, guestMissing } from '../cgroup/v2-machine.ts'

const CGROUP = '/sys/fs/cgroup/system.slice/tight.service'
const FILES = ['cpu.max', 'memory.max', 'memory.high'] as const
const DOCTOR = [NODE, `${REPOSITORY}/bin/asr-doctor.js`]
/** Named one by one: on a busy machine the service is throttled too, and one quota cures both. */
const NAMED = ['cgroup/cpu-quota-low', 'cgroup/memory-limit-reached'] as const
const RISKY = NAMED.flatMap((id) => ['--fix', id])

/** A kernel with cgroup v2 of its own: what the overlay says of the limits after a restart, beside what the kernel then has. */
describeWith('user-mode-linux', guestMissing(), () => {
  let box: Box
  let text = ''
  const limits = (): Record<string, string> => Object.fromEntries(box.script(FILES.map((name) => `cat ${CGROUP}/${name}`).join('\n')).trim().split('\n').map((line, at) => [FILES[at]!, line]))
  beforeAll(() => {
    box = bootGuest('fix-v2')
    box.script(`
      cat >/usr/local/bin/hold <<'P'
#!/usr/bin/perl
push @a, 'x' x (1 << 20) for 1 .. 48;
while (1) { for $s (@a) { for ($i = 0; $i < 1 << 20; $i += 4096) { substr($s, $i, 1) = 'y' } } select undef, undef, undef, 0.6 }
P
      chmod 755 /usr/local/bin/hold
      printf '[Unit]\\nDescription=Speech recognition\\n[Service]\\nExecStart=/usr/local/bin/hold --threads 1\\nCPUQuota=50%%\\nMemoryMax=32M\\nMemoryHigh=30M\\n' >/etc/systemd/system/tight.service
      systemctl daemon-reload; systemctl start tight
      for i in $(seq 600); do [ "$(cat ${CGROUP}/memory.swap.current)" -gt 12000000 ] && break; sleep 0.1; done`)
    const ran = box.run(...DOCTOR, 'record', '--unit', 'tight', '--timeout', '50')
    text = ran.stdout
    if (ran.code !== 0) throw new Error(ran.stderr)
  }, 240_000)
  afterAll(() => box?.stop())

  it('the limits that the proof goes by are those that the kernel has after the fix, and before it again after undo', async () => {
    const machine = remembered(replayed(caseOf(text).answers))
    const host = hostOf(machine)
    const checks = [...cgroupChecks]
    const offer = await offerOf({ machine, checks, before: await diagnose(host, gatherer(host), checks) }, { named: new Set(NAMED), writers: new Set(['unit']), barred: new Set() })
    expect(offer.main.rows.map(({ wish }) => wish.check)).toEqual(NAMED)
    expect(offer.proof).toMatchObject({ gone: expect.arrayContaining([...NAMED]), appears: [] })
    const over = hostOf(await mended(machine, offer.main))
    const said = Object.fromEntries(await Promise.all(FILES.map(async (name) => [name, (await over.read(`${CGROUP}/${name}`))?.trim()])))
    const before = limits()
    expect(before).toEqual({ 'cpu.max': '50000 100000', 'memory.max': String(32 << 20), 'memory.high': String(30 << 20) })
    expect(said['cpu.max']).toBe('100000 100000')

    const ran = box.run(...DOCTOR, 'fix', '--unit', 'tight', '--write-unit', ...RISKY, '--yes', '--restart', '--timeout', '50')
    expect(ran.stderr).toMatch(/Written \(run 1\)/)
    expect(limits(), ran.stderr).toEqual(said)
    expect(ran.stderr).toMatch(/^ {2}gone: .*cgroup\/cpu-quota-low.*cgroup\/memory-limit-reached/m)
    expect(ran.stderr).not.toMatch(/appears/)

    const undone = box.run(...DOCTOR, 'fix', '--undo', '--yes', '--restart')
    expect(undone.code, undone.stderr).toBe(0)
    expect(limits()).toEqual(before)
  }, 240_000)
})
