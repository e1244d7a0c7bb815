import { afterAll, beforeAll, expect, it } from 'vitest'
import { bootBox, boxMissing, NODE, REPOSITORY, type Box } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'

const DOCTOR = [NODE, `${REPOSITORY}/bin/asr-doctor.js`]
const LIST = '/sys/fs/cgroup/devices/system.slice/late.service/devices.list'

/**
 * The boot race of NVIDIA's devices, by nodes made by hand: what DeviceAllow= names and is not there when the service starts is left
 * out of the list of its control group (systemd.resource-control(5)), and stays out when the module is loaded later.
 */
describeWith('systemd-box', boxMissing(), () => {
  let box: Box
  beforeAll(() => {
    box = bootBox('fix-devices')
    box.script(`
      mknod -m 666 /dev/nvidia0 c 195 0; mknod -m 666 /dev/nvidiactl c 195 255
      printf '#!/usr/bin/perl\\nsleep 100000\\n' >/usr/local/bin/asr-late; chmod 755 /usr/local/bin/asr-late
      printf '[Service]\\nExecStart=/usr/local/bin/asr-late --device cuda\\nDevicePolicy=closed\\nDeviceAllow=/dev/nvidia0 rw\\nDeviceAllow=/dev/nvidiactl rw\\nDeviceAllow=/dev/nvidia-uvm rw\\n' >/etc/systemd/system/late.service
      systemctl daemon-reload; systemctl start late; sleep 0.5
      mknod -m 666 /dev/nvidia-uvm c 511 0`)
  })
  afterAll(() => box?.stop())

  it('a service that was started before its device is told so, ordered after the module, and may open it after the restart', () => {
    expect(box.script(`cat ${LIST}`)).not.toContain('c 511:')
    const found = JSON.parse(box.run(...DOCTOR, 'check', '--unit', 'late', '--only', 'service', '--json').stdout) as { outcomes: Record<string, { status: string; findings: { cause: string; evidence: { saw: string }[] }[] }> }
    const [finding] = found.outcomes['service/device-access-denied']!.findings
    expect(finding!.cause).toBe('late.service asks for the GPU and may not open /dev/nvidia-uvm: DeviceAllow= names them, but they were not there yet when it started, and what has no device then is left out of the list of its control group.')
    expect(finding!.evidence.map(({ saw }) => saw)).toContain('no entry for 511:0 (/dev/nvidia-uvm)')
    const ran = box.run(...DOCTOR, 'fix', '--unit', 'late', '--write-unit', '--fix', 'service/device-access-denied', '--yes', '--restart')
    expect(ran.stderr, ran.stdout).toMatch(/gone: .*service\/device-access-denied/)
    const text = box.script('cat /etc/systemd/system/late.service.d/50-asr-doctor.conf')
    expect(text).toMatch(/\[Unit\][^[]*Wants=modprobe@nvidia_uvm\.service\nAfter=modprobe@nvidia_uvm\.service\n/)
    expect(text).toContain('DeviceAllow=char-nvidia* rw\n')
    expect(box.script(`cat ${LIST}`)).toMatch(/^c 511:0 rw$/m)
    expect(box.script('systemctl show -P Wants -P After late.service')).toMatch(/modprobe@nvidia_uvm\.service/)
    expect(box.run(...DOCTOR, 'fix', '--undo', '--yes', '--restart').code).toBe(0)
    expect(box.run('ls', '/etc/systemd/system/late.service.d').code).not.toBe(0)
  }, 120_000)
})
