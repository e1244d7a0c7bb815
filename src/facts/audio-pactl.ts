import { known } from '../cannot-see.ts'
import { dirname } from '../paths.ts'
import { question } from '../question.ts'
import { quietEnv } from '../audio/place.ts'
import type { AddressState, Daemon, Reach } from '../audio/server-view.ts'
import { infoOf, shortSourcesOf, sourcesOf } from '../audio/sources.ts'
import type { Evidence, Host, Identity, Known, Output } from '../types.ts'

/** A daemon that is stopped takes the connection and never answers; pactl then waits for ever. A live one needs milliseconds. */
export const PACTL_LIMIT_MS = 2_500

export interface Asker {
  readonly identity: Omit<Identity, 'env'>
  readonly root: string
  readonly cookie: string | null
}

/** Asks the first server that answers among `addresses` for its sources. It starts none and writes nothing (see quietEnv). */
export async function askServer(host: Host, { identity, root, cookie }: Asker, addresses: readonly AddressState[]): Promise<Reach> {
  const sleeping = await asleep(host, root, addresses[0]!)
  if (sleeping !== null) return sleeping
  const options = { as: { ...identity, env: quietEnv(cookie) }, limitMs: PACTL_LIMIT_MS }
  const server = addresses.map(({ text }) => text).join(' ')
  const ask = async (...args: readonly string[]) => {
    const all = [`--server=${server}`, ...args]
    return { answer: await known(host.run('pactl', all, options)), source: question.run('pactl', all, options) }
  }
  const [list, info] = await Promise.all([ask('-f', 'json', 'list', 'sources'), ask('-f', 'json', 'info')])
  if (isOld(list.answer)) {
    const [plain, words] = await Promise.all([ask('list', 'short', 'sources'), ask('info')])
    return reachOf(host, root, addresses, plain, words, (text) => shortSourcesOf(text))
  }
  return reachOf(host, root, addresses, list, info, sourcesOf)
}

interface Asked {
  readonly answer: Known<Output | null>
  readonly source: string
}

/** pactl before 16.0 knows no `-f`. */
const isOld = (answer: Known<Output | null>): boolean => answer.known && answer.value !== null && /invalid option|unrecognized option/.test(answer.value.stderr)

async function reachOf(host: Host, root: string, addresses: readonly AddressState[], list: Asked, info: Asked, parse: typeof sourcesOf): Promise<Reach> {
  const { answer, source } = list
  if (!answer.known) {
    const afterMs = silentFor(answer.because)
    if (afterMs === null) return { kind: 'unknown', because: answer.because, how: answer.how }
    const daemon = await daemonBehind(host, root, addresses[0]!)
    return { kind: 'silent', afterMs, daemon, evidence: [{ source, saw: answer.because }, ...(daemon ? [{ source: daemon.source, saw: `State: ${daemon.state}, Name: ${daemon.name}` }] : [])] }
  }
  const output = answer.value
  if (output === null) return { kind: 'unknown', because: 'There is no pactl on this machine, so its sound server cannot be asked.', how: 'Install pulseaudio-utils (on some distributions libpulse or pulseaudio has it).' }
  if (output.code === 0) {
    const sources = parse(output.stdout)
    const about = info.answer.known && info.answer.value?.code === 0 ? infoOf(info.answer.value.stdout) : null
    if (sources !== null && about !== null) return { kind: 'answered', info: about, sources, source, infoSource: info.source }
    return { kind: 'unknown', because: 'The sound server answered, but its answer could not be understood.', how: 'Run pactl -f json list sources by hand.' }
  }
  const words = output.stderr.trim().split('\n').find((line) => /^(Connection failure|pa_context)/.test(line)) ?? output.stderr.trim().split('\n')[0] ?? ''
  const evidence: readonly Evidence[] = [{ source, saw: words }]
  if (/Access denied/.test(words)) return { kind: 'denied', evidence }
  if (/Connection refused|Connection terminated|Host not found|No such entity|Timeout|Protocol error|Invalid server/i.test(words)) return { kind: 'refused', evidence }
  return { kind: 'unknown', because: `pactl ended with ${output.code ?? output.signal}: ${words}`, how: 'Run the same pactl command as the user of the service.' }
}

/** The time a program was really given, in ms; null when it was not silence, or when the whole run ended before its own limit. */
function silentFor(because: string): number | null {
  const seconds = /gave no answer within ([\d.]+) s/.exec(because)?.[1]
  const ms = seconds === undefined ? 0 : Number(seconds) * 1000
  return ms >= PACTL_LIMIT_MS ? ms : null
}

/** PulseAudio and pipewire-pulse both leave their process id beside the socket. */
async function daemonBehind(host: Host, root: string, { path }: AddressState): Promise<Daemon | null> {
  if (path === null) return null
  const pidFile = await known(host.read(`${root}${dirname(path)}/pid`))
  const pid = pidFile.known ? Number.parseInt(pidFile.value ?? '', 10) : Number.NaN
  if (!(pid > 0)) return null
  const status = await known(host.read(`/proc/${pid}/status`))
  const field = (name: string) => (status.known ? new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status.value ?? '')?.[1] : undefined)
  const name = field('Name')
  return name !== undefined && /pulse|pipewire/.test(name) ? { pid, name, state: field('State') ?? '?', source: question.read(`/proc/${pid}/status`) } : null
}

/**
 * A user's socket with nobody behind it but his service manager: pulseaudio.socket and pipewire-pulse.socket start their
 * daemon for the first client. Connecting would start it, so it is left alone.
 */
async function asleep(host: Host, root: string, address: AddressState): Promise<Reach | null> {
  if (address.path === null || !/^\/(var\/)?run\/user\/\d+\/pulse\/native$/.test(address.path)) return null
  if ((await daemonBehind(host, root, address)) !== null) return null
  const sockets = await known(host.read('/proc/net/unix'))
  const listens = sockets.known && (sockets.value ?? '').split('\n').some((line) => line.endsWith(` ${address.path}`) && line.split(/\s+/)[3] === '00010000')
  if (!listens) return null
  return {
    kind: 'asleep',
    because: `The sound server behind ${address.path} is not running now; its socket starts it for the first client, and this check starts nothing.`,
    how: 'Start it (pactl info as its user does) and run the check again.',
  }
}
