import { known } from '../cannot-see.ts'
import { question } from '../question.ts'
import { clientConfOf, type ClientConf } from '../audio/client-conf.ts'
import { homeOf, nameOf } from '../audio/passwd.ts'
import { quietEnv, type Place } from '../audio/place.ts'
import { addressesOf, type PulseAddress } from '../audio/pulse-address.ts'
import type { AddressState, Reach, ServerView } from '../audio/server-view.ts'
import type { Env, Host, Known, Stat } from '../types.ts'
import { askServer } from './audio-pactl.ts'

/** The sound server that libpulse would find in this place with this environment. `name` stands in the questions. */
export async function serverView(host: Host, place: Place, env: Env, envSource: string, name: string): Promise<ServerView> {
  const passwd = await quietly(host.read('/etc/passwd'))
  const home = env['HOME'] ?? homeOf(passwd, place.uid)
  const config = env['XDG_CONFIG_HOME'] ?? (home === null ? null : `${home}/.config`)
  const [conf, runtime, homeRuntime] = await Promise.all([
    clientConf(host, place.root, env, config),
    env['XDG_RUNTIME_DIR'] ? quietly(host.stat(`${place.root}${env['XDG_RUNTIME_DIR']}`)) : null,
    env['XDG_RUNTIME_DIR'] || env['PULSE_RUNTIME_PATH'] || config === null ? null : runtimeOfOld(host, place.root, config),
  ])
  const found = addressesOf({
    env, envSource, uid: place.uid, homeRuntime, runtimeOwner: runtime?.uid ?? null,
    defaultServer: conf.value.defaultServer === null ? null : { value: conf.value.defaultServer, source: conf.source },
  })
  const asker = {
    identity: { name, uid: place.uid, gid: place.gid, groups: place.groups, namespaceOf: place.namespaceOf, cwd: '/' },
    root: place.root,
    cookie: await cookieFile(host, place.root, env, conf.value, config, home),
  }
  const addresses = await Promise.all(found.list.map((address) => stateOf(host, place, address, name)))
  const open = addresses.filter(({ state }) => state === 'socket' || state === 'remote' || state === 'unseen')
  const daemon = found.explicit || place.uid === 0 || conf.value.autospawn === false ? null : await quietly(host.stat(`${place.root}/usr/bin/pulseaudio`))
  const starts = conf.value.autospawn === true && daemon !== null && env['XDG_RUNTIME_DIR'] !== undefined && found.foreignRuntime === null
  const reach: Reach = open.length > 0 ? await askServer(host, asker, open)
    : starts ? { kind: 'asleep', because: `No sound server runs at ${addresses[0]!.text}; libpulse would start one (autospawn = yes), and this check starts nothing.`, how: 'Start it (pactl info as its user does) and run the check again.' }
    : { kind: 'refused', evidence: [] }
  return {
    uid: place.uid, user: nameOf(passwd, place.uid), addresses, explicit: found.explicit, foreignRuntime: found.foreignRuntime,
    runtimeDir: env['XDG_RUNTIME_DIR'] ?? null, envSource, mayAutospawn: daemon !== null, display: Boolean(env['DISPLAY']), pipewire: await pipewireSocket(host, place.root, env), reach,
  }
}

/** $PIPEWIRE_RUNTIME_DIR, else $XDG_RUNTIME_DIR; PIPEWIRE_REMOTE names the socket in it (pipewire(1)). */
async function pipewireSocket(host: Host, root: string, env: Env): Promise<boolean> {
  const folder = env['PIPEWIRE_RUNTIME_DIR'] ?? env['XDG_RUNTIME_DIR']
  if (!folder) return false
  return (await quietly(host.stat(`${root}${folder}/${env['PIPEWIRE_REMOTE'] || 'pipewire-0'}`)))?.type === 'socket'
}

/** What may not be looked at is taken as not there: the server's own answer decides. */
const quietly = async <T>(answer: Promise<T>): Promise<T | null> => {
  const seen = await known(answer)
  return seen.known ? seen.value : null
}

/** The user's file stands in place of the system's, and each has a folder of additions (pulse-client.conf(5)). */
async function clientConf(host: Host, root: string, env: Env, config: string | null): Promise<{ value: ClientConf; source: string }> {
  const files = env['PULSE_CLIENTCONFIG'] ? [env['PULSE_CLIENTCONFIG']] : [...(config === null ? [] : [`${config}/pulse/client.conf`]), '/etc/pulse/client.conf']
  for (const file of files.map((path) => `${root}${path}`)) {
    const text = await quietly(host.read(file))
    if (text === null) continue
    const names = ((await quietly(host.list(`${file}.d`))) ?? []).filter((each) => each.endsWith('.conf'))
    const more = await Promise.all(names.map((each) => quietly(host.read(`${file}.d/${each}`))))
    const at = more.findLastIndex((each) => each !== null && clientConfOf([each]).defaultServer !== null)
    return { value: clientConfOf([text, ...more.map((each) => each ?? '')]), source: question.read(at < 0 ? file : `${file}.d/${names[at]}`) }
  }
  return { value: clientConfOf([]), source: question.read(`${root}${files.at(-1)}`) }
}

async function runtimeOfOld(host: Host, root: string, config: string): Promise<{ path: string; source: string } | null> {
  const machine = (await quietly(host.read('/etc/machine-id')))?.trim()
  const link = `${config}/pulse/${machine}-runtime`
  const path = await quietly(host.realpath(`${root}${link}`))
  return path === null ? null : { path: path.slice(root.length), source: question.realpath(`${root}${link}`) }
}

/** A file too short for a cookie would be filled by libpulse, so it counts as none. */
async function cookieFile(host: Host, root: string, env: Env, conf: ClientConf, config: string | null, home: string | null): Promise<string | null> {
  const files = [env['PULSE_COOKIE'], conf.cookieFile, config === null ? null : `${config}/pulse/cookie`, home === null ? null : `${home}/.pulse-cookie`]
  for (const path of files) {
    if (!path?.startsWith('/')) continue
    const stat = await quietly(host.stat(`${root}${path}`))
    if (stat?.type === 'file' && stat.sizeBytes >= 256) return path
  }
  return null
}

async function stateOf(host: Host, place: Place, address: PulseAddress, name: string): Promise<AddressState> {
  const { path } = address
  if (path === null) {
    const named = { source: address.source ?? question.environment(), saw: address.text }
    return { ...address, owner: null, state: /[$%{}]/.test(address.text) ? 'malformed' : 'remote', evidence: named }
  }
  const there = `${place.root}${path}`
  const source = question.stat(there)
  const seen: Known<Stat | null> = await known(host.stat(there))
  if (!seen.known) {
    // Who asks in his own name and may not look is himself refused.
    const own = (await host.caller()).uid === place.uid
    return { ...address, owner: null, state: own ? 'closed' : 'unseen', evidence: { source, saw: seen.because } }
  }
  const stat = seen.value
  if (stat === null) {
    const outside = place.root === '' ? null : await quietly(host.stat(path))
    if (outside?.type === 'socket') return { ...address, owner: outside.uid, state: 'hidden', evidence: { source, saw: 'absent' } }
    return { ...address, owner: null, state: 'absent', evidence: { source, saw: 'absent' } }
  }
  const saw = `${stat.type}, mode ${stat.mode.toString(8)}, uid ${stat.uid}`
  if (stat.type !== 'socket') return { ...address, owner: stat.uid, state: 'no-socket', evidence: { source, saw } }
  if (place.uid !== 0 && place.uid !== stat.uid) {
    // test(1) asks access(2) in the service's place: it knows of folders, lists and capabilities what mode bits do not tell.
    const options = { as: { name, uid: place.uid, gid: place.gid, groups: place.groups, namespaceOf: place.namespaceOf, cwd: '/', env: quietEnv(null) } }
    const tried = await known(host.run('test', ['-w', path], options))
    if (tried.known && tried.value?.code === 1) {
      return { ...address, owner: stat.uid, state: 'closed', evidence: { source: question.run('test', ['-w', path], options), saw: `exit 1: uid ${place.uid} may not connect; ${saw}` } }
    }
  }
  return { ...address, owner: stat.uid, state: 'socket', evidence: { source, saw } }
}
