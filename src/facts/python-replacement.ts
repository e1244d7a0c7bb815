import type { IdiomLine } from './source-scan.ts'

/**
 * The same line with every entry of `__path__` in place of the one folder, where the form is one of the well-known
 * ones; null = it must be rewritten by hand. A regular package has a `__path__` too, so the new line is right for both.
 * `os.pathsep` separates the entries: the line must have used `os` already, for an import cannot be added by one line.
 */
export function replacementOf({ text, module, attribute }: Pick<IdiomLine, 'text' | 'module' | 'attribute'>): string | null {
  const name = escaped(module)
  const folder = attribute === '__file__' ? `os\\.path\\.dirname\\(\\s*${name}\\.__file__\\s*\\)` : `${name}\\.__path__\\s*\\[\\s*0\\s*\\]|list\\(\\s*${name}\\.__path__\\s*\\)\\s*\\[\\s*0\\s*\\]`
  if (!/\bos\./.test(text.replace(new RegExp(folder, 'g'), attribute === '__file__' ? 'os.' : ''))) return null
  const joined = text
    .replace(new RegExp(`os\\.path\\.join\\(\\s*(?:${folder})\\s*,\\s*([^()]+?)\\s*\\)`, 'g'), (_all, rest: string) => `os.pathsep.join(os.path.join(p, ${rest}) for p in ${module}.__path__)`)
    .replace(new RegExp(folder, 'g'), `os.pathsep.join(${module}.__path__)`)
  const left = new RegExp(attribute === '__file__' ? `${name}\\.__file__` : `${name}\\.__path__\\s*\\[`).test(joined)
  // Only where the value is printed or strung together into a list of folders may it become several.
  const listed = /\bprint\s*\(/.test(text) || /pathsep/.test(text) || /['"][:;]['"]/.test(text) || /\bLD_LIBRARY_PATH\b/.test(text)
  return joined === text || left || !listed ? null : joined
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
