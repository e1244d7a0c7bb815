import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CheckId } from '../../src/types.ts'
import { applyDropIn, audioMissing, FOUR, libpulseReaches, pulseBox, startPulse, systemService } from '../rigs/audio-session.ts'
import type { Box } from '../support/box.ts'
import { diagnoseInBox, examineInBox, type Seen } from '../support/box-diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { findingOf } from './finding.ts'

const MODULES = ['checks/audio/index.ts']
const unit = (name: string) => ({ kind: 'unit', name: `${name}.service`, scope: 'system' }) as const

const statuses = (seen: Seen) => Object.fromEntries([...seen.outcomes].map(([id, { status }]) => [id.replace('audio/', ''), status]))

describeWith('PulseAudio in a systemd box', audioMissing('/usr/bin/pulseaudio'), () => {
  let box: Box
  const seen = new Map<string, Seen>()
  const of = (name: string, id: CheckId) => seen.get(name)!.outcomes.get(id)

  beforeAll(async () => {
    box = pulseBox('audio-pulse')
    systemService(box, 'bare', 'User=robert')
    systemService(box, 'good', 'User=robert', 'Environment=XDG_RUNTIME_DIR=/run/user/1500')
    systemService(box, 'wrong', 'User=robert', 'Environment=PULSE_SERVER=/run/user/1500/pulse/nope')
    systemService(box, 'literal', 'User=robert', 'Environment=PULSE_SERVER=unix:${XDG_RUNTIME_DIR}/pulse/native')
    systemService(box, 'port', 'User=robert', 'Environment=PULSE_SERVER=tcp:127.0.0.1:4713')
    systemService(box, 'asroot', 'Environment=HOME=/root')
    systemService(box, 'denied', 'Environment=PULSE_SERVER=/run/user/1500/pulse/native')
    systemService(box, 'cookie', 'Environment=PULSE_SERVER="/nope /run/user/1500/pulse/native" PULSE_COOKIE=/home/robert/.config/pulse/cookie')
    systemService(box, 'foreign', 'Environment=XDG_RUNTIME_DIR=/run/user/1500')
    systemService(box, 'closed', 'User=alice', 'Environment=PULSE_SERVER=unix:/run/user/1500/pulse/native')
    systemService(box, 'hidden', 'User=robert', 'Environment=XDG_RUNTIME_DIR=/run/user/1500', 'ProtectHome=yes')
    systemService(box, 'plain', 'User=alice', "ExecStart=/bin/sh -c 'exec sleep 99999'")
    systemService(box, 'linked', 'User=alice', 'ExecStart=/bin/sleep 99999', 'Environment=LD_PRELOAD=libpulse.so.0')
    box.script('sleep 0.05; touch /run/before; sleep 0.05')
    systemService(box, 'nologin', 'User=alice', 'Environment=XDG_RUNTIME_DIR=/run/user/1501')
    const names = ['cookie', 'nologin', 'bare', 'good', 'wrong', 'literal', 'port', 'asroot', 'denied', 'foreign', 'closed', 'hidden', 'plain', 'linked']
    const all = await examineInBox(box, names.map((name) => ({ target: unit(name) })), MODULES)
    names.forEach((name, at) => seen.set(name, all[at]!))
  })
  afterAll(() => box?.stop())

  it('writes nothing in any home or runtime folder, and starts no daemon', () => {
    expect(box.script('find /home /tmp /run/user /root/.config /root/.pulse* /var/run/pulse -mindepth 1 -newer /run/before 2>/dev/null || true').trim()).toBe('')
    expect(box.run('test', '-e', '/home/alice/.config').code).toBe(1)
    expect(box.script('pgrep -c pulseaudio').trim()).toBe('1')
  })

  it('finds nothing where the service hears as the session does', () => {
    expect(statuses(seen.get('good')!)).toEqual({ 'server-unreachable': 'passed', 'only-monitors': 'passed', 'alsa-hidden': 'not-applicable', 'sources-differ': 'passed' })
  })

  it('finds nothing where root shows the cookie, at the second of two addresses', () => {
    expect(statuses(seen.get('cookie')!)['server-unreachable']).toBe('passed')
  })

  it('asks nothing of a service that nothing points to a microphone', () => {
    expect(Object.values(statuses(seen.get('plain')!))).toEqual(Array(4).fill('not-applicable'))
    expect([...seen.get('plain')!.log.keys()].filter((key) => key.includes('pactl'))).toEqual([])
  })

  it.each([
    ['bare', 'runs as robert (uid 1500) with neither XDG_RUNTIME_DIR nor PULSE_SERVER'],
    ['wrong', 'PULSE_SERVER of wrong.service names unix:/run/user/1500/pulse/nope, which does not exist.'],
    ['literal', 'variables are not expanded'],
    ['port', 'names tcp:127.0.0.1:4713, and nothing accepts a connection there.'],
    ['asroot', 'runs as root (uid 0) with neither XDG_RUNTIME_DIR nor PULSE_SERVER'],
    ['denied', 'belongs to robert (uid 1500) and denies access to root (uid 0)'],
    ['foreign', 'but its XDG_RUNTIME_DIR /run/user/1500 belongs to robert (uid 1500)'],
    ['closed', 'to which alice (uid 1501) may not connect: it belongs to robert (uid 1500)'],
    ['nologin', 'No sound server runs for alice (uid 1501): /run/user/1501/pulse/native, where nologin.service looks for it, does not exist.'],
    ['hidden', 'hidden from hidden.service by its mount namespace'],
  ])('%s: tells its cause from the others', (name, words) => {
    const finding = findingOf(of(name, 'audio/server-unreachable'))
    expect(finding.cause).toContain(words)
    expect(finding.severity).toBe('error')
    expect(finding.evidence.map(({ saw }) => saw).join('\n')).toContain('the session of robert: 2 inputs and 2 monitors: ')
    expect(finding.refuted!.map(({ hypothesis }) => hypothesis)).toContain('No microphone is connected.')
    for (const { source } of finding.evidence) expect([...seen.get(name)!.log.keys()]).toContain(source)
    expect(statuses(seen.get(name)!)).toMatchObject({ 'only-monitors': 'not-applicable', 'sources-differ': 'not-applicable' })
    // Never the dangerous advice of many a forum.
    expect(JSON.stringify(finding.fixes)).not.toMatch(/auth-anonymous|module-native-protocol-tcp/)
  })

  it('a library alone is less sure than a command line', () => {
    expect(findingOf(of('linked', 'audio/server-unreachable'))).toMatchObject({ severity: 'info', confidence: 'likely' })
  })

  it('agrees with real libpulse in the place of every service', () => {
    for (const [name, { outcomes }] of seen) {
      if (name === 'plain') continue
      expect([name, libpulseReaches(box, name)]).toEqual([name, outcomes.get('audio/server-unreachable')!.status === 'passed'])
    }
    // The proof that the test above could fail: a plain client does write where it finds no server.
    expect(box.run('test', '-e', '/home/alice/.config').code).toBe(0)
  })

  it.each(['bare', 'wrong', 'port', 'hidden', 'denied'])('%s: its first mending with edits makes the finding go, and brings no other', async (name) => {
    const fix = findingOf(of(name, 'audio/server-unreachable')).fixes.find(({ edits }) => edits.length > 0)!
    applyDropIn(box, name, fix.edits.flatMap((edit) => (edit.kind === 'unit-drop-in' ? edit.set : [])))
    const after = await diagnoseInBox(box, unit(name), MODULES)
    expect(Object.values(statuses(after))).not.toContain('found')
    expect(statuses(after)['server-unreachable']).toBe('passed')
    expect(libpulseReaches(box, name)).toBe(true)
  })

  describe('as robert in his session', () => {
    it('a user unit hears what the shell hears', async () => {
      box.script('install -d -o robert -g robert /home/robert/.config/systemd /home/robert/.config/systemd/user')
      box.runAs('robert', 'sh', '-c', `printf '[Service]\\nExecStart=/bin/sh -c "sleep 99999; exec parec --raw /dev/null"\\n' >~/.config/systemd/user/dictate.service; systemctl --user daemon-reload; systemctl --user start dictate`)
      const dictate = await diagnoseInBox(box, { kind: 'unit', name: 'dictate.service', scope: 'user' }, MODULES, { user: 'robert' })
      expect(statuses(dictate)).toEqual({ 'server-unreachable': 'passed', 'only-monitors': 'passed', 'alsa-hidden': 'not-applicable', 'sources-differ': 'passed' })
    })

    it('the shell itself is well, and a shell without a session is no fault', async () => {
      expect(statuses(await diagnoseInBox(box, { kind: 'shell' }, MODULES, { user: 'robert' }))['server-unreachable']).toBe('passed')
      expect(statuses(await diagnoseInBox(box, { kind: 'shell' }, MODULES))['server-unreachable']).toBe('not-applicable')
      const stale = await diagnoseInBox(box, { kind: 'shell' }, MODULES, { user: 'robert', env: { PULSE_SERVER: '/run/gone' } })
      expect(findingOf(stale.outcomes.get('audio/server-unreachable')).cause).toBe('PULSE_SERVER of this shell names unix:/run/gone, which does not exist.')
    })

    it('the service of another user cannot be seen', async () => {
      const other = await diagnoseInBox(box, unit('closed'), MODULES, { user: 'robert' })
      expect(other.outcomes.get('audio/server-unreachable')!.status).toBe('unknown')
    })
  })

  describe('when the sources change', () => {
    it('an own server without a microphone differs from the session and has only monitors', async () => {
      box.script(`cat >/etc/systemd/system/second.service <<'END'
[Service]
User=robert
Environment=PULSE_RUNTIME_PATH=/tmp/second HOME=/tmp/second-home
ExecStart=/usr/bin/pulseaudio -n --daemonize=no --use-pid-file=no -L "module-native-protocol-unix socket=/tmp/second.sock" -L "module-null-sink sink_name=speaker"
END
systemctl daemon-reload; systemctl start second; for i in $(seq 50); do [ -S /tmp/second.sock ] && break; sleep 0.1; done`)
      systemService(box, 'elsewhere', 'User=robert', 'Environment=PULSE_SERVER=unix:/tmp/second.sock')
      const { outcomes } = await diagnoseInBox(box, unit('elsewhere'), MODULES)
      expect(findingOf(outcomes.get('audio/only-monitors')).cause).toContain('has no input, only the monitor speaker.monitor')
      const differ = findingOf(outcomes.get('audio/sources-differ'))
      expect(differ.cause).toContain('is offered no inputs and 1 monitor, the session of robert 2 inputs and 2 monitors')
      expect(differ.evidence.map(({ saw }) => saw)).toContain('elsewhere.service: no inputs and 1 monitor: speaker.monitor')
      expect(differ.cause).toContain('unix:/tmp/second.sock (PULSE_SERVER)')
      expect(differ.refuted![0]!.because).toBe('2 of the 4 sources are monitors: they play back an output.')
      expect(outcomes.get('audio/server-unreachable')!.status).toBe('passed')
    })

    it('a monitor as the default source is named, and goes with PULSE_SOURCE', async () => {
      box.runAs('robert', 'pactl', 'set-default-source', FOUR[2])
      const finding = findingOf((await diagnoseInBox(box, unit('good'), MODULES)).outcomes.get('audio/only-monitors'))
      expect(finding).toMatchObject({ severity: 'warning', confidence: 'likely' })
      expect(finding.cause).toBe(`The default source of the sound server of good.service is ${FOUR[2]}, the monitor of an output, while there are 2 inputs.`)
      systemService(box, 'chosen', 'User=robert', 'Environment=XDG_RUNTIME_DIR=/run/user/1500', `Environment=PULSE_SOURCE=${FOUR[1]}`)
      expect((await diagnoseInBox(box, unit('chosen'), MODULES)).outcomes.get('audio/only-monitors')!.status).toBe('passed')
      box.runAs('robert', 'pactl', 'set-default-source', FOUR[0])
    })

    it('only monitors', async () => {
      box.runAs('robert', 'sh', '-c', 'for n in $(pactl list short modules | grep null-source | cut -f1); do pactl unload-module $n; done')
      const finding = findingOf((await diagnoseInBox(box, unit('good'), MODULES)).outcomes.get('audio/only-monitors'))
      expect(finding).toMatchObject({ severity: 'error', confidence: 'certain' })
      expect(finding.cause).toContain('has no input, only 2 monitors of outputs')
      expect(finding.evidence[0].saw).toBe(`no inputs and 2 monitors: ${FOUR[2]}, ${FOUR[3]}`)
    })
  })

  describe('when the server is not well', () => {
    it('a service that is not running is judged by its files', async () => {
      box.script('systemctl stop good wrong linked')
      const [good, wrong, linked] = await examineInBox(box, ['good', 'wrong', 'linked'].map((name) => ({ target: unit(name) })), MODULES)
      expect(good!.outcomes.get('audio/server-unreachable')!.status).toBe('passed')
      expect(wrong!.outcomes.get('audio/server-unreachable')!.status).toBe('passed') // mended above
      expect(linked!.outcomes.get('audio/server-unreachable')).toMatchObject({ status: 'unknown', because: expect.stringContaining('not running') })
      box.script('systemctl start good wrong linked')
    })

    it('a pactl of old is asked in words, and none at all is said to be none', async () => {
      box.script(`printf '#!/bin/sh\ncase "$*" in *"-f json"*) exec /usr/bin/pactl -Z;; esac\nexec /usr/bin/pactl "$@"\n' >/usr/local/bin/pactl; chmod 755 /usr/local/bin/pactl`)
      const old = await diagnoseInBox(box, unit('good'), MODULES)
      expect([...old.log.keys()].filter((key) => key.includes('list short sources')).length).toBeGreaterThan(0)
      // The microphones were unloaded above.
      expect(findingOf(old.outcomes.get('audio/only-monitors')).evidence[0].saw).toContain('no inputs and 2 monitors')
      box.script('rm /usr/local/bin/pactl; mv /usr/bin/pactl /usr/bin/pactl.away')
      const none = await examineInBox(box, ['good', 'asroot'].map((name) => ({ target: unit(name) })), MODULES)
      box.script('mv /usr/bin/pactl.away /usr/bin/pactl')
      expect(none[0]!.outcomes.get('audio/server-unreachable')).toMatchObject({ status: 'unknown', because: expect.stringContaining('There is no pactl') })
      // What stands in the file system needs no pactl to be seen.
      expect(none[1]!.outcomes.get('audio/server-unreachable')!.status).toBe('found')
    })

    it('a stopped daemon is named within the limit, and nothing is left behind', async () => {
      box.script('pkill -STOP -u robert -f "pulseaudio --daemonize=no --log"')
      const stopped = await diagnoseInBox(box, unit('good'), MODULES)
      const left = box.script('pgrep -c pactl || true').trim()
      box.script('pkill -CONT -u robert -f "pulseaudio --daemonize=no --log"')
      expect(findingOf(stopped.outcomes.get('audio/server-unreachable')).cause).toMatch(/takes the connection and then gives no answer within 2\.5 s; its process pulseaudio \(pid \d+\) is stopped\.$/)
      expect(statuses(stopped)).toMatchObject({ 'only-monitors': 'unknown', 'sources-differ': 'unknown' })
      expect(stopped.durationMs).toBeLessThan(7_000)
      expect(left).toBe('0')
    })

    it('a server that its socket would start is left asleep', async () => {
      box.runAs('robert', 'systemctl', '--user', 'stop', 'pulseaudio.service')
      const asleep = await diagnoseInBox(box, unit('good'), MODULES)
      expect(asleep.outcomes.get('audio/server-unreachable')).toMatchObject({ status: 'unknown', because: expect.stringContaining('is not running now') })
      // A shell that needs no sound is not told of it.
      expect(statuses(await diagnoseInBox(box, { kind: 'shell' }, MODULES, { user: 'robert' }))['server-unreachable']).toBe('not-applicable')
      expect(box.runAs('robert', 'systemctl', '--user', 'is-active', 'pulseaudio.service').stdout.trim()).toBe('inactive')
    })

    it('a dead socket, and then none', async () => {
      // systemd leaves the file of a stopped socket behind.
      box.runAs('robert', 'systemctl', '--user', 'stop', 'pulseaudio.socket', 'pulseaudio.service')
      const dead = await diagnoseInBox(box, unit('good'), MODULES)
      expect(findingOf(dead.outcomes.get('audio/server-unreachable')).cause).toBe('The socket /run/user/1500/pulse/native is still there, but no sound server listens at it.')
      box.script('rm /run/user/1500/pulse/native')
      const none = await diagnoseInBox(box, unit('good'), MODULES)
      expect(findingOf(none.outcomes.get('audio/server-unreachable')).cause).toBe('No sound server runs for robert (uid 1500): /run/user/1500/pulse/native, where good.service looks for it, does not exist.')
    })

    it('libpulse that would start a daemon is not let', async () => {
      box.script('echo "autospawn = yes" >>/etc/pulse/client.conf')
      const before = box.script('pgrep -c -u robert pulseaudio || true').trim()
      const outcome = (await diagnoseInBox(box, unit('good'), MODULES)).outcomes.get('audio/server-unreachable')
      expect(outcome).toMatchObject({ status: 'unknown', because: expect.stringContaining('autospawn = yes') })
      expect(box.script('pgrep -c -u robert pulseaudio || true').trim()).toBe(before)
      // The proof that something was prevented: a plain client does start it.
      box.runAs('robert', 'pactl', 'info')
      expect(Number(box.script('pgrep -c -u robert pulseaudio || true'))).toBe(Number(before) + 1)
      box.script('sed -i "/^autospawn/d" /etc/pulse/client.conf; pkill -u robert pulseaudio || true')
      startPulse(box)
    })
  })
})
