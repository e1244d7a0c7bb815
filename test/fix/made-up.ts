import { question } from '../../src/question.ts'
import { hostOf, type Ask } from '../../src/host/host.ts'
import { UNIT_PROPERTIES } from '../../src/facts/unit-state.ts'
import { gatherer } from '../../src/gather.ts'
import type { CheckId, Directive, Edit, Fix, Json, Scope } from '../../src/types.ts'
import type { Wish } from '../../src/fix/plan.ts'

/** A small machine with one service on it, made of what a test says; everything else is absent. */
export interface MadeUp {
  readonly unit?: string
  readonly scope?: Scope
  /** Text of the unit file; it lies where `fragment` says. */
  readonly text?: string
  readonly fragment?: string
  /** Drop-ins that the manager has loaded, and any other file. */
  readonly files?: Readonly<Record<string, string>>
  readonly properties?: Readonly<Record<string, string>>
  readonly running?: Readonly<Record<string, string>> | null
  readonly managerUid?: number
  readonly caller?: { readonly uid: number; readonly home: string }
  readonly environment?: Readonly<Record<string, string>>
  readonly answers?: Readonly<Record<string, Json>>
}

export const PASSWD = 'root:x:0:0::/root:/bin/bash\nasr:x:1500:1500::/home/asr:/bin/bash\nfay:x:1501:1501::/home/fay:/usr/bin/fish\n'

export function madeUp(of: MadeUp = {}): Ask {
  const { unit = 'asr.service', scope = 'system', text = '[Service]\nExecStart=/bin/true\n' } = of
  const fragment = of.fragment ?? (scope === 'system' ? `/etc/systemd/system/${unit.replace(/@[^.]+/, '@')}` : `/home/asr/.config/systemd/user/${unit}`)
  const files: Record<string, string> = { '/etc/passwd': PASSWD, '/etc/group': 'asr:x:1500:\naudio:x:29:\n', [fragment]: text, ...of.files }
  const dropIns = Object.keys(files).filter((path) => path.includes(`${unit}.d/`) || path.includes(`${unit.replace(/@[^.]+/, '@')}.d/`)).sort((a, b) => (a.split('/').at(-1)! < b.split('/').at(-1)! ? -1 : 1))
  const properties: Record<string, string> = { Id: unit, Names: unit, LoadState: 'loaded', ActiveState: of.running === undefined || of.running === null ? 'inactive' : 'active', FragmentPath: fragment, DropInPaths: dropIns.join(' '), NeedDaemonReload: 'no', MainPID: of.running ? '77' : '0', ControlGroup: of.running ? `/system.slice/${unit}` : '', CPUQuotaPerSecUSec: 'infinity', Environment: '', ...of.properties }
  const answers = new Map<string, Json>([
    ['target', { kind: 'unit', name: unit, scope }],
    ['platform', { os: 'linux', arch: 'x64', release: '6.1' }],
    ['caller', { uid: 0, gid: 0, groups: [0], user: 'root', home: '/root', ...of.caller }],
    ['environment', { SHELL: '/bin/bash', ...of.environment }],
    ...Object.entries(files).map(([path, content]) => [question.read(path), content] as const),
    ...Object.keys(files).map((path) => [question.realpath(path), path] as const),
    ...Object.keys(files).map((path) => [question.stat(path), { type: 'file', mode: 0o644, uid: 0, gid: 0, sizeBytes: 1, mtimeMs: 1, device: null }] as const),
    ...(of.running
      ? ([
          [question.read('/proc/77/environ'), Object.entries(of.running).map(([name, value]) => `${name}=${value}\0`).join('')],
          [question.read('/proc/77/status'), 'Name:\tasr\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\nThreads:\t4\n'],
          [question.read('/proc/77/cgroup'), `0::/system.slice/${unit}\n`],
          [question.read('/proc/77/cmdline'), '/bin/true\0'],
          [question.read('/proc/77/stat'), `77 (asr) ${Array.from({ length: 40 }, () => '9').join(' ')}`],
          [question.read('/proc/stat'), 'btime 1700000000\n'],
          [question.read('/proc/uptime'), '1000.00 1\n'],
          [question.read('/proc/self/mountinfo'), '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n'],
          [question.stat(`/sys/fs/cgroup/system.slice/${unit}/cgroup.procs`), { type: 'file', mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeMs: 0, device: null }],
        ] as const)
      : []),
    ...Object.entries(of.answers ?? {}),
  ])
  const manager = scope === 'system' ? [] : of.managerUid !== undefined && of.managerUid !== (of.caller?.uid ?? 0) ? ['--user', '--machine=asr@'] : ['--user']
  const output = (stdout: string): Json => ({ code: 0, signal: null, stdout, stderr: '' })
  answers.set(question.run('systemctl', [...manager, 'show', '--no-pager', `--property=${UNIT_PROPERTIES.join(',')}`, '--', unit]), output(`${Object.entries(properties).map(([name, value]) => `${name}=${value}`).join('\n')}\n`))
  answers.set(question.run('systemctl', [...manager, 'show-environment']), output('PATH=/usr/bin:/bin\n'))
  return async (asked) => answers.get(asked.key) ?? null
}

export const siteOf = (machine: Ask) => {
  const host = hostOf(machine)
  return { host, use: gatherer(host) }
}

export const service = (key: string, value: string, more: Partial<Directive> = {}): Directive => ({ section: 'Service', key, value, ...more })

export const wish = (edits: readonly Edit[], more: { check?: CheckId; cause?: string; safety?: Fix['safety']; then?: readonly string[] } = {}): Wish => ({
  check: more.check ?? 'test/fault', cause: more.cause ?? 'It is so.', fix: { title: 'Mend it', safety: more.safety ?? 'safe', edits, then: more.then ?? [] },
})

export const dropInWish = (set: readonly Directive[], more: Parameters<typeof wish>[1] & { unit?: string; scope?: Scope } = {}): Wish =>
  wish([{ kind: 'unit-drop-in', unit: more.unit ?? 'asr.service', scope: more.scope ?? 'system', set }], more)
