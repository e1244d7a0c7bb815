import { afterAll, beforeAll, expect, it } from 'vitest'
import { bootBox, boxMissing, type Box } from '../support/box.ts'
import { examineInBox, type Seen } from '../support/box-diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { VOLATILE } from '../../src/facts/environment-configured.ts'
import type { Env, Target } from '../../src/types.ts'
import { holder, writeFiles, HOLD } from './files.ts'
import { handWritten, randomUnits, type Sample } from './samples.ts'

const MODULES = ['src/facts/environment-configured.ts', 'src/facts/configured-context.ts', 'src/facts/process.ts', 'src/facts/unit-files.ts']
const FACTS = ['configured-environment', 'configured-context', 'main-process', 'unit-files']

const steady = (env: Env): Env => Object.fromEntries(Object.entries(env).filter(([name]) => !VOLATILE.has(name)).sort(([a], [b]) => (a < b ? -1 : 1)))

function compare(seen: Seen): void {
  const of = (fact: string): any => {
    const answer = seen.facts[fact]!
    if ('error' in answer) throw new Error(`${fact}: ${answer.because}`)
    return answer.value
  }
  const process = of('main-process')
  expect(process, 'the unit does not run').not.toBeNull()
  const { env } = of('configured-environment')
  expect(env.known, env.because).toBe(true)
  expect(steady(env.value)).toEqual(steady(process.environ.value))
  const context = of('configured-context')
  expect(context.argv).toEqual(process.argv)
  expect(context.exe).toBe(process.exe)
  expect([context.uid, context.gid]).toEqual([process.status.uids[1], process.status.gids[1]])
  expect(context.groups).toEqual([...process.status.groups].sort((a: number, b: number) => a - b))
  expect(context.cwd).toBe(process.cwd)
}

describeWith('systemd box', boxMissing(), () => {
  const system = [...handWritten, ...randomUnits(1, 60)]
  const own = randomUnits(2, 15)
  let box: Box
  const seen = new Map<string, Seen>()

  beforeAll(async () => {
    box = bootBox('environment')
    box.script(`useradd -m -u 1500 -s /bin/bash robert; groupadd -g 1601 speech; usermod -aG speech,audio robert
      loginctl enable-linger robert; systemctl set-environment FROM_MANAGER="a b" EMPTY= "QUOTE=it's \\"x\\" \\$Y"`)
    const placed = (samples: readonly Sample[], user: boolean) =>
      Object.fromEntries(samples.flatMap(({ files }) => Object.entries(files).map(([path, text]) => [user ? path.replace('/etc/systemd/system/', '/etc/systemd/user/').replace('/run/systemd/system/', '/home/robert/.config/systemd/user/') : path, text])))
    writeFiles(box, { ...holder, ...placed(system, false), ...placed(own, true) })
    box.script(`chmod 755 ${HOLD}; chown -R robert: /home/robert; chmod -R a+rX /etc/env; systemctl daemon-reload; systemctl start ${system.map(({ name }) => `'${name}'`).join(' ')}`)
    for (let wait = 0; wait < 50 && box.runAs('robert', 'systemctl', '--user', 'daemon-reload').code !== 0; wait++) await new Promise((resolve) => setTimeout(resolve, 100))
    const started = box.runAs('robert', 'systemctl', '--user', 'start', ...own.map(({ name }) => name))
    if (started.code !== 0) throw new Error(started.stderr)
    const job = (scope: 'system' | 'user') => ({ name }: Sample) => ({ target: { kind: 'unit', name, scope } as Target, facts: FACTS, checks: [] })
    for (const [at, each] of (await examineInBox(box, system.map(job('system')), MODULES, { limitMs: 60_000 })).entries()) seen.set(`system ${system[at]!.name}`, each)
    for (const [at, each] of (await examineInBox(box, own.map(job('user')), MODULES, { user: 'robert', limitMs: 60_000 })).entries()) seen.set(`user ${own[at]!.name}`, each)
  })
  afterAll(() => box?.stop())

  it('finds on disk the very drop-ins that the manager has loaded', () => {
    for (const [name, { facts }] of seen) expect(facts['unit-files'], name).toMatchObject({ value: { notLoaded: [], gone: [] } })
    const paths = (name: string): string[] => (seen.get(name)!.facts['unit-files'] as { value: { files: { path: string }[] } }).value.files.map(({ path }) => path)
    expect(paths('system h-drop-in.service').slice(1)).toEqual([
      '/etc/systemd/system/h-.service.d/05-p.conf', '/etc/systemd/system/h-drop-in.service.d/50-b.conf', '/run/systemd/system/h-drop-in.service.d/60-c.conf',
      '/etc/systemd/system/h-drop-.service.d/70-p.conf', '/etc/systemd/system/h-drop-in.service.d/80-empty.conf', '/etc/systemd/system/h-drop-in.service.d/90-sections.conf',
    ])
  })

  it.each(system.map((sample) => [sample.story, sample.name] as const))('system unit: %s (%s)', (_, name) => compare(seen.get(`system ${name}`)!))
  it.each(own.map((sample) => [sample.story, sample.name] as const))('user unit: %s (%s)', (_, name) => compare(seen.get(`user ${name}`)!))
})
