import { assignmentsOf } from '../systemd/unit-file.ts'
import { wordsOf } from '../systemd/words.ts'
import { expanded } from '../systemd/specifiers.ts'
import { yamlText } from '../facts/yaml.ts'
import { dirname } from '../paths.ts'
import { unifiedDiff } from './diff.ts'
import type { PlannedChange } from './draft.ts'
import { Refused } from './refused.ts'
import type { Step } from './steps.ts'
import { isList } from './systemd-text.ts'

/** The same change for those who keep their machines another way. */
export interface Recipe {
  readonly changes: readonly PlannedChange[]
  readonly steps: readonly Step[]
}

export const formats = {
  /** For patch(1) or git apply: `patch -p1 -d / < FILE`. */
  patch: ({ changes }: Recipe): string => changes.map(({ target, before, after }) => unifiedDiff(target, before, after)).join(''),
  sh,
  ansible,
  dockerfile,
  nix,
} satisfies Record<string, (recipe: Recipe) => string>

export type Format = keyof typeof formats

/** POSIX single quotes. */
const quoted = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`

/** A script that writes what the plan writes, and only over what the plan saw. */
function sh({ changes, steps }: Recipe): string {
  const parts = changes.map(({ target, before, after }) => {
    const file = quoted(target)
    const guard = before === null
      ? `if [ -e ${file} ]; then echo ${quoted(`${target} is there already; nothing was written.`)} >&2; exit 1; fi`
      : `if [ "$(cat -- ${file}; echo x)" != ${quoted(`${before}x`)} ]; then echo ${quoted(`${target} is not as it was examined; nothing was written.`)} >&2; exit 1; fi`
    if (after === null) return { guard, write: `rm -- ${file}` }
    const made = before === null ? `mkdir -p -- ${quoted(dirname(target))}\n` : ''
    // Beside it and renamed, so that nobody reads half of it; cp -p keeps its owner and mode.
    return { guard, write: `${made}temp=$(mktemp ${quoted(`${dirname(target)}/.asr-doctor.XXXXXX`)})\n${before === null ? 'chmod 644 "$temp"' : `cp -p -- ${file} "$temp"`}\nprintf %s ${quoted(after)} >"$temp"\nmv -f -- "$temp" ${file}` }
  })
  const commands = steps.map(({ words, command }) => (command === null ? comment(words) : command.map((word) => (/^[A-Za-z0-9_@:./=+-]+$/.test(word) ? word : quoted(word))).join(' ')))
  return `${['#!/bin/sh', 'set -eu', ...parts.map(({ guard }) => guard), ...parts.map(({ write }) => write), ...commands].join('\n')}\n`
}

/** Jinja marks in the text are kept from being read as such. */
const yaml = (text: string): string => `${/\{[{%#]/.test(text) ? '!unsafe ' : ''}${yamlText(text)}`

/** One line, in every language that has # for comments. */
const comment = (text: string): string => `# ${text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]+/g, ' ').trim()}`

function ansible({ changes, steps }: Recipe): string {
  const tasks = changes.flatMap(({ target, before, after }, at) => {
    const register = `\n  register: asr_doctor_${at}`
    if (after === null) return [`- name: ${yaml(`Remove ${target}`)}\n  ansible.builtin.file:\n    path: ${yaml(target)}\n    state: absent${register}`]
    const folder = before === null ? [`- name: ${yaml(`Folder of ${target}`)}\n  ansible.builtin.file:\n    path: ${yaml(dirname(target))}\n    state: directory`] : []
    return [...folder, `- name: ${yaml(`Write ${target}`)}\n  ansible.builtin.copy:\n    dest: ${yaml(target)}\n    content: ${yaml(after)}\n    mode: ${before === null ? '"0644"' : 'preserve'}`.replace('\n    mode: preserve', '') + register]
  })
  // A list of tasks cannot hold handlers, so each step looks whether there is anything to make effective: a service is not to be restarted by every play.
  const changed = changes.map((_, at) => `asr_doctor_${at} is changed`).join(' or ')
  const after = steps.map(({ words, command }) => (command === null ? comment(words) : `- name: ${yaml(words)}\n  ansible.builtin.command:\n    argv: [${command.map(yaml).join(', ')}]\n  when: ${changed}`))
  return `${[...tasks, ...after].join('\n')}\n`
}

interface Meant {
  readonly environment: readonly (readonly [string, string])[]
  readonly settings: readonly { readonly section: string; readonly key: string; readonly value: string }[]
  readonly unit: string
}

/** What a drop-in of ours says, as data again. */
function meant(changes: readonly PlannedChange[]): readonly Meant[] {
  return changes.flatMap(({ target, after, unit }) => {
    if (unit === null || after === null || !target.endsWith('asr-doctor.conf')) return []
    const all = assignmentsOf(after, target)
    const words = all.filter(({ key }) => key === 'Environment').flatMap(({ value }) => wordsOf(value).words.map((word) => expanded(word, {}) ?? word))
    return [{ unit, environment: words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] as const), settings: all.filter(({ key }) => key !== 'Environment').map(({ section, key, value }) => ({ section: section ?? '', key, value })) }]
  })
}

const others = (changes: readonly PlannedChange[]): readonly string[] => changes.filter(({ target }) => !target.endsWith('asr-doctor.conf')).map(({ target }) => comment(`${target} changes too; the patch format shows how.`))

const RUN_OPTIONS: Readonly<Record<string, (value: string) => string>> = {
  CPUQuota: (value) => (value === '' ? 'no --cpus' : `--cpus=${Number.parseFloat(value) / 100}`),
  MemoryMax: (value) => (value === '' || value === 'infinity' ? 'no --memory' : `--memory=${value.toLowerCase()}`),
  DeviceAllow: (value) => `--device=${value.split(' ')[0]}`,
  SupplementaryGroups: (value) => `--group-add=${value}`,
}

/** An image holds the environment; limits and devices belong to docker run, and are told as such. */
function dockerfile({ changes }: Recipe): string {
  const lines = meant(changes).flatMap(({ environment, settings }) => [
    ...environment.map(([name, value]) => {
      if (/[\n\r]/.test(value)) throw new Refused(`The value of ${name} has several lines, which ENV in a Dockerfile cannot hold.`)
      return `ENV ${name}="${value.replace(/["\\$]/g, '\\$&')}"`
    }),
    ...settings.map(({ key, value }) => `# ${RUN_OPTIONS[key] ? `docker run ${RUN_OPTIONS[key](value)}` : `no counterpart in an image: ${key}=${value}`}`),
  ])
  return `${[...lines, ...others(changes)].join('\n')}\n`
}

/** Strings of Nix: `${` and quotes are escaped. */
const nixText = (text: string): string => `"${text.replace(/["\\]/g, '\\$&').replace(/\$\{/g, '\\${').replace(/\n/g, '\\n').replace(/\t/g, '\\t').replace(/\r/g, '\\r')}"`

/** Options of NixOS with names of their own. */
const NIX_LISTS: Readonly<Record<string, string>> = { After: 'after', Before: 'before', Wants: 'wants', Requires: 'requires', BindsTo: 'bindsTo', PartOf: 'partOf' }

function nix({ changes }: Recipe): string {
  const services = meant(changes).map(({ unit, environment, settings }) => {
    const scope = changes.some((change) => change.unit === unit && !change.target.startsWith('/etc/systemd/system/')) ? 'systemd.user.services' : 'systemd.services'
    const lines = [
      ...environment.map(([name, value]) => `  environment.${name} = lib.mkForce ${nixText(value)};`),
      ...[...new Set(settings.map(({ section, key }) => `${section}.${key}`))].map((place) => {
        const of = settings.filter(({ section, key }) => `${section}.${key}` === place)
        const { section, key } = of[0]!
        const values = of.map(({ value }) => nixText(value))
        // Lists add up; one value takes the place of another.
        if (section === 'Unit' && NIX_LISTS[key] !== undefined) return `  ${NIX_LISTS[key]} = [ ${values.join(' ')} ];`
        return `  ${section === 'Unit' ? 'unitConfig' : 'serviceConfig'}.${key} = ${isList(key) ? `[ ${values.join(' ')} ]` : `lib.mkForce ${values.at(-1)}`};`
      }),
    ]
    return `${scope}.${nixText(unit.replace(/\.service$/, ''))} = {\n${lines.join('\n')}\n};`
  })
  return `${[...services, ...others(changes)].join('\n')}\n`
}
