/**
 * Takes out of a recorded machine what is nobody's business: secrets, and who and where its owner is. Every replacement
 * is one text for another everywhere, in questions and answers alike, so the redacted machine still answers itself.
 */
import type { Json } from '../types.ts'
import { IN_ADDRESS, isSecret, occurrences, secretsIn } from '../secrets.ts'
import type { Answer } from './replay.ts'

export interface Redacted {
  readonly answers: ReadonlyMap<string, Answer>
  /** One line for each thing removed: what kind, and the placeholder that stands for it. Never the thing itself. */
  readonly removed: readonly string[]
}

export interface Identities {
  readonly hostNames: readonly string[]
  readonly users: readonly string[]
}

interface Rule {
  readonly find: RegExp
  readonly by: string
}

export function redact(answers: ReadonlyMap<string, Answer>, who: Identities): Redacted {
  const removed: string[] = []
  const rules: Rule[] = []
  const texts = [...answers].flatMap(([key, answer]) => [key, ...('value' in answer ? stringsOf(answer.value) : [answer.because])])
  // systemd's own list of directives says what kind of value each takes: PassEnvironment=ENVIRON.
  const told = [...answers].flatMap(([key, answer]) => (key.includes('--dump-configuration-items') ? [] : [key, ...('value' in answer ? stringsOf(answer.value) : [answer.because])]))
  for (const secret of allSecrets(answers, told)) {
    const by = `<secret-${removed.length + 1}>`
    rules.push({ find: occurrences(secret), by })
    removed.push(`secret → ${by}`)
  }
  const inAddress = (text: string) => text.search(IN_ADDRESS) >= 0
  if (texts.some((text) => inAddress(text) && inAddress(rules.reduce((so, { find, by }) => so.replace(find, by), text)))) {
    rules.push({ find: IN_ADDRESS, by: '<secret>' })
    removed.push('password of an address → <secret>')
  }
  let n = 0
  for (const user of new Set([...who.users, ...texts.flatMap(homesIn)])) {
    const by = `user${++n}`
    rules.push(...nameRules(user, by))
    removed.push(`user name → ${by}`)
  }
  for (const host of new Set(who.hostNames.filter((name) => name.length > 1 && name !== 'localhost'))) {
    rules.push({ find: bounded(host), by: 'host1' })
    removed.push('host name → host1')
  }
  for (const { kind, find, by } of PATTERNS) {
    if (!texts.some((text) => new RegExp(find.source, find.flags.replace('g', '')).test(text))) continue
    rules.push({ find, by })
    removed.push(`${kind} → ${by}`)
  }
  const apply = (text: string) => rules.reduce((so, { find, by }) => so.replace(find, by), text)
  return {
    answers: new Map(
      [...answers].map(([key, answer]) => [apply(key), 'value' in answer ? { value: mapStrings(answer.value, apply) } : { because: apply(answer.because), how: answer.how === null ? null : apply(answer.how) }]),
    ),
    removed,
  }
}

/** Whoever has a home folder here is a person; accounts of the system live elsewhere. */
const homesIn = (text: string): readonly string[] => [...text.matchAll(/(?<![A-Za-z0-9_.-])\/(?:home|Users)\/([A-Za-z0-9._-]+)/g)].map(([, name]) => name!)

/** Things that are secret wherever they stand, known by their shape. */
const PATTERNS: readonly { readonly kind: string; readonly find: RegExp; readonly by: string }[] = [
  // user@1000.service, getty@tty1.service and the like are unit names, not people.
  { kind: 'mail address', find: /(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.(?!(?:service|socket|slice|scope|target|timer|path|mount|device|host)\b)[A-Za-z]{2,}\b/g, by: '<mail>' },
  { kind: 'GPU serial', find: /(?<=<serial>|"serial":"|"serial": ")[0-9]{6,}/g, by: '<serial>' },
  { kind: 'GPU id', find: /\b(?:GPU|MIG)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, by: 'GPU-00000000-0000-0000-0000-000000000000' },
  { kind: 'hardware address', find: /\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/gi, by: '00:00:00:00:00:00' },
]

function allSecrets(answers: ReadonlyMap<string, Answer>, texts: readonly string[]): readonly string[] {
  const secrets = new Set<string>()
  const consider = (name: string, value: string) => void (isSecret(name, value) && secrets.add(value))
  const environment = answers.get('environment')
  if (environment !== undefined && 'value' in environment && environment.value !== null) for (const [name, value] of Object.entries(environment.value as Record<string, string>)) consider(name, value)
  for (const text of texts) {
    for (const [, name, value] of text.matchAll(/"([A-Za-z_][A-Za-z0-9_-]{1,63})":\s*"([^"\n]+)"/g)) consider(name!.replace(/-/g, '_'), value!)
    for (const found of secretsIn(text)) secrets.add(found)
    // A line of source as JSON holds it.
    if (text.includes('\\"')) for (const found of secretsIn(text.replaceAll('\\"', '"'))) secrets.add(found)
  }
  // Longest first: a secret may hold another.
  return [...secrets].sort((a, b) => b.length - a.length)
}

/** A user's name where it can only mean the user; everywhere, when it is no ordinary word of this field. */
function nameRules(user: string, by: string): readonly Rule[] {
  const name = escaped(user)
  const places: Rule[] = [
    { find: new RegExp(`(?<=/(?:home|Users|var/home|var/lib/systemd/linger|run/media|media|var/mail|var/spool/mail)/)${name}(?=[/\\s\\0"':,;)<>]|$)`, 'gm'), by },
    { find: new RegExp(`(?<=(?:^|[\\s\\0"'])(?:User|USER|LOGNAME|USERNAME|SUDO_USER|MAIL|uid=\\d+\\(|gid=\\d+\\()=?)${name}(?![A-Za-z0-9_-])`, 'gm'), by },
    { find: new RegExp(`^${name}(?=:[^:\\n]*:\\d+:)`, 'gm'), by },
    { find: new RegExp(`(?<=[:,])${name}(?=,|$)`, 'gm'), by },
    // An argument of its own, as in `loginctl show-user NAME`.
    { find: new RegExp(`(?<=^run [^\\n]* )${name}(?= |$)`, 'gm'), by },
  ]
  const ordinary = user.length < 4 || ORDINARY.has(user.toLowerCase())
  return ordinary ? places : [...places, { find: bounded(user), by }]
}

const ORDINARY = new Set('user home root audio video render pulse python whisper asr speech service system daemon voice model node cuda nvidia admin ubuntu debian runner test speech-dispatcher parakeet sherpa linux local shell'.split(' '))

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const bounded = (text: string): RegExp => new RegExp(`(?<![A-Za-z0-9_])${escaped(text)}(?![A-Za-z0-9_])`, 'g')

function stringsOf(value: Json): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return (Array.isArray(value) ? (value as readonly Json[]) : Object.values(value)).flatMap(stringsOf)
}

function mapStrings(value: Json, apply: (text: string) => string): Json {
  if (typeof value === 'string') return apply(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return (value as readonly Json[]).map((each) => mapStrings(each, apply))
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [apply(name), mapStrings(each, apply)]))
}
