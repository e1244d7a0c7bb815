import { afterAll, beforeAll, expect, it } from 'vitest'
import { audioMissing, FOUR, libpulseReaches, pipewireBox, startPipewire, systemService } from '../rigs/audio-session.ts'
import type { Box } from '../support/box.ts'
import { diagnoseInBox, examineInBox, type Seen } from '../support/box-diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { findingOf } from './finding.ts'

const MODULES = ['checks/audio/index.ts']
const unit = (name: string) => ({ kind: 'unit', name: `${name}.service`, scope: 'system' }) as const
const statusOf = (seen: Seen, name: string) => seen.outcomes.get(`audio/${name}`)!.status

describeWith('PipeWire in a systemd box', audioMissing('/usr/bin/pipewire', '/usr/bin/pipewire-pulse', '/usr/bin/wireplumber'), () => {
  let box: Box

  beforeAll(() => {
    box = pipewireBox('audio-pipewire')
    systemService(box, 'bare', 'User=robert')
    systemService(box, 'good', 'User=robert', 'Environment=XDG_RUNTIME_DIR=/run/user/1500')
    systemService(box, 'asroot', 'Environment=PULSE_SERVER=unix:/run/user/1500/pulse/native')
    systemService(box, 'closed', 'User=alice', 'Environment=PULSE_SERVER=unix:/run/user/1500/pulse/native')
  })
  afterAll(() => box?.stop())

  it('does not wake a server that waits behind its socket', async () => {
    const all = await examineInBox(box, ['good', 'asroot'].map((name) => ({ target: unit(name) })), MODULES)
    for (const seen of all) expect(seen.outcomes.get('audio/server-unreachable')).toMatchObject({ status: 'unknown', because: expect.stringContaining('is not running now') })
    expect(box.script('pgrep -c pipewire || true').trim()).toBe('0')
  })

  it('agrees with real libpulse once it runs, root included', async () => {
    startPipewire(box)
    const names = ['bare', 'good', 'asroot', 'closed']
    const all = await examineInBox(box, names.map((name) => ({ target: unit(name) })), MODULES)
    expect(names.map((name, at) => [name, statusOf(all[at]!, 'server-unreachable')])).toEqual([['bare', 'found'], ['good', 'passed'], ['asroot', 'passed'], ['closed', 'found']])
    expect(names.map((name) => [name, libpulseReaches(box, name)])).toEqual([['bare', false], ['good', true], ['asroot', true], ['closed', false]])
    expect([1, 2].flatMap((at) => [...all[at]!.outcomes.values()].map(({ status }) => status))).not.toContain('found')
    const saw = findingOf(all[0]!.outcomes.get('audio/server-unreachable')).evidence.map((each) => each.saw).join('\n')
    expect(saw).toContain('2 inputs and 2 monitors')
    for (const name of FOUR) expect(saw).toContain(name)
  })

  it('a native client of PipeWire is not judged by pipewire-pulse', async () => {
    const pulse = ['pipewire-pulse.socket', 'pipewire-pulse.service']
    box.runAs('robert', 'systemctl', '--user', 'stop', ...pulse)
    box.script('rm -f /run/user/1500/pulse/native')
    systemService(box, 'native', 'User=robert', 'Environment=XDG_RUNTIME_DIR=/run/user/1500', 'Environment=LD_PRELOAD=libpipewire-0.3.so.0', 'ExecStart=/bin/sleep 99999')
    const [native, good] = await examineInBox(box, ['native', 'good'].map((name) => ({ target: unit(name) })), MODULES)
    expect(native!.outcomes.get('audio/server-unreachable')).toMatchObject({ status: 'unknown', because: expect.stringContaining('its own socket') })
    expect(findingOf(good!.outcomes.get('audio/server-unreachable')).cause).toContain('No sound server runs for robert (uid 1500)')
    box.runAs('robert', 'systemctl', '--user', 'start', ...pulse)
    startPipewire(box)
  })

  it('a server without any microphone has only its monitors', async () => {
    box.runAs('robert', 'sh', '-c', 'for n in $(pactl list short modules | grep Audio/Source | cut -f1); do pactl unload-module $n; done; sleep 0.2')
    const seen = await diagnoseInBox(box, unit('good'), MODULES)
    expect(findingOf(seen.outcomes.get('audio/only-monitors')).cause).toContain('(PulseAudio (on PipeWire')
  })
})
