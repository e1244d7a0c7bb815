import { existsSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boxMissing, NODE, REPOSITORY, type Box, type Ran } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'
import { FAULTS, incidentBox, LIBRARY_PATH, SITE, unitText } from '../incidents/incident-0-box.ts'

const needs = ['/usr/bin/pocketsphinx_continuous', '/usr/bin/flite', '/usr/bin/pulseaudio', '/usr/bin/pactl'].find((path) => !existsSync(path))
const missing = boxMissing() ?? (needs === undefined ? null : `${needs} is missing: apt-get install pocketsphinx pocketsphinx-en-us flite pulseaudio pulseaudio-utils`)

const DOCTOR = [NODE, '/opt/doctor/bin/asr-doctor.js'] as const
const RISKY = ['--fix', 'cgroup/cpu-quota-low', '--fix', 'service/unit-directive-unknown']
const valid = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(JSON.parse(readFileSync(new URL('../../schema/fix-1.json', import.meta.url), 'utf8')))
const faulty = unitText(Object.values(FAULTS))

interface Shape {
  readonly name: string
  readonly unit: string
  readonly scope: 'system' | 'user'
  /** Files of the unit, by path. */
  readonly files: Readonly<Record<string, string>>
  /** Who may write there. */
  readonly by: 'root' | 'asr'
}

const SHAPES: readonly Shape[] = [
  { name: 'a system unit', unit: 'asr.service', scope: 'system', by: 'root', files: { '/etc/systemd/system/asr.service': faulty } },
  {
    name: 'a template instance', unit: 'asr@main.service', scope: 'system', by: 'root', files: { '/etc/systemd/system/asr@.service': faulty },
  },
  {
    name: 'a unit with three drop-ins of other origin', unit: 'asr.service', scope: 'system', by: 'root',
    files: {
      '/etc/systemd/system/asr.service': unitText([FAULTS.unknownKey]),
      '/usr/lib/systemd/system/asr.service.d/10-vendor.conf': '[Service]\nEnvironment="LD_LIBRARY_PATH=/opt/vendor lib"\nNice=1\n',
      '/run/systemd/system/asr.service.d/60-run.conf': '[Service]\nEnvironment=OTHER=1\n',
      // As `systemctl edit` writes it: it sorts behind 50-asr-doctor.conf and has the last word.
      '/etc/systemd/system/asr.service.d/override.conf': `[Service]\n${FAULTS.quota}\n`,
    },
  },
  {
    name: 'a user unit', unit: 'asr.service', scope: 'user', by: 'asr',
    files: { '/home/asr/.config/systemd/user/asr.service': faulty.replace('User=asr\n', '').replace('multi-user.target', 'default.target') },
  },
]

describeWith('incident 0, mended and taken back in a real systemd', missing, () => {
  let box: Box
  beforeAll(() => {
    box = incidentBox()
    box.script(`mkdir -p /opt/doctor; cp -r ${REPOSITORY}/bin ${REPOSITORY}/dist ${REPOSITORY}/package.json /opt/doctor/; chmod -R a+rX /opt/doctor`)
  })
  afterAll(() => box?.stop())

  describe.each(SHAPES)('$name', (shape) => {
    const ctl = (words: string) => (shape.by === 'root' ? box.script(`systemctl ${words}`) : ok(box.runAs('asr', 'systemctl', ...`--user ${words}`.split(' '))))
    const doctor = (...args: string[]): Ran => (shape.by === 'root' ? box.run(...DOCTOR, ...args) : box.runAs('asr', ...DOCTOR, ...args))
    const target = ['--unit', shape.unit, `--${shape.scope}`]
    /** Everything below the folders of units, with owner and mode; what systemd itself writes left out. */
    const tree = () => box.script(`cd /; { find etc/systemd usr/lib/systemd/system/asr.service.d run/systemd/system home/asr/.config/systemd -not -path '*.wants*' 2>/dev/null || true; } | sort | while IFS= read -r f; do stat -c '%A %U %n' "$f"; [ ! -f "$f" ] || sha256sum "$f"; done; true`)
    /** But for the measured throttling: whether the engine gets to the end of its quota depends on who else is at work here. */
    const found = (): readonly string[] => {
      const { outcomes } = JSON.parse(doctor('check', ...target, '--json').stdout) as { outcomes: Record<string, { status: string }> }
      return Object.keys(outcomes).filter((id) => outcomes[id]!.status === 'found' && id !== 'cgroup/cpu-throttled').sort()
    }
    const mainPid = () => box.script(`${shape.by === 'root' ? `systemctl show -P MainPID ${shape.unit}` : `systemctl --user --machine=asr@ show -P MainPID ${shape.unit}`}`).trim()
    /** How often it was stopped at its quota; null = its cgroup counts no such thing, for it has no CPU controller. */
    const throttled = (): number | null => {
      const stat = box.script(`d=$(awk -F: '(","$2",") ~ /,cpu,/ || ($1 == 0 && $2 == "") { print $3; exit }' /proc/${mainPid()}/cgroup); for f in /sys/fs/cgroup/cpu"$d/cpu.stat" /sys/fs/cgroup/cpu,cpuacct"$d/cpu.stat" /sys/fs/cgroup"$d/cpu.stat"; do [ ! -f "$f" ] || { cat "$f"; break; }; done`)
      const count = /^nr_throttled (\d+)$/m.exec(stat)
      return count === null ? null : Number(count[1])
    }
    let whole = ''
    let before: readonly string[] = []

    beforeAll(() => {
      box.script(`${Object.entries(shape.files).map(([path, text]) => `mkdir -p '${path.slice(0, path.lastIndexOf('/'))}'\ncat >'${path}' <<'END_OF_UNIT'\n${text}END_OF_UNIT`).join('\n')}\nchown -R asr: /home/asr`)
      ctl('daemon-reload')
      ctl(`restart ${shape.unit}`)
      box.script('sleep 1')
      whole = tree()
      before = found()
    })
    afterAll(() => {
      ctl(`stop ${shape.unit}`)
      box.script(`rm -rf ${Object.keys(shape.files).map((path) => `'${path}'`).join(' ')}`)
      ctl('daemon-reload')
    })

    it('is ill', () => {
      expect(before).toEqual(expect.arrayContaining(['cuda/libraries-hidden', 'service/unit-directive-unknown', 'gpu/driver-absent', shape.scope === 'system' ? 'cgroup/cpu-quota-low' : 'cgroup/limit-not-enforced']))
    })

    // A user's manager sets no quota on cgroup v1.
    it.runIf(shape.scope === 'system')('is stopped at its quota again and again', () => {
      for (let tries = 0; tries < 30 && (throttled() ?? 0) === 0; tries++) box.script('sleep 1')
      expect(throttled()).toBeGreaterThan(0)
    })

    it('is shown the whole patch, and nothing is written', () => {
      const ran = doctor('fix', ...target)
      expect(ran.stderr).toBe('')
      expect(ran.code).toBe(1)
      expect(ran.stdout).toMatch(/^\+Environment="LD_LIBRARY_PATH=/m)
      expect(ran.stdout).toMatch(/^-ImportEnvironment=/m)
      expect(ran.stdout).toMatch(/gone .*cuda\/libraries-hidden/)
      expect(tree()).toBe(whole)
    })

    it('writes nothing where nobody can be asked', () => {
      const ran = doctor('fix', ...target, '--write-unit')
      expect(ran.code).toBe(2)
      expect(ran.stderr).toMatch(/--yes is needed/)
      expect(tree()).toBe(whole)
    })

    it('is mended, restarted and looked at again', () => {
      const ran = doctor('fix', ...target, '--write-unit', ...RISKY, '--yes', '--restart')
      // The missing GPU is what no patch cures.
      expect(ran.code, ran.stderr + ran.stdout).toBe(1)
      expect(ran.stderr).toMatch(/^ {2}gone: .*cuda\/libraries-hidden/m)
      expect(ran.stderr).toMatch(/^ {2}stays: .*gpu\/driver-absent$/m)
      expect(ran.stderr).not.toMatch(/appears/)
      const healthy = doctor('check', ...target, '--allow', 'gpu/driver-absent', '--json')
      expect(JSON.parse(healthy.stdout).summary, healthy.stdout.slice(0, 3000)).toMatchObject({ errors: 0, warnings: 0, crashed: 0 })
      expect(healthy.code).toBe(0)
    })

    it('runs the real engine without being stopped, with libraries and sources in reach', () => {
      const pid = mainPid()
      const environ = Object.fromEntries(box.script(`tr '\\0' '\\n' </proc/${pid}/environ`).trim().split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
      const path = environ['LD_LIBRARY_PATH']!
      expect(path.split(':')).toEqual(expect.arrayContaining(LIBRARY_PATH.split(':')))
      // What others had set is still there.
      if (shape.name.includes('three')) {
        expect(path.split(':')).toContain('/opt/vendor lib')
        expect(environ['OTHER']).toBe('1')
      }
      expect(environ['RUST_LOG']).toBe('info')
      // The real loader, in the place of the service.
      const loader = box.runAs('asr', 'env', `LD_LIBRARY_PATH=${path}`, 'ldd', '/opt/asr/lib/libonnxruntime_providers_cuda.so')
      expect(loader.code, loader.stderr).toBe(0)
      expect(loader.stdout).toContain(`libcublasLt.so.12 => ${SITE}/nvidia/cublas/lib/libcublasLt.so.12 (`)
      expect(loader.stdout).not.toContain('not found')
      expect(box.runBare('asr', 'env', `XDG_RUNTIME_DIR=${environ['XDG_RUNTIME_DIR']}`, 'pactl', 'list', 'short', 'sources').stdout.split('\n').filter((line) => line.includes('alsa_input'))).toHaveLength(2)
      const first = throttled()
      box.script('sleep 1')
      expect(throttled()).toBe(first)
    })

    it('has nothing more to do', () => {
      const again = doctor('fix', ...target, '--write-unit', ...RISKY, '--yes', '--json')
      const answer = JSON.parse(again.stdout)
      expect(answer).toMatchObject({ written: [], runId: null })
      expect(valid(answer), JSON.stringify(valid.errors)).toBe(true)
    })

    it('is taken back to the byte, and ill as before', () => {
      const ran = doctor('fix', '--undo', '--yes', '--restart')
      expect(ran.code, ran.stderr).toBe(0)
      box.script('sleep 1')
      expect(tree()).toBe(whole)
      expect(found()).toEqual(before)
      expect(doctor('fix', '--undo', '--yes').stdout).toBe('Nothing to take back.\n')
    })
  })

  describe('on one service more', () => {
    const UNIT = '/etc/systemd/system/asr.service'
    const ill = () => box.script(`rm -rf ${UNIT}.d; cat >${UNIT} <<'END_OF_UNIT'\n${faulty}END_OF_UNIT\nsystemctl daemon-reload; systemctl restart asr; sleep 0.5`)
    const contents = () => box.script(`cat ${UNIT}; echo ----; cat ${UNIT}.d/* 2>/dev/null || true`)

    it('answers in JSON whose diffs follow on each other', () => {
      ill()
      const ran = box.run(...DOCTOR, 'fix', '--unit', 'asr', '--json')
      const answer = JSON.parse(ran.stdout) as { changes: { diff: string; safety: string; check: string }[]; proof: { gone: string[] } }
      expect(valid(answer), JSON.stringify(valid.errors)).toBe(true)
      expect(answer.changes.map(({ safety }) => safety)).toEqual(expect.arrayContaining(['safe', 'risky']))
      expect(answer.proof.gone).toContain('cuda/libraries-hidden')
      box.script(`cat >/root/all.patch <<'END_OF_PATCH'\n${answer.changes.map(({ diff }) => diff).join('')}END_OF_PATCH\nsystemctl stop asr; patch -s -p1 -d / </root/all.patch`)
      expect(contents()).toMatch(/CPUQuota=\d*%?\n/)
      expect(contents()).not.toContain('ImportEnvironment')
    })

    it('is the same change as a patch, as a script, and as written', () => {
      ill()
      box.script('rm -f /root/asr.patch /root/asr.sh')
      const words = ['fix', '--unit', 'asr', ...RISKY]
      const kept = box.run(...DOCTOR, ...words, '--output', '/root/asr.patch')
      expect(kept.code, kept.stderr).toBe(1)
      expect(box.run(...DOCTOR, ...words, '--output', '/root/asr.patch').stderr).toMatch(/exists and is left as it is/)
      const script = box.run(...DOCTOR, ...words, '--output', '/root/asr.sh', '--format', 'sh')
      expect(script.stderr).toMatch(/^Kept: \/root\/asr\.sh\. sh \/root\/asr\.sh makes the change; with --restart behind it, it takes effect as well\.$/m)
      const before = contents()
      box.script('patch -s -p1 -d / </root/asr.patch')
      const patched = contents()
      expect(patched).not.toBe(before)
      box.script('patch -R -s -p1 -d / </root/asr.patch')
      expect(contents()).toBe(before)
      box.script('sh /root/asr.sh')
      expect(contents()).toBe(patched)
      ill()
      expect(box.run(...DOCTOR, ...words, '--write-unit', '--yes').code).toBe(1)
      expect(contents()).toBe(patched)
      // Written and not yet in effect: a restart is all that is left to do.
      const waiting = box.run(...DOCTOR, ...words)
      expect(waiting.stdout).toMatch(/written already; it waits for the\s+restart/)
      const restarted = box.run(...DOCTOR, ...words, '--write-unit', '--restart', '--yes')
      expect(restarted.stderr).toMatch(/gone: .*cuda\/libraries-hidden/)
      expect(box.run(...DOCTOR, 'fix', '--undo', '--unit', 'asr', '--yes', '--restart').code).toBe(0)
      expect(contents()).toBe(before)
    })

    it('asks on a terminal, and takes no for no', () => {
      ill()
      const before = contents()
      const typed = (word: string) => box.run('bash', '-c', `echo ${word} | script -qec "${DOCTOR.join(' ')} fix --unit asr --write-unit" /dev/null`)
      const no = typed('n')
      expect(no.stdout).toMatch(/Write \/etc\/systemd\/system\/asr\.service\.d\/50-asr-doctor\.conf\? \[y\/N\]/)
      expect(no.stdout).toMatch(/Declined; nothing was written/)
      expect(no.code).toBe(2)
      expect(contents()).toBe(before)
      expect(typed('yes').stdout).toMatch(/Written \(run \d+\)/)
      expect(contents()).not.toBe(before)
      box.run(...DOCTOR, 'fix', '--undo', '--yes')
    })

    it('asks the real loader, in the place of the service, under the new environment', () => {
      ill()
      const text = box.run(...DOCTOR, 'record', '--unit', 'asr').stdout
      const answer = text.split('\n## ').find((each) => each.startsWith('run as=service+cuda/libraries-hidden') && each.includes(' ldd '))
      expect(answer, 'ldd was not asked').toBeDefined()
      expect(answer).toContain('libcublasLt.so.12 => /opt/asr/venv/')
      expect(answer).not.toContain('not found')
    })

    it('lets root mend the unit of another user, in that user’s name', () => {
      box.script(`systemctl stop asr; rm ${UNIT}; systemctl daemon-reload; mkdir -p /home/asr/.config/systemd/user; cat >/home/asr/.config/systemd/user/theirs.service <<'END_OF_UNIT'\n${faulty.replace('User=asr\n', '')}END_OF_UNIT\nchown -R asr: /home/asr/.config`)
      for (const words of ['daemon-reload', 'restart theirs.service']) ok(box.runAs('asr', 'systemctl', '--user', ...words.split(' ')))
      box.script('sleep 0.5')
      const pid = box.script('systemctl --user --machine=asr@ show -P MainPID theirs.service').trim()
      const ran = box.run(...DOCTOR, 'fix', '--pid', pid, '--write-unit', '--yes', '--restart')
      expect(ran.stderr).toMatch(/gone: .*cuda\/libraries-hidden/)
      expect(box.script('stat -c "%U %a" /home/asr/.config/systemd/user/theirs.service.d /home/asr/.config/systemd/user/theirs.service.d/50-asr-doctor.conf')).toBe('asr 755\nasr 644\n')
      expect(box.run(...DOCTOR, 'fix', '--undo', '--yes', '--restart').code).toBe(0)
      expect(box.run('ls', '/home/asr/.config/systemd/user/theirs.service.d').code).not.toBe(0)
      box.script('systemctl --user --machine=asr@ stop theirs.service')
    })
  })

  it('takes the one speech service when none is named', () => {
    box.script(`cp /opt/asr/bin/asr-daemon /opt/asr/bin/whisper-daemon; cat >/etc/systemd/system/one.service <<'END'\n${faulty.replace('bin/asr-daemon', 'bin/whisper-daemon')}END\nsystemctl daemon-reload; systemctl restart one; sleep 0.5`)
    const one = box.run(...DOCTOR, 'fix')
    expect(one.stderr).toBe('Taken: one.service, the one speech service found here.\n')
    expect(one.stdout).toContain('/etc/systemd/system/one.service.d/50-asr-doctor.conf')
    box.script(`sed 's/one/two/' /etc/systemd/system/one.service >/etc/systemd/system/two.service; systemctl daemon-reload; systemctl restart two; sleep 0.5`)
    const two = box.run(...DOCTOR, 'fix')
    expect(two.code).toBe(2)
    expect(two.stderr).toMatch(/2 speech services; name one: .*--unit one\.service --system.*--unit two\.service --system/)
  })
}, { retry: 0 })

function ok(ran: Ran): string {
  if (ran.code !== 0) throw new Error(`${ran.stderr}${ran.stdout}`)
  return ran.stdout
}
