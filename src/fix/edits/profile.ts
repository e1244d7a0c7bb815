import { posixQuoted, powershellQuoted } from '../../facts/shell-word.ts'
import type { Env } from '../../types.ts'
import { Refused } from '../refused.ts'
import { isSearchList } from './search-list.ts'
import { blockOf, linesOf, variable, withBlock } from './text.ts'

export type Shell = 'bash' | 'zsh' | 'sh' | 'fish' | 'powershell'

/** The shell of a login path such as /usr/bin/zsh; null = one whose language is not known here. */
export function shellOf(path: string): Shell | null {
  const name = path.replace(/\\/g, '/').split('/').at(-1)!.replace(/\.exe$/i, '').toLowerCase()
  if (name === 'bash' || name === 'zsh' || name === 'fish') return name
  if (name === 'pwsh' || name === 'powershell') return 'powershell'
  return ['sh', 'dash', 'ash', 'ksh', 'ksh93', 'mksh', 'busybox'].includes(name) ? 'sh' : null
}

/** The file an interactive shell reads, below the home folder. bash(1), zsh(1), fish(1), about_Profiles. */
export function profilePath(shell: Shell, home: string, env: Env): string {
  switch (shell) {
    case 'bash':
      return `${home}/.bashrc`
    case 'zsh':
      return `${env['ZDOTDIR'] || home}/.zshrc`
    case 'sh':
      return `${home}/.profile`
    case 'fish':
      return `${env['XDG_CONFIG_HOME'] || `${home}/.config`}/fish/config.fish`
    case 'powershell':
      return `${env['XDG_CONFIG_HOME'] || `${home}/.config`}/powershell/Microsoft.PowerShell_profile.ps1`
  }
}

/**
 * The profile with our marked block saying `set`. A list of folders is put in front of what the variable holds when the
 * shell starts, and only once, so that a shell inside a shell does not grow it.
 */
export function profile(set: Env, shell: Shell, before: string | null, file: string): string {
  const earlier = earlierOf(before, file)
  const wanted = { ...earlier, ...set }
  const inside = ['# Written by asr-doctor. What it wrote itself, "asr-doctor fix --undo" takes back.', ...Object.entries(wanted).flatMap(([name, value]) => statement(name, value, shell))]
  return withBlock(apart(before, shell, file), file, [`# set ${encodeURIComponent(JSON.stringify(wanted))}`, ...inside])
}

/** Our first line would go on the one before it where that ends in the shell's mark for it; an empty line between them ends it as the end of the file did. */
function apart(before: string | null, shell: Shell, file: string): string | null {
  const { lines, end, closed } = linesOf(before ?? '')
  if (end === '\r\n' && shell !== 'powershell') throw new Refused(`The lines of ${file} end as on Windows, and ${shell} takes the carriage returns for part of each command; take them out first (dos2unix).`)
  const at = blockOf(lines, file)
  const last = lines[(at?.from ?? lines.length) - 1] ?? ''
  const open = shell === 'powershell' ? last.endsWith('`') : /(?<!\\)(\\\\)*\\$/.test(last)
  if (!open || (at !== null && /^\s*#/.test(last))) return before
  if (at !== null) throw new Refused(`The line in ${file} before what asr-doctor wrote goes on in it; put an empty line between them.`)
  return `${before}${closed ? '' : end}${end}`
}

/** What an earlier run set, from the comment it left: our block is merged with it. */
function earlierOf(before: string | null, file: string): Env {
  const { lines } = linesOf(before ?? '')
  const at = blockOf(lines, file)
  const told = at === null ? undefined : /^# set (\S+)$/.exec(lines[at.from + 1] ?? '')?.[1]
  try {
    return told === undefined ? {} : (JSON.parse(decodeURIComponent(told)) as Env)
  } catch {
    return {}
  }
}

function statement(name: string, value: string, shell: Shell): readonly string[] {
  variable(name, value)
  const list = isSearchList(name)
  switch (shell) {
    case 'bash':
    case 'zsh':
    case 'sh':
      return (list ? posixList(name, value) : `export ${name}=${posixQuoted(value)}`).split('\n')
    case 'fish':
      return (list ? fishList(name, value) : `set -gx ${name} ${fishQuoted(value)}`).split('\n')
    case 'powershell':
      return (list ? powershellList(name, value) : `\${env:${name}} = ${powershellQuoted(value)}`).split('\n')
  }
}

const posixList = (name: string, value: string): string => `case ":\${${name}-}:" in
  *:${posixQuoted(value)}:*) ;;
  *) export ${name}=${posixQuoted(value)}"\${${name}:+:\${${name}}}" ;;
esac`

/** fish: only `\` and `'` mean something inside single quotes. */
const fishQuoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`

/** Variables whose names end in PATH are lists in fish, joined by colons for programs; others are one text. */
const fishList = (name: string, value: string): string => {
  const folders = value.split(':').filter(Boolean)
  if (!name.endsWith('PATH')) return `set -gx ${name} ${fishQuoted(value)}`
  return folders
    .reverse()
    .map((folder) => `contains -- ${fishQuoted(folder)} $${name}; or set -gx ${name} ${fishQuoted(folder)} $${name}`)
    .join('\n')
}

/** PowerShell 7 on Linux and macOS; on Windows the PATH in the registry is changed instead. */
const powershellList = (name: string, value: string): string =>
  `if (":\${env:${name}}:".IndexOf(':' + ${powershellQuoted(value)} + ':') -lt 0) { \${env:${name}} = ${powershellQuoted(value)} + $(if (\${env:${name}}) { ':' + \${env:${name}} }) }`
