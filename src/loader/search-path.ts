/**
 * Lists of directories as the loaders read them (glibc elf/dl-load.c fillin_rpath, musl ldso/dynlink.c path_open). An empty
 * element is the current directory for glibc and nothing for musl. `~`, quotes, globs and `$HOME` are ordinary letters.
 */
export type Kind = 'LD_LIBRARY_PATH' | 'rpath'

export interface Tokens {
  readonly origin: string | null
  readonly lib: string
  readonly platform: string
}

/** Directories in order, doubles left out. A relative one is completed with `cwd`. */
export function directoriesOf(text: string, kind: Kind, loader: 'glibc' | 'musl', tokens: Tokens, cwd: string): readonly string[] {
  if (text === '') return []
  const elements = text.split(loader === 'musl' ? /[:\n]/ : kind === 'LD_LIBRARY_PATH' ? /[:;]/ : /:/)
  const directories = elements.flatMap((element): string[] => {
    if (loader === 'musl') {
      if (element === '') return []
      const expanded = kind === 'rpath' ? muslOrigin(element, tokens.origin) : element
      return expanded === null ? [] : [absolute(expanded, cwd)]
    }
    if (element === '') return [cwd]
    const expanded = expand(element, tokens)
    return expanded === null ? [] : [absolute(expanded, cwd)]
  })
  return [...new Set(directories)]
}

const absolute = (path: string, cwd: string): string => {
  const trimmed = path.replace(/(?<=.)\/+$/, '')
  return trimmed.startsWith('/') ? trimmed : trimmed === '.' || trimmed === './' ? cwd : `${cwd.replace(/\/$/, '')}/${trimmed}`
}

/** $ORIGIN, $LIB and $PLATFORM, with or without braces, whatever follows them. null = the origin is not known: the element is dropped. */
export function expand(text: string, tokens: Tokens): string | null {
  let unknown = false
  const expanded = text.replace(/\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM))/g, (_, braced: string | undefined, bare: string | undefined) => {
    const name = braced ?? bare
    if (name === 'LIB') return tokens.lib
    if (name === 'PLATFORM') return tokens.platform
    if (tokens.origin === null) unknown = true
    return tokens.origin ?? ''
  })
  return unknown ? null : expanded
}

/** musl knows only $ORIGIN; any other `$` and the whole list is not used, which `muslOrigin` cannot know: see usableRpath. */
const muslOrigin = (text: string, origin: string | null): string | null => (origin === null ? null : text.replace(/\$(?:\{ORIGIN\}|ORIGIN)/g, origin))

/** musl ignores a whole RPATH that holds a `$` of another kind (fixup_rpath). */
export const muslUsable = (rpath: string): boolean => !/\$(?!ORIGIN|\{ORIGIN\})/.test(rpath)

export interface Suspect {
  readonly element: string
  readonly fault: 'empty' | 'variable' | 'tilde' | 'quote' | 'glob' | 'relative'
}

/** Elements that do not mean what whoever wrote them meant, each once. */
export function suspectsOf(text: string): readonly Suspect[] {
  if (text === '') return []
  return [...new Set(text.split(/[:;]/))].flatMap((element): Suspect[] => {
    if (element === '') return [{ element, fault: 'empty' }]
    if (/^["']|["']$/.test(element)) return [{ element, fault: 'quote' }]
    const bare = element.replace(/\$(?:\{(?:ORIGIN|LIB|PLATFORM)\}|(?:ORIGIN|LIB|PLATFORM))/g, '/')
    if (/[$%]/.test(bare) && /\$\{?\w|\$\(|%\w/.test(bare)) return [{ element, fault: 'variable' }]
    if (element.startsWith('~')) return [{ element, fault: 'tilde' }]
    if (/[*?]/.test(element)) return [{ element, fault: 'glob' }]
    return bare.startsWith('/') ? [] : [{ element, fault: 'relative' }]
  })
}

/** The directories that whoever wrote such elements seems to have meant, for looking there: quotes off, home folder and variables filled in. */
export const meantBy = (text: string, env: Readonly<Record<string, string>>): readonly string[] =>
  text.split(/[:;]/).map((element) => element.replace(/["']/g, '').replace(/^~(?=\/|$)/, env['HOME'] ?? '~').replace(/\$\{?(\w+)\}?/g, (whole, name: string) => env[name] ?? whole)).filter((element) => /^\/[^$*?]*$/.test(element))
