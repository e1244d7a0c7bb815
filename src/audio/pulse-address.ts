import type { Env } from '../types.ts'

/** One place where a client will look for its sound server. */
export interface PulseAddress {
  /** As libpulse takes it after `--server=`. */
  readonly text: string
  /** The file of a local socket; null = a host on the network, or no address at all. */
  readonly path: string | null
  /** What names it. */
  readonly from: 'PULSE_SERVER' | 'client.conf' | 'PULSE_RUNTIME_PATH' | 'XDG_RUNTIME_DIR' | 'home' | 'system'
  /** The question that shows this setting, for evidence; null for a place that is built in. */
  readonly source: string | null
}

export interface Lookup {
  readonly env: Env
  readonly envSource: string
  readonly uid: number
  readonly defaultServer: { readonly value: string; readonly source: string } | null
  /** Owner of the folder that XDG_RUNTIME_DIR names; null = no such folder, or it cannot be seen. */
  readonly runtimeOwner: number | null
  /** Where `~/.config/pulse/MACHINE-runtime` leads: the place of old, used when nothing names a runtime folder. */
  readonly homeRuntime: { readonly path: string; readonly source: string } | null
}

export interface Addresses {
  readonly list: readonly PulseAddress[]
  /** One was set by hand; then libpulse tries no other and starts no server by itself. */
  readonly explicit: boolean
  /** XDG_RUNTIME_DIR names a folder of somebody else: libpulse says so and does not look into it. */
  readonly foreignRuntime: { readonly path: string; readonly owner: number } | null
}

/**
 * The order of libpulse: PULSE_SERVER, default-server of client.conf, then the user's own runtime folder and the
 * system-wide one (pulse-client.conf(5); src/pulse/context.c and src/pulsecore/core-util.c of PulseAudio 16.1). What an X11
 * server may say (module-x11-publish) is not known here.
 */
export function addressesOf({ env, envSource, uid, defaultServer, runtimeOwner, homeRuntime }: Lookup): Addresses {
  const given = env['PULSE_SERVER'] ? { value: env['PULSE_SERVER'], source: envSource, from: 'PULSE_SERVER' as const }
    : defaultServer ? { ...defaultServer, from: 'client.conf' as const } : null
  if (given !== null) {
    const list = given.value.split(/\s+/).filter(Boolean).map((text): PulseAddress => ({ ...addressOf(text), from: given.from, source: given.source }))
    return { list, explicit: true, foreignRuntime: null }
  }
  const socket = (path: string, from: PulseAddress['from'], source: string | null): PulseAddress => ({ text: `unix:${path}`, path, from, source })
  const system = socket('/var/run/pulse/native', 'system', null)
  if (env['PULSE_RUNTIME_PATH']) return { list: [socket(`${env['PULSE_RUNTIME_PATH']}/native`, 'PULSE_RUNTIME_PATH', envSource), system], explicit: false, foreignRuntime: null }
  const runtime = env['XDG_RUNTIME_DIR']
  if (runtime) {
    if (runtimeOwner !== null && runtimeOwner !== uid) return { list: [system], explicit: false, foreignRuntime: { path: runtime, owner: runtimeOwner } }
    return { list: [socket(`${runtime}/pulse/native`, 'XDG_RUNTIME_DIR', envSource), system], explicit: false, foreignRuntime: null }
  }
  const home = homeRuntime === null ? [] : [socket(`${homeRuntime.path}/native`, 'home', homeRuntime.source)]
  return { list: [...home, system], explicit: false, foreignRuntime: null }
}

/** `/path`, `unix:/path`, `tcp:host:port`, `host`; a `{machine}` in front limits it to that machine (pa_parse_address). */
export function addressOf(text: string): { readonly text: string; readonly path: string | null } {
  const bare = text.replace(/^\{[^}]*\}/, '')
  const path = /^(?:unix:)?(\/.*)$/.exec(bare)?.[1] ?? null
  return { text: path === null ? bare : `unix:${path}`, path }
}
