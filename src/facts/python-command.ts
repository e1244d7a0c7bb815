/** Pure readers of command lines: which word is the interpreter, what is it told to run, and with which of its own options. */
import { basename } from '../paths.ts'

/** `python3.11`, `python3.13t`, `pypy3`, and Nix's `.python3.11-wrapped`; not `python3-config`, not `pythonw.exe`. */
export const isPython = (path: string): boolean => /^\.?(python|pypy)(\d+(\.\d+)*)?[a-z]?(-wrapped)?$/.test(basename(path))

export const isShell = (path: string): boolean => /^(ba|da|a|z|k|mk|fi|busybox.)?sh$/.test(basename(path)) || basename(path) === 'busybox'

/** Programs whose work is to choose and start another program. */
export const isLauncher = (path: string): boolean => /^(uv|uvx|poetry|pipenv|pdm|hatch|rye|conda|mamba|micromamba|pixi|direnv|nix-shell)$/.test(basename(path))

export type PythonStart =
  | { readonly kind: 'script'; readonly path: string }
  | { readonly kind: 'module'; readonly name: string }
  | { readonly kind: 'command' }

export interface PythonCommand {
  /** Of the interpreter's own options those that change where it looks for packages: -I -E -s -S -P, in that spelling. */
  readonly flags: readonly string[]
  /** null = it reads standard input, or nothing is told of it. */
  readonly start: PythonStart | null
}

/** `words` without the interpreter itself. Options after Python/getopt.c: c and m take the rest, W and X one argument. */
export function pythonCommandOf(words: readonly string[]): PythonCommand {
  const flags = new Set<string>()
  const done = (start: PythonStart | null): PythonCommand => ({ flags: [...flags].sort(), start })
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]!
    if (word === '--') return done(words[at + 1] === undefined ? null : { kind: 'script', path: words[at + 1]! })
    if (word === '--check-hash-based-pycs') at += 1
    if (word.startsWith('--')) continue
    if (word === '-' || word === '') return done(null)
    if (!word.startsWith('-')) return done({ kind: 'script', path: word })
    for (let letter = 1; letter < word.length; letter += 1) {
      const option = word[letter]!
      if (option === 'c') return done({ kind: 'command' })
      const rest = word.slice(letter + 1)
      if (option === 'm') return done({ kind: 'module', name: rest || words[at + 1] || '' })
      if (option === 'W' || option === 'X') {
        if (rest === '') at += 1
        break
      }
      if ('IEsSP'.includes(option)) flags.add(`-${option}`)
    }
  }
  return done(null)
}

/**
 * The command of a script's first line, or null. `#!/bin/sh` followed by `'''exec' PYTHON "$0" "$@"` is what pip and
 * uv write when the path is too long or holds a blank (pip's distlib, scripts.py).
 */
export function shebangOf(text: string): readonly string[] | null {
  const [first = '', second = ''] = text.split('\n', 2)
  if (!first.startsWith('#!')) return null
  const trampoline = /^'''exec' +(?:"([^"]+)"|(\S+)) +((?:-\S+ +)*)"\$0" "\$@"/.exec(second)
  if (trampoline) return [(trampoline[1] ?? trampoline[2])!, ...trampoline[3]!.split(' ').filter(Boolean)]
  return first.slice(2).trim().split(/\s+/).filter(Boolean)
}

/** What env(1) would start: its own options and NAME=value words are passed over, `-S` splits. */
export function envCommandOf(words: readonly string[]): readonly string[] {
  const left = [...words]
  while (left.length > 0) {
    const word = left[0]!
    if (/^(-[uC]|--unset|--chdir)$/.test(word)) left.splice(0, 2)
    else if (/^(-S|--split-string)$/.test(word)) left.splice(0, 2, ...(left[1] ?? '').trim().split(/\s+/))
    else if (/^-[a-zA-Z0]*S./.test(word)) left.splice(0, 1, ...word.replace(/^-[a-zA-Z0]*S=?/, '').trim().split(/\s+/))
    else if (word.startsWith('-') || /^[A-Za-z_]\w*=/.test(word)) left.shift()
    else break
  }
  return left
}

/** The absolute path of a Python that stands as a word of a shell command. null = none, or several different ones. */
export function pythonInShellText(text: string): string | null {
  const found = new Set([...text.matchAll(/(?<![\w./=-])(\/[^\s'"`;|&()$<>]+)/g)].map((m) => m[1]!).filter(isPython))
  return found.size === 1 ? [...found][0]! : null
}

/** The programs of a unit's ExecStart as `systemctl show` prints it: `{ path=… ; argv[]=… ; ignore_errors=… }` a line. */
export const execStartOf = (property: string): readonly { readonly path: string; readonly argv: readonly string[] }[] =>
  [...property.matchAll(/\{ path=(.*?) ; argv\[\]=(.*?) ; ignore_errors=/g)].map((m) => ({ path: m[1]!, argv: m[2]!.split(' ') }))
