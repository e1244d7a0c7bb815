import { VOLATILE, type ConfiguredEnvironment } from '../facts/environment-configured.ts'
import type { Ask, Question } from '../host/host.ts'
import { NotRecorded } from '../host/replay.ts'
import { question } from '../question.ts'
import type { Env, Json } from '../types.ts'
import type { Restart } from './restarted.ts'

/** The environment the new process would be given; null = as it is. */
export function environAfter({ process, environment: { before, after }, pending }: Restart): Env | null {
  if (!process.environ.known || !after.known || !before.known) return null
  const [was, is] = [configuredOf(before.value), configuredOf(after.value)]
  const env: Record<string, string> = { ...process.environ.value }
  for (const name of Object.keys(was)) if (!(name in is)) delete env[name]
  for (const [name, value] of Object.entries(is)) if (!VOLATILE.has(name) && (pending || was[name] !== value)) env[name] = value
  return env
}

/** All of it where it is known, else what the unit's own lines and files set. */
function configuredOf({ env, settings, files }: ConfiguredEnvironment): Env {
  if (env.known) return env.value
  const fromFiles = files.flatMap(({ found }) => (found.known ? found.value.flatMap(({ variables }) => variables) : []))
  return Object.fromEntries([...settings, ...fromFiles].map(({ name, value }) => [name, value]))
}

export const namesThatDiffer = (a: Env, b: Env): readonly string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => a[name] !== b[name])

/** Other credentials: User=, Group=, SupplementaryGroups=. */
export function statusAfter({ context: { before, after } }: Restart): ((text: string) => string) | null {
  if (!before.known || !after.known) return null
  const [was, is] = [before.value, after.value]
  const added = is.groups.filter((gid) => !was.groups.includes(gid))
  const sameIds = was.uid === is.uid && was.gid === is.gid
  if (sameIds && added.length === 0) return null
  return (text) =>
    text
      .replace(/^Uid:.*$/m, (line) => (was.uid === is.uid ? line : `Uid:\t${Array(4).fill(is.uid).join('\t')}`))
      .replace(/^Gid:.*$/m, (line) => (was.gid === is.gid ? line : `Gid:\t${Array(4).fill(is.gid).join('\t')}`))
      .replace(/^Groups:(.*)$/m, (_, groups: string) => `Groups:\t${(sameIds ? [...new Set([...groups.trim().split(/\s+/).filter(Boolean), ...added.map(String)])] : is.groups).join(' ')} `)
}

/** Variables that can change what a program prints; a recorded machine is not asked again where none of them is among those that change. */
const HEEDS: Readonly<Record<string, RegExp>> = { pactl: /^(PULSE_|XDG_RUNTIME_DIR$|HOME$|DBUS_)/, arecord: /^(ALSA_|HOME$|PULSE_|XDG_RUNTIME_DIR$|LD_)/, test: /^$/, ldd: /^LD_/ }
export const heeds = (program: string, names: readonly string[]): boolean => names.some((name) => (HEEDS[program.split('/').at(-1)!] ?? /^(PYTHON|PATH$|HOME$|VIRTUAL_ENV$|CONDA_PREFIX$)/).test(name))

/** A program asked as the new process would be: another question than the one answered before. `names`: the variables that change; null = the credentials do. */
export async function inItsPlace(asked: Question, machine: Ask, causes: readonly string[], names: readonly string[] | null): Promise<Json> {
  const as = { ...asked.options!.as!, name: [asked.options!.as!.name, ...causes].join('+') }
  const [program, ...args] = asked.args
  const options = { ...asked.options, as }
  try {
    return await machine({ ...asked, key: question.run(program!, args, options), options })
  } catch (error) {
    if (!(error instanceof NotRecorded) || names === null || heeds(program!, names)) throw error
    return machine(asked)
  }
}
