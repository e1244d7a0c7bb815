import { CannotSee } from '../cannot-see.ts'
import { unescapedName, unitNameOf } from '../systemd/unit-name.ts'
import type { Specifiers } from '../systemd/specifiers.ts'
import type { Assignment } from '../systemd/unit-file.ts'
import { wordsOf } from '../systemd/words.ts'
import type { Env, Host } from '../types.ts'
import { accountOf, groupOf } from './unit-accounts.ts'
import type { UnitState } from './unit-state.ts'

/**
 * The specifiers of systemd.unit(5) for one unit. Those that must be asked for are asked only where a `%x` uses them.
 * `%h`, `%u` and `%U` are the *manager's* user, not that of User=: in a system unit `%h` is /root.
 */
export async function specifiersOf(host: Host, unit: UnitState, manager: Env, assignments: readonly Assignment[]): Promise<Specifiers> {
  const { prefix, instance, suffix } = unitNameOf(unit.name)
  const user = unit.scope === 'user'
  // Escapes are undone before specifiers are put in, so a letter may be written as \x68.
  const used = new Set(assignments.flatMap(({ value }) => [value, ...wordsOf(value).words]).flatMap((text) => [...text.matchAll(/%(.)/gs)].map((match) => match[1]!)))
  const account = user && [...'hugUGs'].some((letter) => used.has(letter)) ? await accountOf(host, String(unit.managerUid)) : null
  const home = user ? (manager['HOME'] ?? account?.home ?? null) : '/root'
  const config = manager['XDG_CONFIG_HOME'] ?? (home === null ? null : `${home}/.config`)
  // Since v254 the state of a user's services lies in XDG_STATE_HOME; before in XDG_CONFIG_HOME.
  const modern = user && (used.has('S') || used.has('L')) ? (await systemdVersion(host)) >= 254 : false
  const state = modern ? (manager['XDG_STATE_HOME'] ?? `${home}/.local/state`) : config
  const file = async (path: string): Promise<string | null> => (await host.read(path))?.trim() ?? null
  const asked: Record<string, () => Promise<string | null>> = {
    a: async () => architecture((await host.platform()).arch),
    b: async () => (await file('/proc/sys/kernel/random/boot_id'))?.replace(/-/g, '') ?? null,
    H: () => file('/proc/sys/kernel/hostname'),
    l: async () => (await file('/proc/sys/kernel/hostname'))?.split('.')[0] ?? null,
    m: () => file('/etc/machine-id'),
    v: async () => (await host.platform()).release,
    g: async () => (user ? ((await groupOf(host, String(account?.gid)))?.name ?? null) : 'root'),
    G: async () => (user ? (account === null ? null : String(account.gid)) : '0'),
    s: async () => (user ? (manager['SHELL'] ?? account?.shell ?? null) : null),
  }
  for (const [letter, key] of [['o', 'ID'], ['w', 'VERSION_ID'], ['B', 'BUILD_ID'], ['W', 'VARIANT_ID'], ['A', 'IMAGE_VERSION'], ['M', 'IMAGE_ID']] as const) {
    asked[letter] = async () => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec((await host.read('/etc/os-release')) ?? '')?.[1] ?? ''
  }
  const answers = await Promise.all(Object.entries(asked).map(async ([letter, ask]) => [letter, used.has(letter) ? await ask() : null] as const))
  const fragment = unit.fragmentPath
  return {
    ...Object.fromEntries(answers),
    i: instance ?? '',
    I: unescapedName(instance ?? ''),
    j: prefix.split('-').at(-1) ?? '',
    J: unescapedName(prefix.split('-').at(-1) ?? ''),
    n: unit.name,
    N: unit.name.slice(0, unit.name.length - suffix.length),
    p: prefix,
    P: unescapedName(prefix),
    f: instance !== null && instance !== '' ? rooted(unescapedName(instance)) : rooted(unescapedName(prefix)),
    y: fragment,
    Y: fragment === null ? null : fragment.slice(0, fragment.lastIndexOf('/')) || '/',
    t: user ? (manager['XDG_RUNTIME_DIR'] ?? null) : '/run',
    S: user ? state : '/var/lib',
    C: user ? (manager['XDG_CACHE_HOME'] ?? (home === null ? null : `${home}/.cache`)) : '/var/cache',
    E: user ? config : '/etc',
    L: user ? (state === null ? null : `${state}/log`) : '/var/log',
    d: `${user ? (manager['XDG_RUNTIME_DIR'] ?? '') : '/run'}/credentials/${unit.name}`,
    h: home,
    u: user ? (account?.name ?? null) : 'root',
    U: String(unit.managerUid),
    T: manager['TMPDIR'] ?? manager['TEMP'] ?? manager['TMP'] ?? '/tmp',
    V: manager['TMPDIR'] ?? manager['TEMP'] ?? manager['TMP'] ?? '/var/tmp',
    q: null, c: null, r: null, R: null,
  }
}

const rooted = (path: string): string => (path.startsWith('/') ? path : `/${path}`)

/** architecture_to_string() of basic/architecture.c, for the names Node gives. */
const architecture = (arch: string): string | null => ({ x64: 'x86-64', arm64: 'arm64', ia32: 'x86', arm: 'arm', riscv64: 'riscv64', ppc64: 'ppc64-le', s390x: 's390x' })[arch] ?? null

async function systemdVersion(host: Host): Promise<number> {
  const number = /^systemd (\d+)/.exec((await host.run('systemctl', ['--version']))?.stdout ?? '')?.[1]
  if (number === undefined) throw new CannotSee('The version of systemd could not be read from systemctl --version.')
  return Number(number)
}

