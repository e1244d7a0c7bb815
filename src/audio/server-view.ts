import type { Evidence } from '../types.ts'
import type { Addresses, PulseAddress } from './pulse-address.ts'
import type { ServerInfo, Source } from './sources.ts'

/**
 * What stands at an address. `hidden`: there on the machine, not in the target's mount namespace. `closed`: there, but the
 * target's user may not connect. libpulse says “Connection refused” to all of these but `remote` alike.
 */
export type SocketState = 'absent' | 'hidden' | 'closed' | 'socket' | 'no-socket' | 'remote' | 'malformed' | 'unseen'

export interface AddressState extends PulseAddress {
  readonly state: SocketState
  readonly owner: number | null
  readonly evidence: Evidence
}

export type Reach =
  | { readonly kind: 'answered'; readonly info: ServerInfo; readonly sources: readonly Source[]; readonly source: string; readonly infoSource: string }
  /** Nobody answers; `evidence` holds what pactl said, when there was anything to ask it for. */
  | { readonly kind: 'refused'; readonly evidence: readonly Evidence[] }
  | { readonly kind: 'denied'; readonly evidence: readonly Evidence[] }
  /** It took the connection and then said nothing. */
  | { readonly kind: 'silent'; readonly afterMs: number; readonly daemon: Daemon | null; readonly evidence: readonly Evidence[] }
  /** Nothing runs, and the first to connect would start it; this check starts nothing. */
  | { readonly kind: 'asleep'; readonly because: string; readonly how: string }
  | { readonly kind: 'unknown'; readonly because: string; readonly how: string | null }

export interface Daemon {
  readonly pid: number
  readonly name: string
  /** First letter of State in /proc/PID/status: R, S, T (stopped), D. */
  readonly state: string
  readonly source: string
}

/** The sound server as one user in one environment would meet it. */
export interface ServerView {
  readonly uid: number
  readonly user: string | null
  readonly addresses: readonly AddressState[]
  readonly explicit: boolean
  readonly foreignRuntime: Addresses['foreignRuntime']
  readonly runtimeDir: string | null
  readonly envSource: string
  /** libpulse may start a daemon of its own for this user, who then hears with it whatever his groups let him. */
  readonly mayAutospawn: boolean
  /** It knows an X11 server, whose root window may name a sound server (module-x11-publish). */
  readonly display: boolean
  /** PipeWire's own socket is there: its native clients need no pipewire-pulse. */
  readonly pipewire: boolean
  readonly reach: Reach
}
