import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { PlannedChange } from '../../src/fix/draft.ts'
import { dropIn } from '../../src/fix/drop-in.ts'
import { formats } from '../../src/fix/formats.ts'
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
  const run = (changes: readonly PlannedChange[]) => spawnSync('sh', ['-s'], { input: formats.sh({ changes, steps: [] }), encoding: 'utf8' })

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
    const script = formats.sh({ changes: [unit], steps })
    expect(script).toContain('\nsystemctl daemon-reload\n# Look at the log and then\n')
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
# docker run --cpus=4
# docker run --device=/dev/nvidia0
# docker run --device=/dev/nvidiactl
# no counterpart in an image: After=sound.target
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
  })
})
