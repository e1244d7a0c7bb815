import { lookup } from 'node:dns/promises'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

export interface Listener {
  readonly pid: number
  readonly parent: number
  readonly name: string
}

const OWN = new BlockList()
OWN.addSubnet('127.0.0.0', 8, 'ipv4')
OWN.addAddress('::1', 'ipv6')

/** Every address that the name stands for is one of this machine. */
export async function isHere({ hostname }: URL): Promise<boolean> {
  const name = hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(name) > 0 ? [name] : (await lookup(name, { all: true }).catch(() => [])).map(({ address }) => address)
  const own = new Set(Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address)))
  return addresses.length > 0 && addresses.every((address) => own.has(address) || address === '0.0.0.0' || address === '::' || OWN.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'))
}

export const portOf = ({ port, protocol }: URL): number => (port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port))

/** `sl local_address rem_address st … inode`; 0A is LISTEN (proc_pid_net(5)). */
export const inodesOf = (tcp: string, port: number): readonly string[] =>
  tcp.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/)
    return fields[3] === '0A' && Number.parseInt(fields[1]?.split(':').at(-1) ?? '', 16) === port ? [fields[9]!] : []
  })

/** Whose socket listens on the port, as far as this user may see it; null = nobody's that is seen. */
export function listenersOn(port: number): readonly Listener[] | null {
  const tables = ['tcp', 'tcp6'].map((name) => attempt(() => readFileSync(`/proc/net/${name}`, 'utf8')) ?? '')
  const sockets = new Set(tables.flatMap((table) => inodesOf(table, port)).map((inode) => `socket:[${inode}]`))
  if (sockets.size === 0) return null
  const holders = (attempt(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name)).flatMap((pid): Listener[] => {
    const open = attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []
    if (!open.some((fd) => sockets.has(attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? ''))) return []
    const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? '') ?? []
    return parent === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), name: name! }]
  })
  // The service manager holds the socket of what it starts on demand.
  const services = holders.length > 1 ? holders.filter(({ pid }) => pid !== 1) : holders
  return services.length === 0 ? null : services
}

/** Programs that hold a port for a container, a tunnel or other servers, and pass on what comes in. */
const FRONTS = /^(docker-proxy|rootlessport|rootlesskit|slirp4netns|pasta|conmon|sshd?|nginx|caddy|haproxy|traefik|envoy|apache2|httpd|systemd|socat|kube-proxy)/

/** The service behind a port: the process that started all others which hold it. null = not to be told. */
export function serverOn(port: number): number | null {
  const found = listenersOn(port) ?? []
  const pids = new Set(found.map(({ pid }) => pid))
  const [first, ...more] = found.filter(({ parent }) => !pids.has(parent))
  return first === undefined || more.length > 0 || FRONTS.test(first.name) ? null : first.pid
}

function attempt<T>(ask: () => T): T | null {
  try {
    return ask()
  } catch {
    return null
  }
}
