/** POSIX paths as text. Nothing is looked up: `a/..` through a symbolic link is the kernel's business, so it is left alone. */

export const dirname = (path: string): string => {
  const trimmed = path.replace(/\/+$/, '')
  const at = trimmed.lastIndexOf('/')
  return at > 0 ? trimmed.slice(0, at) : at === 0 || path.startsWith('/') ? '/' : '.'
}

export const basename = (path: string): string => path.replace(/\/+$/, '').split('/').at(-1) ?? ''

export const join = (folder: string, ...names: readonly string[]): string => [folder.replace(/\/+$/, ''), ...names].join('/') || '/'

/** The path with `.` and `..` taken out as text; only for showing and for paths known to hold no links. */
export function normal(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (part !== '..' || !path.startsWith('/')) parts.push(part)
  }
  return (path.startsWith('/') ? '/' : '') + parts.join('/') || '.'
}

/** The folders above a path, the outermost first: /a/b/c has /, /a and /a/b. */
export const ancestors = (path: string): readonly string[] => {
  const parts = path.split('/').filter(Boolean)
  return parts.map((_, at) => `/${parts.slice(0, at).join('/')}`)
}

/**
 * Paths for people to read: those that differ in one part only are one, in the braces of a shell:
 * /venv/nvidia/{cublas,cudnn}/lib. What stands there can be pasted into bash.
 */
export function braced(paths: readonly string[]): readonly string[] {
  const [first, ...rest] = [...new Set(paths)]
  if (first === undefined) return []
  const parts = first.split('/')
  for (let at = parts.length - 1; at > 0; at--) {
    const alike = rest.filter((path) => {
      const others = path.split('/')
      return others.length === parts.length && others.every((part, i) => i === at || part === parts[i])
    })
    const names = [parts[at]!, ...alike.map((path) => path.split('/')[at]!)]
    if (alike.length === 0 || names.some((name) => /[{},\s]/.test(name))) continue
    return [parts.map((part, i) => (i === at ? `{${names.join(',')}}` : part)).join('/'), ...braced(rest.filter((path) => !alike.includes(path)))]
  }
  return [first, ...braced(rest)]
}
