import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boxMissing, NODE, REPOSITORY, type Box } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'
import { COMPONENTS, FAULTS, incidentBox, LIBRARY_PATH, SHELL, SITE, startService } from './incident-0-box.ts'

const needs = ['/usr/bin/pocketsphinx_continuous', '/usr/bin/flite', '/usr/bin/pulseaudio', '/usr/bin/pactl'].find((path) => !existsSync(path))
const missing = boxMissing() ?? (needs === undefined ? null : `${needs} is missing: apt-get install pocketsphinx pocketsphinx-en-us flite pulseaudio pulseaudio-utils`)

interface Judged {
  readonly code: number | null
  readonly found: readonly string[]
  readonly unknown: readonly string[]
  readonly outcomes: Record<string, { status: string; findings?: { severity: string; cause: string; evidence: { source: string; saw: string }[]; refuted: { hypothesis: string }[]; fixes: { edits: { set?: { value: string }[] }[] }[] }[] }>
  readonly environment: { name: string; shell: string | null; running: string | null; matters: boolean; because: string }[]
}

describeWith('the service of incident 0 in a real systemd', missing, () => {
  let box: Box
  beforeAll(() => {
    box = incidentBox()
    box.script(`mkdir -p /opt/doctor; cp -r ${REPOSITORY}/bin ${REPOSITORY}/dist ${REPOSITORY}/package.json /opt/doctor/; chmod -R a+rX /opt/doctor`)
  })
  afterAll(() => box?.stop())

  /** As the operator: the user that owns the service, from the shell in which everything worked. */
  function check(...more: string[]): Judged {
    const shell = Object.entries(SHELL).map(([name, value]) => `${name}=${value}`)
    const ran = box.runAs('asr', 'env', ...shell, NODE, '/opt/doctor/bin/asr-doctor.js', 'check', '--unit', 'asr', '--json', ...more)
    expect(ran.stderr).toBe('')
    const { outcomes, environment } = JSON.parse(ran.stdout)
    const having = (status: string) => Object.keys(outcomes).filter((id) => outcomes[id].status === status)
    return { code: ran.code, found: having('found'), unknown: [...having('unknown'), ...having('crashed')], outcomes, environment }
  }

  /** Until the engine has been seen at full work: this machine may be busy with other tests. */
  function checkAtWork(): Judged {
    for (let i = 0; ; i++) {
      const judged = check()
      if (i === 8 || judged.outcomes['cgroup/cpu-throttled']!.status === 'found') return judged
    }
  }

  const ALL = [
    'cuda/libraries-hidden', 'service/unit-directive-unknown', 'service/environment-differs', 'cgroup/cpu-throttled', 'cgroup/cpu-quota-low', 'gpu/driver-absent', 'audio/server-unreachable',
  ]

  describe('with every fault', () => {
    let judged: Judged
    beforeAll(() => {
      startService(box, Object.values(FAULTS))
      judged = checkAtWork()
    })
    const only = (id: string) => {
      const { findings } = judged.outcomes[id]!
      expect(findings, id).toHaveLength(1)
      return findings![0]!
    }

    it('names these and no others, and exits with 1', () => {
      expect([...judged.found].sort()).toEqual([...ALL].sort())
      expect(judged.unknown).toEqual([])
      expect(judged.code).toBe(1)
    })

    it('says half of one CPU', () => {
      const finding = only('cgroup/cpu-quota-low')
      expect(finding.cause).toContain('half of ONE CPU')
      expect(finding.evidence.map(({ saw }) => saw)).toContain('CPUQuota=50%')
      expect(finding.evidence.find(({ saw }) => saw === 'CPUQuota=50%')!.source).toMatch(/^read \/etc\/systemd\/system\/asr\.service:\d+$/)
    })

    it('measured the throttling', () => {
      expect(only('cgroup/cpu-throttled').cause).toMatch(/stopped in \d+ of \d+ periods/)
    })

    it('names the hidden libraries and the directories that hold them', () => {
      const finding = only('cuda/libraries-hidden')
      expect(finding.cause).toMatch(new RegExp(`${SITE}/nvidia/\\{[a-z_,]+\\}/lib`))
      for (const component of COMPONENTS) expect(finding.cause).toContain(component)
      const fix = finding.fixes[0]!.edits[0]!.set!.find(({ value }) => value.startsWith('LD_LIBRARY_PATH='))!
      expect(fix.value.slice('LD_LIBRARY_PATH='.length).split(':').sort()).toEqual(LIBRARY_PATH.split(':').sort())
      expect(JSON.stringify(finding)).not.toContain('libcuda.so.1')
    })

    it('names the unknown directive with its line', () => {
      const finding = only('service/unit-directive-unknown')
      expect(finding.cause).toContain('ImportEnvironment=')
      expect(finding.evidence[0]!.source).toMatch(/asr\.service:\d+$/)
    })

    it('counts two inputs and two monitors', () => {
      const said = JSON.stringify(only('audio/server-unreachable'))
      expect(said).toContain('2 inputs and 2 monitors')
      for (const source of ['alsa_input.usb-Sonix_Technology_Co.__Ltd._USB_Live_camera_SN0001-03.analog-stereo', 'alsa_input.usb-Generic_USB_Audio-00.iec958-stereo', 'alsa_output.pci-0000_81_00.1.hdmi-stereo.monitor', 'alsa_output.usb-Generic_USB_Audio-00.iec958-stereo.monitor']) expect(said).toContain(source)
    })

    it('says that there is no GPU', () => {
      expect(only('gpu/driver-absent').cause).toMatch(/neither an NVIDIA GPU nor its driver/)
    })

    it('sets the shell beside the service, and knows what can matter', () => {
      const row = (name: string) => judged.environment.find((each) => each.name === name)!
      expect(row('LD_LIBRARY_PATH')).toMatchObject({ shell: LIBRARY_PATH, running: null, matters: true })
      for (const name of ['CUDA_HOME', 'TORCH_CUDA_ARCH_LIST', 'CUDA_ARCHITECTURES', 'FORCE_CUDA']) expect(row(name), name).toMatchObject({ running: null, matters: false, because: expect.stringMatching(/./) })
    })

    it('does not say what its own evidence refutes', () => {
      const causes = judged.found.map((id) => judged.outcomes[id]!.findings!.map(({ cause }) => cause)).flat().join('\n')
      expect(causes).not.toMatch(/CUDA_HOME|4 cores|TORCH_CUDA|PULSE_SERVER is the cause/)
    })
  })

  it.each<[string, readonly string[], readonly string[]]>([
    ['the quota', [FAULTS.unknownKey], ['cgroup/cpu-quota-low', 'cgroup/cpu-throttled']],
    ['the unknown directive', [FAULTS.quota], ['service/unit-directive-unknown']],
    ['the library path', [...Object.values(FAULTS), `Environment=LD_LIBRARY_PATH=${LIBRARY_PATH}`], ['cuda/libraries-hidden']],
    ['the way to the sound server', [...Object.values(FAULTS), 'Environment=XDG_RUNTIME_DIR=/run/user/1500'], ['audio/server-unreachable']],
  ])('with %s mended, that finding goes and no other appears', (_, lines, gone) => {
    startService(box, lines)
    const judged = gone.includes('cgroup/cpu-throttled') ? check() : checkAtWork()
    expect([...judged.found].sort()).toEqual(ALL.filter((id) => !gone.includes(id)).sort())
    expect(judged.unknown).toEqual([])
  })

  it('with everything mended only the missing GPU is left, and the real loader agrees', () => {
    startService(box, [`Environment=LD_LIBRARY_PATH=${LIBRARY_PATH}`, 'Environment=XDG_RUNTIME_DIR=/run/user/1500'])
    const judged = check('--allow', 'gpu/driver-absent')
    expect(judged.found).toEqual(['gpu/driver-absent'])
    expect(judged.unknown).toEqual([])
    expect(judged.code).toBe(0)
    const ldd = (path: string) => box.runAs('asr', 'env', ...(path ? [`LD_LIBRARY_PATH=${path}`] : []), 'ldd', '/opt/asr/lib/libonnxruntime_providers_cuda.so').stdout
    expect(ldd(LIBRARY_PATH)).not.toContain('not found')
    expect(ldd('')).toContain('libcublasLt.so.12 => not found')
  })

  it('looks behind a start script that sets the path itself', () => {
    box.script(`cat >/opt/asr/bin/start.sh <<'END_OF_SCRIPT'
#!/bin/bash
export LD_LIBRARY_PATH=${LIBRARY_PATH} XDG_RUNTIME_DIR=/run/user/1500
/opt/asr/bin/asr-daemon "$@"
END_OF_SCRIPT
chmod 755 /opt/asr/bin/start.sh`)
    startService(box, [])
    box.script("sed -i 's#^ExecStart=/opt/asr/bin/asr-daemon#ExecStart=/opt/asr/bin/start.sh#' /etc/systemd/system/asr.service; systemctl daemon-reload; systemctl restart asr; sleep 1")
    const judged = check('--allow', 'gpu/driver-absent', '--skip', 'service/environment-differs')
    expect(judged.found).toEqual(['gpu/driver-absent'])
    expect(judged.code).toBe(0)
  })

  it('an inactive unit is judged by its files, and what only runs is unknown', () => {
    startService(box, Object.values(FAULTS))
    box.script('systemctl stop asr')
    const judged = check()
    expect(judged.found).toEqual(expect.arrayContaining(['cuda/libraries-hidden', 'service/unit-directive-unknown', 'cgroup/cpu-quota-low', 'gpu/driver-absent']))
    expect(judged.unknown).toContain('cgroup/cpu-throttled')
    expect(judged.code).toBe(1)
  })

  it('answers for a process that ends meanwhile, and for one that is gone', () => {
    const gone = box.run(NODE, '/opt/doctor/bin/asr-doctor.js', 'check', '--pid', box.script('sleep 0.01 & p=$!; wait $p; echo $p').trim())
    expect(gone).toMatchObject({ code: 2, stdout: '' })
    expect(gone.stderr).toMatch(/^asr-doctor: There is no process \d+\..*\n$/)
    const short = box.script(`sleep 0.35 & p=$!; ${NODE} /opt/doctor/bin/asr-doctor.js check --pid $p --json || true`)
    expect(JSON.parse(short).summary.crashed).toBe(0)
  })

  it('asks which, where the system and the user have a unit of that name', () => {
    box.script(`mkdir -p /home/asr/.config/systemd/user; printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n' >/home/asr/.config/systemd/user/asr.service; chown -R asr: /home/asr/.config`)
    box.runAs('asr', 'systemctl', '--user', 'daemon-reload')
    const both = box.runAs('asr', NODE, '/opt/doctor/bin/asr-doctor.js', 'check', '--unit', 'asr')
    expect(both).toMatchObject({ code: 2, stdout: '' })
    expect(both.stderr).toMatch(/--system or --user/)
    expect(box.runAs('asr', NODE, '/opt/doctor/bin/asr-doctor.js', 'check', '--unit', 'no-such-thing').stderr).toMatch(/There is no unit called no-such-thing\.service/)
    expect(box.runAs('asr', NODE, '/opt/doctor/bin/asr-doctor.js', 'check', '--unit', 'dbuss').stderr).toMatch(/Did you mean dbus\.service/)
  })

  it.each(['dbus', 'systemd-logind', 'systemd-journald'])('is silent about a healthy service: %s', (name) => {
    const ran = box.run(NODE, '/opt/doctor/bin/asr-doctor.js', 'check', '--unit', name)
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.stdout).toMatch(/^✔ [^\n]+ unit, pid \d+\): healthy/)
  })

  it('a masked unit has nothing to judge, and that is no fault of ours', () => {
    box.script('systemctl mask --quiet hwclock.service')
    const ran = box.run(NODE, '/opt/doctor/bin/asr-doctor.js', 'check', '--unit', 'hwclock')
    expect(ran.stderr).toBe('')
    expect([0, 1, 3]).toContain(ran.code)
  })

  it('does not call healthy what it may not see', () => {
    startService(box, [])
    const ran = box.runBare('nobody', NODE, '/opt/doctor/bin/asr-doctor.js', 'check', '--unit', 'asr', '--json', '--allow', 'gpu/driver-absent')
    const { outcomes, summary } = JSON.parse(ran.stdout)
    expect(ran.code).toBe(3)
    expect(summary.exitCode).toBe(3)
    expect(outcomes['cuda/libraries-hidden']).toMatchObject({ status: 'unknown', because: expect.stringMatching(/environ.*may not be read.*root/s) })
  })

  it('finds the speech services by itself', () => {
    box.script(`sed -i 's#asr-daemon#whisper-daemon#' /etc/systemd/system/asr.service; cp /opt/asr/bin/asr-daemon /opt/asr/bin/whisper-daemon; systemctl daemon-reload; systemctl restart asr; sleep 0.5`)
    const ran = box.run(NODE, '/opt/doctor/bin/asr-doctor.js')
    expect(ran.stdout).toContain('asr-doctor check --unit asr.service --system')
    const every = box.run(NODE, '/opt/doctor/bin/asr-doctor.js', 'check', '--all', '--json')
    expect(JSON.parse(every.stdout).reports.map((each: { target: { name: string } }) => each.target.name)).toEqual(['asr.service', 'shell'])
  })
})
