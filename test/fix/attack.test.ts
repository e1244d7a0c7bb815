import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { bootBox, boxMissing, NODE, REPOSITORY, type Box } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'

const DOCTOR = [NODE, `${REPOSITORY}/bin/asr-doctor.js`]
const WRITE = ['--write-unit', '--fix', 'cgroup/cpu-quota-low', '--yes'] as const
const UNITS = '/etc/systemd/system'
const valid = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(JSON.parse(readFileSync(new URL('../../schema/fix-1.json', import.meta.url), 'utf8')))

describeWith('systemd-box', boxMissing(), () => {
  let box: Box
  let before = ''
  const tree = () => box.script(`find ${UNITS} /opt/linked.service -not -path '*.wants*' | sort | while IFS= read -r f; do stat -c '%A %n %N' "$f"; [ ! -f "$f" ] || sha256sum "$f"; done`)
  const fix = (...words: readonly string[]) => box.run(...DOCTOR, 'fix', ...words)
  beforeAll(() => {
    box = bootBox('fix-attack')
    box.script(`
      printf '#!/usr/bin/perl\\nsleep 100000\\n' >/usr/local/bin/whisper-x; chmod 755 /usr/local/bin/whisper-x
      unit() { printf '[Service]\\nExecStart=/usr/local/bin/whisper-x --threads 2\\nCPUQuota=50%%\\n' >"$1"; }
      unit ${UNITS}/low.service; unit '${UNITS}/x\\x2dy.service'; unit /opt/linked.service
      mkdir -p /opt/doctor; cp -r ${REPOSITORY}/bin ${REPOSITORY}/dist ${REPOSITORY}/package.json /opt/doctor/; chmod -R a+rX /opt/doctor; useradd -m eve
      printf '[Service]\\nUser=daemon\\nExecStart=/usr/local/bin/whisper-x\\n' >${UNITS}/theirs.service
      systemctl daemon-reload; systemctl start theirs; systemctl link /opt/linked.service; systemctl start low 'x\\x2dy.service' linked
      systemd-run --unit=gone -p CPUQuota=50% /usr/local/bin/whisper-x --threads 2`)
    before = tree()
  })
  afterEach(() => {
    box.run(...DOCTOR, 'fix', '--undo', '--yes')
    expect(tree()).toBe(before)
  })
  afterAll(() => box?.stop())

  it.each(['../../etc/x', '-rf', 'a\nb', 'low.service; reboot', '$(id)', 'x'.repeat(300), 'a b', '%n', '@b', 'low.timer', '/etc/passwd'])('a unit called %j is a wrong call: one line, nothing done', (name) => {
    const ran = fix('--unit', name, ...WRITE)
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr.trim().split('\n')).toHaveLength(1)
  })

  it.each([
    ['x\\x2dy', `${UNITS}/x\\x2dy.service.d/50-asr-doctor.conf`],
    ['linked', `${UNITS}/linked.service.d/50-asr-doctor.conf`],
  ])('%s is mended in a drop-in of its own, read by systemd, and taken back', (name, file) => {
    const ran = fix('--unit', name, ...WRITE, '--restart', '--json')
    expect(JSON.parse(ran.stdout).written, ran.stderr).toEqual([file])
    expect(box.run('systemctl', 'show', '-P', 'CPUQuotaPerSecUSec', `${name}.service`).stdout).toBe('2s\n')
    expect(fix('--undo', '--yes', '--restart').code).toBe(0)
    expect(box.run('systemctl', 'show', '-P', 'CPUQuotaPerSecUSec', `${name}.service`).stdout).toBe('500ms\n')
  })

  it('a transient unit is left alone, with the reason', () => {
    expect(fix('--unit', 'gone', ...WRITE).stdout).toMatch(/is transient\s+\(systemd-run\)/)
  })

  it.each([
    ['/etc is read-only', `mount --bind /etc /etc; mount -o remount,ro,bind /etc`, 'umount /etc', /read-only file system.*--format nix or ansible/],
    ['a file stands where the folder of drop-ins should', `echo x >${UNITS}/low.service.d`, `rm ${UNITS}/low.service.d`, /a part of its path is no folder/],
    ['the folder of drop-ins is a link that leads nowhere', `ln -s /nowhere ${UNITS}/low.service.d`, `rm ${UNITS}/low.service.d`, /symbolic link to \/nowhere, which does not exist/],
  ])('%s: refused with the reason, and JSON all the same', (_, spoil, mend, reason) => {
    box.script(spoil)
    try {
      const ran = fix('--unit', 'low', ...WRITE, '--json')
      expect(ran.code).toBe(2)
      expect(ran.stderr).toMatch(reason)
      const answer = JSON.parse(ran.stdout)
      expect(valid(answer), JSON.stringify(valid.errors)).toBe(true)
      expect(answer).toMatchObject({ written: [], runId: null })
    } finally {
      box.script(mend)
    }
  })

  it.each([['/tmp', /exists and is left as it is/], ['/no/such/folder/f', /could not be written/]])('--output %s is refused in one line', (path, reason) => {
    const ran = fix('--unit', 'low', '--fix', 'cgroup/cpu-quota-low', '--output', path)
    expect(ran.code).toBe(2)
    expect(ran.stderr).toMatch(reason)
    expect(ran.stderr.trim().split('\n')).toHaveLength(1)
  })

  it('to a user who may not look into the service it is no all-clear: how much could not be seen and how to see it, exit 3', () => {
    const eve = (...words: readonly string[]) => box.runAs('eve', NODE, '/opt/doctor/bin/asr-doctor.js', ...words, '--unit', 'theirs')
    const blind = Object.values((JSON.parse(eve('check', '--json').stdout) as { outcomes: Record<string, { status: string }> }).outcomes).filter(({ status }) => status === 'unknown').length
    expect(blind).toBeGreaterThan(10)
    const words = new RegExp(`theirs\\.service.*: nothing found, but ${blind} checks could not be made\\. /proc/\\d+/environ may not be read by this user\\. To see it: Run the same command as root \\(sudo\\)\\.`)
    const text = eve('fix')
    expect(text).toMatchObject({ code: 3, stderr: '' })
    expect(text.stdout.replace(/\s+/g, ' ')).toMatch(words)
    expect(text.stdout).not.toMatch(/✔|nothing to do/)
    const json = eve('fix', '--json')
    expect(json.code).toBe(3)
    expect(json.stderr).toMatch(words)
    expect(json.stderr.trim().split('\n')).toHaveLength(1)
    expect(valid(JSON.parse(json.stdout)), JSON.stringify(valid.errors)).toBe(true)
    expect(eve('fix', '--output', '/tmp/x')).toMatchObject({ code: 3, stderr: expect.stringMatching(words) })
    expect(eve('fix', '--write-unit', '--yes').code).toBe(3)
  })

  it('a risky fix that was not named is left out, with the words that name it: of what is written', () => {
    const left = '1 risky fix left out; name it with --fix cgroup/cpu-quota-low.'
    const ran = fix('--unit', 'low', '--write-unit', '--yes')
    expect([ran.code, ran.stdout.replace(/\s+/g, ' ')]).toEqual([1, `low.service (system unit): ${left} `])
    const other = fix('--unit', 'low', '--write-unit', '--yes', '--fix', 'service/restarting')
    expect(other.stdout.replace(/\s+/g, ' ')).toBe(`low.service (system unit): ${left} --fix service/restarting: there is no such fault here. `)
    const json = fix('--unit', 'low', '--write-unit', '--yes', '--json')
    expect([json.code, json.stderr, JSON.parse(json.stdout).changes]).toEqual([1, `asr-doctor: ${left}\n`, []])
  })

  it.each(['patch', 'sh', 'ansible', 'dockerfile', 'nix'])('and of what is kept as %s', (format) => {
    const ran = fix('--unit', 'low', '--output', '/root/kept', '--format', format)
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([1, '', 'asr-doctor: there is nothing to keep.\nasr-doctor: 1 risky fix left out; name it with --fix cgroup/cpu-quota-low.\n'])
    expect(box.run('ls', '/root/kept').code).not.toBe(0)
    const named = fix('--unit', 'low', '--fix', 'cgroup/cpu-quota-low', '--format', format)
    expect([named.code, named.stderr]).toEqual([1, ''])
    expect(named.stdout).toMatch(format === 'dockerfile' ? /--cpus=2/ : /CPUQuota.*200%/)
  })

  it('the call that is told names what was named', () => {
    expect(fix('--unit', 'low', '--fix', 'cgroup/cpu-quota-low').stdout).toMatch(/ --write-unit --fix cgroup\/cpu-quota-low --restart\n$/)
  })

  it('what somebody writes between the question and the answer stays, and nothing is written over it', () => {
    const file = `${UNITS}/low.service.d/50-asr-doctor.conf`
    const ran = box.run('bash', '-c', `mkfifo /run/answer; script -qec "${DOCTOR.join(' ')} fix --unit low --write-unit --fix cgroup/cpu-quota-low" /run/typescript </run/answer >/dev/null 2>&1 & exec 3>/run/answer
      for i in $(seq 300); do grep -q 'y/N' /run/typescript 2>/dev/null && break; sleep 0.1; done
      mkdir ${UNITS}/low.service.d; echo '[Service]' >${file}; echo y >&3; wait; cat /run/typescript; rm /run/answer`)
    expect(ran.stdout).toMatch(/was changed since it was examined; nothing was written/)
    expect(box.script(`cat ${file}`)).toBe('[Service]\n')
    box.script(`rm -r ${UNITS}/low.service.d`)
  })
})
