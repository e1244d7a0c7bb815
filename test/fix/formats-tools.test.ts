import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { PlannedChange } from '../../src/fix/draft.ts'
import { dropIn } from '../../src/fix/edits/drop-in.ts'
import { formats } from '../../src/fix/formats.ts'
import { Refused } from '../../src/fix/refused.ts'
import { expanded } from '../../src/systemd/specifiers.ts'
import { assignmentsOf } from '../../src/systemd/unit-file.ts'
import { wordsOf } from '../../src/systemd/words.ts'
import { describeWith } from '../support/rig.ts'
import { CACHE } from '../support/wheels.ts'
import { service } from './made-up.ts'
import { podman, podmanMissing } from './podman.ts'
import { dice, HOSTILE } from './random.ts'

const root = mkdtempSync(join(tmpdir(), 'asr-doctor-formats-tools-'))
afterAll(() => rmSync(root, { recursive: true }))
let place = ''
let n = 0
beforeEach(() => {
  place = join(root, String(n++))
  mkdirSync(place)
})

const onPath = (name: string): boolean => (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, name)))
const here = (name: string, before: string | null, after: string | null): PlannedChange => ({ target: join(place, name), before, after, writer: 'unit', unit: null })
const unitOf = (set: Parameters<typeof dropIn>[0], target = '/etc/systemd/system/asr.service.d/50-asr-doctor.conf'): PlannedChange => ({ target, before: null, after: dropIn(set, 'Mend it (a/b)', null, 'f'), writer: 'unit', unit: 'asr.service' })

/** Hostile values that a drop-in can say at all. */
function values(seed: number, count: number, allowed: (value: string) => boolean = () => true): Record<string, string> {
  const { text } = dice(seed)
  const all: Record<string, string> = { DOLLARS: '$${x} $$ ${y} $(z) $', BRACES: '{{ a }} {% b %} {# c #}', BACK: '\\\\ \\" \\' }
  for (let at = 0; Object.keys(all).length < count; at++) {
    const value = text(HOSTILE, 10)
    if (allowed(value)) all[`V${at}`] = value
  }
  return all
}

/** ansible-core of PyPI in an environment of its own, made once. */
function ansible(): string {
  const folder = join(CACHE, 'ansible-core-2.17.7')
  if (!existsSync(folder)) {
    const part = `${folder}.${process.pid}.part`
    execFileSync('python3', ['-m', 'venv', part], { timeout: 120_000 })
    execFileSync(join(part, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'ansible-core==2.17.7'], { timeout: 600_000, stdio: ['ignore', 'ignore', 'inherit'] })
    if (existsSync(folder)) rmSync(part, { recursive: true })
    else renameSync(part, folder)
  }
  return folder
}

describe('ansible, run by ansible-playbook', () => {
  const play = (text: string, ...more: readonly string[]) => {
    writeFileSync(join(place, 'tasks.yml'), text)
    writeFileSync(join(place, 'play.yml'), '- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.import_tasks: tasks.yml\n')
    const ran = spawnSync(join(ansible(), 'bin/python'), ['-m', 'ansible', 'playbook', '-i', 'localhost,', '-c', 'local', '-e', 'ansible_python_interpreter=auto_silent', ...more, 'play.yml'], {
      cwd: place, encoding: 'utf8', timeout: 280_000, env: { PATH: '/usr/bin:/bin', HOME: place, LC_ALL: 'C.UTF-8', ANSIBLE_NOCOLOR: '1', ANSIBLE_LOCAL_TEMP: join(place, 'tmp'), ANSIBLE_REMOTE_TEMP: join(place, 'remote') },
    })
    expect(ran.status, ran.stdout + ran.stderr).toBe(0)
    return /ok=(\d+) +changed=(\d+)/.exec(ran.stdout)!.slice(1).map(Number)
  }

  it('writes hostile texts to the letter, in check mode nothing, and the second time nothing more', () => {
    const { text } = dice(77)
    const changes = [
      ...Array.from({ length: 6 }, (_, at) => here(`d/it's ${at} {{ x }}`, at % 2 ? null : 'old\n', `${text(HOSTILE, 30)}{{ 7 * 7 }}{% raw %}\n`)),
      here('asr.service.d/50-asr-doctor.conf', null, unitOf(Object.entries(values(3, 12)).map(([name, value]) => service('Environment', `${name}=${value}`))).after),
      here('gone', 'x', null),
    ]
    for (const { target, before } of changes) {
      if (before === null) continue
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, before, { mode: 0o640 })
    }
    const ran = () => readFileSync(join(place, 'ran'), 'utf8')
    const restart = { words: 'restart', command: ['sh', '-c', `echo restarted >>'${place}/ran'`] }
    const book = formats.ansible({ changes, steps: [restart, { words: `touch ${place}/reloaded {{ y }}`, command: ['touch', `${place}/reloaded {{ y }}`] }, { words: 'Look at\nthe log', command: null }] })
    expect(play(book, '--check')[1]).toBeGreaterThan(0)
    for (const { target, before } of changes) expect(existsSync(target) ? readFileSync(target, 'utf8') : null).toBe(before)
    expect(play(book)[1]).toBeGreaterThan(8)
    for (const { target, before, after } of changes) {
      expect(existsSync(target) ? readFileSync(target, 'utf8') : null, target).toBe(after)
      if (after !== null) expect(statSync(target).mode & 0o777, target).toBe(before === null ? 0o644 : 0o640)
    }
    expect(existsSync(`${place}/reloaded {{ y }}`)).toBe(true)
    expect(ran()).toBe('restarted\n')
    // A play that changes nothing restarts nothing.
    expect(play(book)[1]).toBe(0)
    expect(ran()).toBe('restarted\n')
    writeFileSync(changes[3]!.target, 'by hand')
    expect(play(book)[1]).toBe(3)
    writeFileSync(changes.at(-1)!.target, 'there again')
    expect(play(book)[1]).toBe(3)
    expect(ran()).toBe('restarted\n'.repeat(3))
  }, 600_000)
})

describeWith('nix', onPath('nix-instantiate') ? null : 'nix-instantiate is missing: apt-get install nix-bin', () => {
  /** What nix makes of the options, where lib.mkForce only says what it is given. */
  const evaluated = (text: string): any => {
    writeFileSync(join(place, 'module.nix'), `let lib = { mkForce = x: { force = x; }; }; in {\n${text}}\n`)
    const folders = Object.fromEntries(['NIX_STORE_DIR', 'NIX_STATE_DIR', 'NIX_LOG_DIR', 'NIX_CONF_DIR'].map((name) => [name, join(place, name)]))
    const ran = spawnSync('nix-instantiate', ['--eval', '--strict', '--json', join(place, 'module.nix')], { encoding: 'utf8', timeout: 60_000, env: { ...process.env, HOME: place, ...folders } })
    expect(ran.status, ran.stderr).toBe(0)
    return JSON.parse(ran.stdout)
  }

  it('reads 150 hostile values to the letter, and every option where it belongs', () => {
    const env = values(11, 150)
    const set = [...Object.entries(env).map(([name, value]) => service('Environment', `${name}=${value}`)), service('CPUQuota', '400%'), service('MemoryMax', ''), service('DeviceAllow', 'char-nvidia* rw'), service('DeviceAllow', '/dev/nvidia0 rw'), { section: 'Unit' as const, key: 'After', value: 'sound.target' }, { section: 'Unit' as const, key: 'Wants', value: 'user@1500.service' }]
    const { systemd } = evaluated(formats.nix({ changes: [unitOf(set)], steps: [{ words: 'nixos-rebuild\nswitch', command: null }] }))
    expect(systemd.services.asr).toEqual({
      environment: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, { force: value.replaceAll('%', '%%') }])),
      serviceConfig: { CPUQuota: { force: '400%' }, MemoryMax: { force: '' }, DeviceAllow: ['char-nvidia* rw', '/dev/nvidia0 rw'] },
      after: ['sound.target'], wants: ['user@1500.service'],
    })
  })

  it('says in the unit that NixOS makes of it what was meant', () => {
    const env = { ...values(12, 60), PERCENT: '/opt/50%h/%%n' }
    const { systemd } = evaluated(formats.nix({ changes: [unitOf(Object.entries(env).map(([name, value]) => service('Environment', `${name}=${value}`)))], steps: [] }))
    const made = systemd.services.asr.environment as Record<string, { force: string }>
    // nixos/lib/systemd-lib.nix: "Environment=${toJSON "${n}=${env.${n}}"}\n".
    const text = `[Service]\n${Object.entries(made).map(([name, { force }]) => `Environment=${JSON.stringify(`${name}=${force}`)}\n`).join('')}`
    const words = assignmentsOf(text, 'f').flatMap(({ value }) => wordsOf(value).words.map((word) => expanded(word, {})))
    expect(words.sort()).toEqual(Object.entries(env).map(([name, value]) => `${name}=${value}`).sort())
  })

  it('keeps apart what is for a user, and the names of units', () => {
    const user = { ...unitOf([service('CPUQuota', '400%')], '/home/a/.config/systemd/user/asr@"x".service.d/50-asr-doctor.conf'), unit: 'asr@"x".service' }
    expect(evaluated(formats.nix({ changes: [user], steps: [] }))).toEqual({ systemd: { user: { services: { 'asr@"x"': { overrideStrategy: 'asDropin', serviceConfig: { CPUQuota: { force: '400%' } } } } } } })
  })
})

describeWith('podman', podmanMissing(), () => {
  it('Dockerfile: podman build gives an image the very variables', () => {
    const engine = podman()
    try {
      const env = values(21, 60, (value) => !/[\n\r]/.test(value))
      const text = formats.dockerfile({ changes: [unitOf([...Object.entries(env).map(([name, value]) => service('Environment', `${name}=${value}`)), service('CPUQuota', '250%'), service('DeviceAllow', '/dev/nvidia0 rw'), service('Nice', '1')])], steps: [] })
      writeFileSync(join(place, 'Dockerfile'), `FROM scratch\n${text}`)
      const built = engine.run(['build', '--isolation', 'chroot', '-t', 'localhost/env:1', '-f', join(place, 'Dockerfile'), engine.folder])
      expect(built.code, built.stderr).toBe(0)
      const [image] = JSON.parse(engine.run(['inspect', '--type', 'image', 'localhost/env:1']).stdout) as { Config: { Env: string[] } }[]
      const seen = Object.fromEntries(image!.Config.Env.map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]))
      expect(seen).toMatchObject(env)
      expect(text).toContain('# docker run --cpus=2.5 --device /dev/nvidia0 …\n# no counterpart in an image: Nice=1\n')
      expect(() => formats.dockerfile({ changes: [unitOf([service('Environment', 'A=x\ny')])], steps: [] })).toThrow(Refused)
    } finally {
      engine.drop()
    }
  }, 120_000)
})
