import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { PlannedChange } from '../../src/fix/draft.ts'
import { dropIn } from '../../src/fix/edits/drop-in.ts'
import { formats } from '../../src/fix/formats.ts'
import type { Recipe } from '../../src/fix/formats/recipe.ts'
import { Refused } from '../../src/fix/refused.ts'
import { service } from './made-up.ts'
import { dice, HOSTILE } from './random.ts'

const root = mkdtempSync(join(tmpdir(), 'asr-doctor-formats-'))
afterAll(() => rmSync(root, { recursive: true }))
let place = ''
let n = 0
beforeEach(() => {
  place = join(root, String(n++))
  mkdirSync(place)
})

const steps = [{ words: 'systemctl daemon-reload', command: ['systemctl', 'daemon-reload'] }, { words: 'Look at the log\nand then', command: null }]
const set = [service('Environment', 'LD_LIBRARY_PATH=/opt/a b:/opt/${x}'), service('CPUQuota', '400%'), service('DeviceAllow', '/dev/nvidia0 rw'), service('DeviceAllow', '/dev/nvidiactl rw'), { section: 'Unit' as const, key: 'After', value: 'sound.target' }]
const unit: PlannedChange = { target: '/etc/systemd/system/asr.service.d/50-asr-doctor.conf', before: null, after: dropIn(set, 'Mend it (a/b)', null, 'f'), writer: 'unit', unit: 'asr.service' }

describe('sh', () => {
  const here = (name: string, before: string | null, after: string | null): PlannedChange => ({ target: join(place, name), before, after, writer: 'unit', unit: null })
  const run = (changes: readonly PlannedChange[], steps: Recipe['steps'] = [], ...args: string[]) => spawnSync('sh', ['-s', '--', ...args], { input: formats.sh({ changes, steps }), encoding: 'utf8' })

  it('writes 60 hostile texts to the letter, keeps modes, leaves nothing else', () => {
    const { text } = dice(5)
    const changes = Array.from({ length: 60 }, (_, at) => here(`d ${at % 5}/it's ${at}`, at % 2 ? null : text(HOSTILE, 9), text(HOSTILE, 20)))
    for (const { target, before } of changes) {
      mkdirSync(join(target, '..'), { recursive: true })
      if (before !== null) writeFileSync(target, before, { mode: 0o640 })
    }
    const ran = run(changes)
    expect(ran.stderr).toBe('')
    expect(ran.status).toBe(0)
    for (const { target, before, after } of changes) {
      expect(readFileSync(target, 'utf8'), target).toBe(after)
      expect(statSync(target).mode & 0o777).toBe(before === null ? 0o644 : 0o640)
    }
    expect(readdirSync(place, { recursive: true }).filter((name) => String(name).includes('.asr-doctor'))).toEqual([])
  })

  it('writes nothing at all where one file is not as it was examined', () => {
    writeFileSync(join(place, 'b'), 'other')
    const ran = run([here('a', null, 'new'), here('b', 'old', 'new')])
    expect(ran.status).toBe(1)
    expect(ran.stderr).toMatch(/not as it was examined; nothing was written/)
    expect(existsSync(join(place, 'a'))).toBe(false)
  })

  it('tells the steps that are for a person as comments of one line', () => {
    expect(formats.sh({ changes: [unit], steps }).split('\n').at(-2)).toBe('# Look at the log and then')
  })

  it('restarts nothing unasked, and says what is to be done', () => {
    const restart = [{ words: 'touch', command: ['touch', join(place, "it's done")] }]
    const first = run([here('a', null, 'x')], restart)
    expect(first.status, first.stderr).toBe(0)
    expect(first.stderr).toBe(`It takes effect after:\ntouch '${place}/it'\\''s done'\n`)
    expect(existsSync(join(place, "it's done"))).toBe(false)
    expect(run([here('b', null, 'x')], restart, '--restart')).toMatchObject({ status: 0, stderr: '' })
    expect(existsSync(join(place, "it's done"))).toBe(true)
  })

  it('changes a file that is a link where it really lies, and keeps the link', () => {
    mkdirSync(join(place, 'dotfiles'))
    writeFileSync(join(place, 'dotfiles/bashrc'), 'old\n', { mode: 0o600 })
    symlinkSync('dotfiles/bashrc', join(place, '.bashrc'))
    expect(run([here('.bashrc', 'old\n', 'new\n')])).toMatchObject({ status: 0, stderr: '' })
    expect(readlinkSync(join(place, '.bashrc'))).toBe('dotfiles/bashrc')
    expect(readFileSync(join(place, 'dotfiles/bashrc'), 'utf8')).toBe('new\n')
    expect(statSync(join(place, 'dotfiles/bashrc')).mode & 0o777).toBe(0o600)
    // What leads nowhere is not known to be what was examined as absent.
    symlinkSync('nowhere', join(place, 'dangling'))
    expect(run([here('dangling', null, 'x')]).stderr).toMatch(/is there already; nothing was written/)
  })

  it('leaves no file behind where it cannot finish', () => {
    const script = formats.sh({ changes: [here('a', null, 'x')], steps: [] }).replace('mv -f', 'false')
    expect(spawnSync('sh', ['-s'], { input: script }).status).toBe(1)
    expect(readdirSync(place)).toEqual([])
  })

  it.runIf(process.geteuid?.() === 0)('as root writes nothing in a folder that another user can change, and as that user does', () => {
    mkdirSync(join(place, 'home/deep'), { recursive: true })
    chmodSync(root, 0o755)
    chownSync(join(place, 'home'), 65534, 65534)
    const change = here('home/deep/new/x.conf', null, 'x')
    const ran = run([here('first', null, 'x'), change])
    expect(ran.status).toBe(1)
    expect(ran.stderr).toContain(`${place}/home, on the way to ${change.target}, belongs to another user (uid 65534), who could put another file there meanwhile: run this as that user; nothing was written.`)
    expect(existsSync(join(place, 'first'))).toBe(false)
    chownSync(join(place, 'home/deep'), 65534, 65534)
    const theirs = spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'sh', '-s'], { input: formats.sh({ changes: [change], steps: [] }), encoding: 'utf8' })
    expect(theirs).toMatchObject({ status: 0, stderr: '' })
    expect(readFileSync(change.target, 'utf8')).toBe('x')
    mkdirSync(join(place, 'open'), { mode: 0o777 })
    chmodSync(join(place, 'open'), 0o777)
    expect(run([here('open/x', null, 'x')]).stderr).toMatch(/may be written by everybody; nothing was written/)
    chmodSync(join(place, 'open'), 0o1777)
    expect(run([here('open/x', null, 'x')]).status).toBe(0)
  })
})

describe('patch', () => {
  it('is taken by patch -p1, and back by patch -R', () => {
    const text = formats.patch({ changes: [unit, { ...unit, target: '/etc/x', before: 'a\n', after: 'b\n' }], steps })
    mkdirSync(join(place, 'etc'))
    writeFileSync(join(place, 'etc/x'), 'a\n')
    execFileSync('patch', ['-p1', '-s', '-d', place], { input: text })
    expect(readFileSync(join(place, unit.target), 'utf8')).toBe(unit.after)
    expect(readFileSync(join(place, 'etc/x'), 'utf8')).toBe('b\n')
    execFileSync('patch', ['-R', '-p1', '-s', '-d', place], { input: text })
    expect(readFileSync(join(place, 'etc/x'), 'utf8')).toBe('a\n')
    expect(existsSync(join(place, unit.target))).toBe(false)
  })
})

describe('the other formats', () => {
  it('ansible: tasks in which every text is a JSON string, or kept from Jinja', () => {
    const text = formats.ansible({ changes: [{ ...unit, after: 'a: "b"\n{{ x }}\n' }], steps })
    expect(text).toContain('content: !unsafe "a: \\"b\\"\\n{{ x }}\\n"')
    expect(text).toContain('argv: ["systemctl", "daemon-reload"]')
    for (const line of text.split('\n')) expect(line).toMatch(/^(- |  |#|$)/)
  })

  it('dockerfile: the environment, and what docker run must be told', () => {
    expect(formats.dockerfile({ changes: [unit], steps })).toBe(`ENV LD_LIBRARY_PATH="/opt/a b:/opt/\\\${x}"
# docker run --cpus=4 --device /dev/nvidia0 --device /dev/nvidiactl …
# no counterpart in an image: After=sound.target
`)
    const settings = (...set: Parameters<typeof dropIn>[0]) => formats.dockerfile({ changes: [{ ...unit, after: dropIn(set, 'x', null, 'f') }], steps })
    // A driver’s name in /proc/devices is no device of docker’s; nodes come with the GPU.
    expect(settings(service('DeviceAllow', 'char-nvidia* rw'), service('DeviceAllow', 'char-nvidia-uvm rw'), service('DeviceAllow', '/dev/nvidia0 rw'), service('DevicePolicy', 'closed'))).toBe(`# docker run --gpus all …
# podman run --device nvidia.com/gpu=all …
# no counterpart in an image: DevicePolicy=closed
`)
    expect(settings(service('DeviceAllow', 'char-alsa rw'), service('SupplementaryGroups', 'audio'), service('MemoryMax', '1536M'), service('CPUQuota', ''), service('DeviceAllow', 'char-input rw'))).toBe(`# docker run --memory=1536m --device /dev/snd --group-add audio …
# and without --cpus
# no counterpart in an image: DeviceAllow=char-input rw
`)
    const broken = { ...unit, after: dropIn([service('Environment', 'A=x\ny')], 'x', null, 'f') }
    expect(() => formats.dockerfile({ changes: [broken], steps })).toThrow(Refused)
  })

  it('nix: one value forced, lists added to', () => {
    expect(formats.nix({ changes: [unit], steps })).toBe(`systemd.services."asr" = {
  environment.LD_LIBRARY_PATH = lib.mkForce "/opt/a b:/opt/\\\${x}";
  serviceConfig.CPUQuota = lib.mkForce "400%";
  serviceConfig.DeviceAllow = [ "/dev/nvidia0 rw" "/dev/nvidiactl rw" ];
  after = [ "sound.target" ];
};
`)
    expect(formats.nix({ changes: [{ ...unit, target: '/home/a/.config/systemd/user/asr.service.d/50-asr-doctor.conf' }], steps })).toMatch(/^systemd\.user\.services\."asr"/)
    // What lies beside the drop-in says nothing of whose unit it is.
    expect(formats.nix({ changes: [unit, { ...unit, target: '/etc/default/asr', before: 'a\n', after: 'b\n' }], steps })).toMatch(/^systemd\.services\."asr"[^]*# \/etc\/default\/asr changes too; the patch format shows how\.\n$/)
  })

  it('nix: an instance stays one of its template', () => {
    const at = (name: string) => formats.nix({ changes: [{ ...unit, target: `/etc/systemd/system/${name}.service.d/50-asr-doctor.conf`, unit: `${name}.service` }], steps })
    expect(at('asr@main')).toMatch(/^systemd\.services\."asr@main" = \{\n  # An instance of asr@\.service: .*\n  overrideStrategy = "asDropin";\n/)
    for (const name of ['asr', 'asr@']) expect(at(name)).not.toContain('overrideStrategy')
  })
})
