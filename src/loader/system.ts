/** Which loader a root has, and what is built into it. */
import { CannotSee } from '../cannot-see.ts'
import type { Host, Identity } from '../types.ts'
import { cacheOf } from './cache.ts'
import type { LoaderSystem } from './types.ts'

/** Where the ABI of each machine puts its loader (glibc wiki, "ABI list"; musl ldso name). */
const GLIBC: Readonly<Record<string, string>> = {
  x86_64: '/lib64/ld-linux-x86-64.so.2', aarch64: '/lib/ld-linux-aarch64.so.1', i386: '/lib/ld-linux.so.2', arm: '/lib/ld-linux-armhf.so.3',
  ppc64le: '/lib64/ld64.so.2', s390x: '/lib/ld64.so.1', riscv64: '/lib/ld-linux-riscv64-lp64d.so.1', x32: '/libx32/ld-linux-x32.so.2',
}
const TRIPLE: Readonly<Record<string, string>> = { x86_64: 'x86_64-linux-gnu', aarch64: 'aarch64-linux-gnu', i386: 'i386-linux-gnu', arm: 'arm-linux-gnueabihf', ppc64le: 'powerpc64le-linux-gnu', s390x: 's390x-linux-gnu', riscv64: 'riscv64-linux-gnu' }

export interface Wanted {
  readonly bits: 32 | 64
  readonly machine: string
  /** PT_INTERP of the program; null = a library alone, or a program that is not to be seen. */
  readonly interpreter: string | null
}

/** `as` is given when the loader lies in another mount namespace. */
export async function loaderSystem(host: Host, root: string, wanted: Wanted, as: Identity | null): Promise<LoaderSystem> {
  const { bits, machine } = wanted
  const interpreter = wanted.interpreter ?? (await usual(host, root, machine))
  if (interpreter.includes('ld-musl')) return musl(host, root, interpreter, wanted)
  const help = await host.run(interpreter, ['--help'], as === null ? {} : { as }).catch((error: unknown) => {
    if (error instanceof CannotSee) return null
    throw error
  })
  const said = helpOf(help?.stdout ?? '')
  const defaultDirs = said.systemDirs.length > 0 ? said.systemDirs : await usualDirs(host, root, machine, bits)
  const lib = defaultDirs[0]!.replace(/^\/(usr\/)?/, '')
  // The Nix and Guix loaders look for a cache inside their own store, where there is none.
  const cacheless = /^\/(nix|gnu)\/store\//.test(interpreter)
  return { kind: 'glibc', interpreter, bits, machine, lib, platform: said.platform ?? (machine === 'i386' ? 'i686' : machine), hwcaps: said.hwcaps, defaultDirs, cache: cacheless ? null : await ldCache(host, root) }
}

/** The question that shows ld.so.cache, for evidence and for asking. */
export const cacheArguments = (root: string): readonly string[] => (root === '' ? ['-p'] : ['-p', '-C', `${root}/etc/ld.so.cache`])

async function ldCache(host: Host, root: string): Promise<LoaderSystem['cache']> {
  const output = await host.run('ldconfig', cacheArguments(root))
  if (output?.code === 0) return cacheOf(output.stdout)
  if ((await host.stat(`${root}/etc/ld.so.cache`)) === null) return []
  throw new CannotSee('The list of known libraries (/etc/ld.so.cache) could not be read.', 'Install ldconfig, or run as root.')
}

async function usual(host: Host, root: string, machine: string): Promise<string> {
  const glibc = GLIBC[machine]
  if (glibc !== undefined && (await host.stat(root + glibc)) !== null) return glibc
  const alpine = `/lib/ld-musl-${muslArch(machine)}.so.1`
  if ((await host.stat(root + alpine)) !== null) return alpine
  return glibc ?? '/lib64/ld.so'
}

async function usualDirs(host: Host, root: string, machine: string, bits: 32 | 64): Promise<readonly string[]> {
  const triple = TRIPLE[machine]
  if (triple !== undefined && (await host.stat(`${root}/lib/${triple}`)) !== null) return [`/lib/${triple}`, `/usr/lib/${triple}`, '/lib', '/usr/lib']
  const wide = bits === 64 && (await host.stat(`${root}/lib64`)) !== null
  return wide ? ['/lib64', '/usr/lib64'] : ['/lib', '/usr/lib']
}

interface Help {
  readonly systemDirs: readonly string[]
  readonly hwcaps: readonly string[]
  readonly platform: string | null
}

/** `ld.so --help` of glibc 2.33 and later names its directories and the hwcap levels in use. Older ones say nothing of them. */
export function helpOf(text: string): Help {
  const marked = (mark: RegExp) => text.split('\n').flatMap((line) => {
    const match = /^  (\S+) \((.+)\)$/.exec(line)
    return match && mark.test(match[2]!) ? [match[1]!] : []
  })
  const [, levels = ''] = text.split(/^Subdirectories of glibc-hwcaps.*$/m)
  const [own = ''] = levels.split(/^\S/m)
  return {
    systemDirs: marked(/^system search path$/).map((dir) => dir.replace(/(?<=.)\/$/, '')),
    hwcaps: own.split('\n').flatMap((line) => /^  (\S+) \(.*searched\)$/.exec(line)?.[1] ?? []),
    platform: marked(/AT_PLATFORM/)[0] ?? null,
  }
}

const muslArch = (machine: string): string => (machine === 'arm' ? 'armhf' : machine === 'ppc64le' ? 'powerpc64le' : machine)

/** musl reads its directories from /etc/ld-musl-ARCH.path, has no cache, no hwcaps and no tokens but $ORIGIN. */
async function musl(host: Host, root: string, interpreter: string, { bits, machine }: Wanted): Promise<LoaderSystem> {
  const text = await host.read(`${root}/etc/ld-musl-${muslArch(machine)}.path`)
  const defaultDirs = (text ?? '/lib:/usr/local/lib:/usr/lib').split(/[:\n]/).filter(Boolean)
  return { kind: 'musl', interpreter, bits, machine, lib: 'lib', platform: machine, hwcaps: [], defaultDirs, cache: null }
}
