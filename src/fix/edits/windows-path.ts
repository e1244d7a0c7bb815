import { powershellQuoted } from '../../facts/shell-word.ts'
import type { Change, Env } from '../../types.ts'
import { Refused } from '../refused.ts'
import { writable } from './text.ts'

/** A value of the registry: what it holds, and of which type it is. */
export interface RegistryText {
  readonly type: 'REG_SZ' | 'REG_EXPAND_SZ'
  readonly data: string
}

/** The registry's values of PATH, as the target of a change. */
export const PATH_VALUE = { user: 'HKCU\\Environment\\Path', machine: 'HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment\\Path' } as const

/** The script for a change of such a value; null = the change is one of a file. */
export function scriptFor({ target, before, after }: Change): string | null {
  const hive = target === PATH_VALUE.user ? 'user' : target === PATH_VALUE.machine ? 'machine' : null
  return hive === null || after === null ? null : windowsPathScript(hive, before === null ? null : registryTextOf(before), registryTextOf(after))
}

/** The variable of a program that is started afterwards, in whatever case it is spelt. */
export function withPath(add: readonly string[], env: Env): Env {
  const name = Object.keys(env).find((each) => each.toLowerCase() === 'path') ?? 'Path'
  return { ...env, [name]: windowsPath(add.map((folder) => expanded(folder, env)), { type: 'REG_EXPAND_SZ', data: env[name] ?? '' }, env).data }
}

/** One environment variable takes no more (SetEnvironmentVariable, Remarks). setx.exe would cut at 1,024, so it is never used. */
const MAX_CHARACTERS = 32_767

/** As a Change carries it: the type, a blank, the data. */
export const registryText = ({ type, data }: RegistryText): string => `${type} ${data}`

export function registryTextOf(text: string): RegistryText {
  const [, type, data] = /^(REG_SZ|REG_EXPAND_SZ) (.*)$/s.exec(text) ?? []
  if (type === undefined) throw new Refused('The registry value of PATH is neither REG_SZ nor REG_EXPAND_SZ.')
  return { type: type as RegistryText['type'], data: data! }
}

/**
 * PATH with the folders in front that are not on it yet. What stands there stays letter for letter: its type,
 * %VARIABLES%, quotes, empty elements, order. Folders are compared as Windows does, without regard to case.
 */
export function windowsPath(add: readonly string[], before: RegistryText | null, env: Env = {}): RegistryText {
  const old = before ?? { type: 'REG_EXPAND_SZ', data: '' }
  const there = new Set(elementsOf(old.data).flatMap((element) => [same(element), same(expanded(element, env))]))
  const fresh: string[] = []
  for (const folder of add) {
    writable(folder, 'A folder for PATH')
    if (/[;"\u0000-\u001f<>|?*]/.test(folder)) throw new Refused(`${JSON.stringify(folder)} cannot stand on PATH: it holds a character that no folder on Windows may have, or the separator.`)
    if (!/^(?:[A-Za-z]:[\\/]|\\\\|%[^%]+%)/.test(folder)) throw new Refused(`${JSON.stringify(folder)} is no absolute folder of Windows.`)
    if (old.type === 'REG_SZ' && folder.includes('%')) throw new Refused(`PATH is a REG_SZ here, in which ${folder} would not be expanded.`)
    if (there.has(same(folder)) || there.has(same(expanded(folder, env)))) continue
    there.add(same(folder))
    fresh.push(folder)
  }
  if (fresh.length === 0) return old
  const data = [...fresh, ...(old.data === '' ? [] : [old.data])].join(';')
  if (data.length > MAX_CHARACTERS) throw new Refused(`PATH would be ${data.length} characters long; Windows takes ${MAX_CHARACTERS}.`)
  return { type: old.type, data }
}

/** A semicolon inside double quotes belongs to the folder. */
function elementsOf(data: string): readonly string[] {
  return [...data.matchAll(/(?:"[^"]*"?|[^;"])+/g)].map(([element]) => element)
}

const same = (folder: string): string => folder.replace(/"/g, '').trim().replace(/\//g, '\\').replace(/(?<=[^:\\])\\+$/, '').toLowerCase()

function expanded(folder: string, env: Env): string {
  const names = new Map(Object.entries(env).map(([name, value]) => [name.toLowerCase(), value]))
  return folder.replace(/%([^%]+)%/g, (all, name: string) => names.get(name.toLowerCase()) ?? all)
}

/**
 * PowerShell that writes the value with its type and tells the running programs. [Environment]::SetEnvironmentVariable
 * would do the telling, but makes every PATH a REG_SZ and so kills its %VARIABLES%.
 */
export function windowsPathScript(hive: 'user' | 'machine', before: RegistryText | null, after: RegistryText): string {
  const key = hive === 'user' ? "[Microsoft.Win32.Registry]::CurrentUser.OpenSubKey('Environment', $true)" : "[Microsoft.Win32.Registry]::LocalMachine.OpenSubKey('SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment', $true)"
  const kind = after.type === 'REG_EXPAND_SZ' ? 'ExpandString' : 'String'
  return `$ErrorActionPreference = 'Stop'
$key = ${key}
$now = $key.GetValue('Path', $null, [Microsoft.Win32.RegistryValueOptions]::DoNotExpandEnvironmentNames)
if ($now -cne ${before === null ? '$null' : powershellQuoted(before.data)}) { throw 'PATH was changed since it was examined; nothing was written.' }
$key.SetValue('Path', ${powershellQuoted(after.data)}, [Microsoft.Win32.RegistryValueKind]::${kind})
$key.Close()
Add-Type -Namespace AsrDoctor -Name Native -MemberDefinition '[DllImport("user32.dll", CharSet = CharSet.Unicode, SetLastError = true)] public static extern IntPtr SendMessageTimeout(IntPtr window, uint message, UIntPtr w, string l, uint flags, uint timeout, out UIntPtr result);'
$result = [UIntPtr]::Zero
[void][AsrDoctor.Native]::SendMessageTimeout([IntPtr]0xffff, 0x1A, [UIntPtr]::Zero, 'Environment', 2, 5000, [ref]$result)
`
}
