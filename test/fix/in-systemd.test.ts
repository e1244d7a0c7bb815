import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { bootBox, boxMissing, NODE, REPOSITORY, type Box, type Ran } from '../support/box.ts'
import { nvidiaCu12 } from '../support/nvidia-cu12.ts'
import { describeWith } from '../support/rig.ts'
import { CACHE, wheel } from '../support/wheels.ts'

const DOCTOR = [NODE, `${REPOSITORY}/bin/asr-doctor.js`]
const UNIT = '/etc/systemd/system/asr.service'
const OURS = `${UNIT}.d/50-asr-doctor.conf`
const FIX = ['fix', '--unit', 'asr', '--write-unit', '--yes', '--restart']

/** Services whose variables come from elsewhere, mended by the doctor in a real systemd: the genuine provider, and a process that lies beside it. */
describeWith('systemd-box', boxMissing(), () => {
  let box: Box
  beforeAll(() => {
    const provider = `${wheel('onnxruntime-gpu', '1.26.0', 'capi/libonnxruntime_providers_')}/onnxruntime/capi`
    const nvidia = nvidiaCu12()
    box = bootBox('fix-systemd', '--bind', CACHE)
    box.script(`
      mkdir -p /opt/asr/bin /opt/asr/lib /opt/site
      cp /bin/sleep /opt/asr/bin/asr-daemon
      cp ${provider}/libonnxruntime_providers_{cuda,shared}.so /opt/asr/lib/
      mkdir -p /opt/asr/venv/lib/python3.11/site-packages; mount --bind ${nvidia} /opt/asr/venv/lib/python3.11/site-packages`)
  }, 180_000)
  afterAll(() => box?.stop())
  beforeEach(() => {
    box.script(`systemctl stop asr 2>/dev/null || true; rm -rf ${UNIT} ${UNIT}.d /etc/asr.env /etc/asr.conf /usr/lib/asr.env /root/state`)
  })

  const start = (lines: readonly string[], files: Readonly<Record<string, string>> = {}) =>
    box.script(`${Object.entries({ [UNIT]: `[Service]\nExecStart=/opt/asr/bin/asr-daemon 100000\n${lines.join('\n')}\n`, ...files }).map(([path, text]) => `mkdir -p '${path.slice(0, path.lastIndexOf('/'))}'\ncat >'${path}' <<'END'\n${text}END`).join('\n')}\nsystemctl daemon-reload; systemctl restart asr; sleep 0.3`)
  const doctor = (...args: string[]): Ran => box.run('env', 'XDG_STATE_HOME=/root/state', ...DOCTOR, ...args)
  const path = () => /^LD_LIBRARY_PATH=(.*)$/m.exec(box.script("tr '\\0' '\\n' </proc/$(systemctl show -P MainPID asr)/environ"))?.[1] ?? null
  const resolves = (value: string | null) => !box.run('env', `LD_LIBRARY_PATH=${value}`, 'ldd', '/opt/asr/lib/libonnxruntime_providers_cuda.so').stdout.includes('not found')

  it('an EnvironmentFile that says nothing of LD_LIBRARY_PATH stands in no fix’s way', () => {
    start(['EnvironmentFile=/etc/asr.env'], { '/etc/asr.env': 'OTHER=1\n' })
    expect(resolves(path())).toBe(false)
    const ran = doctor(...FIX)
    expect(ran.stderr, ran.stdout).toMatch(/gone: .*cuda\/libraries-hidden/)
    expect(resolves(path())).toBe(true)
    expect(box.script('cat /etc/asr.env')).toBe('OTHER=1\n')
  })

  it('one that does is changed itself, though it is called like a drop-in', () => {
    start(['EnvironmentFile=/etc/asr.conf', 'Environment=LD_LIBRARY_PATH=/never'], { '/etc/asr.conf': 'LD_LIBRARY_PATH=/site\nOTHER=1\n' })
    expect(path()).toBe('/site')
    const ran = doctor(...FIX)
    expect(ran.stderr, ran.stdout).toMatch(/gone: .*cuda\/libraries-hidden/)
    expect(resolves(path())).toBe(true)
    expect(path()!.split(':')).toContain('/site')
    expect(box.run('ls', OURS).code).not.toBe(0)
  })

  it('one that a package keeps below /usr is left alone, and why is said', () => {
    start(['EnvironmentFile=/usr/lib/asr.env'], { '/usr/lib/asr.env': 'LD_LIBRARY_PATH=/site\n' })
    const ran = doctor(...FIX)
    expect(ran.stdout.replace(/\s+/g, ' ')).toContain('/usr/lib/asr.env lies where packages put what is theirs')
    expect(ran.code).toBe(1)
    expect(box.script('cat /usr/lib/asr.env')).toBe('LD_LIBRARY_PATH=/site\n')
    expect(box.run('ls', `${UNIT}.d`).code).not.toBe(0)
  })

  it('says that the text is not verified where systemd-analyze is not there', () => {
    start([])
    const without = 'mount --bind /dev/null /usr/bin/systemd-analyze'
    const ran = box.run('unshare', '-m', 'bash', '-c', `${without}; ${DOCTOR.join(' ')} fix --unit asr`)
    expect(ran.stdout.replace(/\s+/g, ' ')).toContain('systemd-analyze verify could not be asked of asr.service')
    const json = box.run('unshare', '-m', 'bash', '-c', `${without}; ${DOCTOR.join(' ')} fix --unit asr --json`)
    expect(json.stderr).toContain('systemd-analyze verify could not be asked of asr.service')
    expect(JSON.parse(json.stdout)).toMatchObject({ schemaVersion: 1 })
    expect(doctor('fix', '--unit', 'asr').stdout).not.toContain('could not be asked of')
  })
})
