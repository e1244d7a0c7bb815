/** Unit names after systemd.unit(5) and basic/unit-name.c. */
export interface UnitName {
  readonly prefix: string
  /** null = no instance and no template; '' = a template. */
  readonly instance: string | null
  /** With the dot: `.service`. */
  readonly suffix: string
}

export function unitNameOf(name: string): UnitName {
  const dot = name.lastIndexOf('.')
  const stem = dot < 0 ? name : name.slice(0, dot)
  const suffix = dot < 0 ? '' : name.slice(dot)
  const at = stem.indexOf('@')
  return at < 0 ? { prefix: stem, instance: null, suffix } : { prefix: stem.slice(0, at), instance: stem.slice(at + 1), suffix }
}

/** `foo@bar.service` → `foo@.service`; null = no instance. */
export function templateOf(name: string): string | null {
  const { prefix, instance, suffix } = unitNameOf(name)
  return instance === null || instance === '' ? null : `${prefix}@${suffix}`
}

/** unit_name_unescape(): `-` is `/`, `\xHH` a byte. */
export function unescapedName(text: string): string {
  const bytes: number[] = []
  for (let at = 0; at < text.length; at++) {
    const code = /^\\x([0-9a-fA-F]{2})/.exec(text.slice(at))
    if (code) {
      bytes.push(Number.parseInt(code[1]!, 16))
      at += 3
    } else bytes.push(text[at] === '-' ? 0x2f : text.charCodeAt(at) & 0xff)
  }
  return new TextDecoder().decode(Uint8Array.from(bytes))
}

/**
 * The drop-in folders of one name below one unit path, the most specific first: the name, its template, then the same
 * for each prefix cut at a dash (unit_file_find_dirs() in shared/dropin.c).
 */
export function dropInFolderNames(name: string): readonly string[] {
  const { prefix, instance, suffix } = unitNameOf(name)
  const own = [`${name}.d`]
  const template = templateOf(name)
  if (template !== null) own.push(...dropInFolderNames(template))
  const chopped = chop(prefix)
  if (chopped === null) return own
  // A template without its instance is cut down to a plain name, so foo-.service.d counts for foo-bar@x.service too.
  const general = instance === null || instance === '' ? `${chopped}${suffix}` : `${chopped}@${instance}${suffix}`
  return [...new Set([...own, ...dropInFolderNames(general)])]
}

/** `foo-bar-baz` → `foo-bar-`, `foo-bar-` → `foo-`; null = no dash left. */
function chop(prefix: string): string | null {
  const dash = prefix.replace(/-$/, '').lastIndexOf('-')
  return dash < 0 ? null : prefix.slice(0, dash + 1)
}

/** Every folder that may hold drop-ins, in the order of precedence for files of one name. */
export const dropInFolders = (names: readonly string[], unitPath: readonly string[]): readonly string[] => [
  ...names.flatMap((name) => unitPath.flatMap((path) => dropInFolderNames(name).map((folder) => `${path}/${folder}`))),
  ...unitPath.map((path) => `${path}/service.d`),
]
