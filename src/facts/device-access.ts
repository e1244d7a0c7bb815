import { CannotSee, DoesNotApply, known } from '../cannot-see.ts'
import { question } from '../question.ts'
import { admits, characterMajorsOf, deviceRulesOf, listAdmits, type Node } from '../systemd/device-allow.ts'
import type { Evidence, Fact, Host, Stat, Use } from '../types.ts'
import { context, identityOf, type Context } from './context.ts'
import { gpuIntent } from './gpu-intent.ts'
import { process_ } from './process.ts'
import { groupOf } from './unit-accounts.ts'
import { unitState, type UnitState } from './unit-state.ts'

/** Why a device cannot be opened by the service. */
export interface Denial {
  readonly node: Node
  readonly by: 'private-devices' | 'device-policy' | 'permissions'
  /** The group that the node belongs to and the service lacks. */
  readonly group: string | null
  /** The unit allows it, and its list does not: most likely the list was made before the device was there, for names without a device are left out of it. */
  readonly late: boolean
  /** Seen in the kernel's own state, not only deduced from the configuration. */
  readonly seen: boolean
  readonly evidence: readonly Evidence[]
}

/** Of the GPU's devices alone: sound has a family of its own. */
export interface DeviceAccess {
  readonly wanted: readonly Evidence[]
  readonly nodes: readonly Node[]
  readonly denials: readonly Denial[]
  /** Why it cannot be told of some device. */
  readonly unseen: { readonly because: string; readonly how: string | null } | null
}

export const deviceAccess: Fact<DeviceAccess> = {
  id: 'device-access',
  about: 'the GPU devices the service wants and whether it may open them',
  gather: async (host, use) => {
    const unit = await use(unitState)
    if (unit === null) throw new DoesNotApply('The target is no systemd service, so no unit setting shuts it off from devices.')
    const { asks, evidence } = await use(gpuIntent)
    if (asks !== 'gpu') throw new DoesNotApply(asks === 'cpu' ? 'The service asks for the CPU.' : 'Nothing in the service asks for the GPU.')
    const nodes = await nodesOf(host)
    if (nodes.length === 0) throw new DoesNotApply('This machine has no GPU device that the service could be denied.')
    const of = await use(context)
    const looked = await Promise.all(nodes.map((node) => known(denialOf(host, use, unit, of, node))))
    const blind = looked.find((each) => !each.known)
    return {
      wanted: evidence,
      nodes: nodes.map(({ path, device }) => ({ path, device })),
      denials: looked.flatMap((each) => (each.known && each.value !== null ? [each.value] : [])),
      unseen: blind && !blind.known ? { because: blind.because, how: blind.how } : null,
    }
  },
}

interface Found extends Node {
  readonly stat: Stat
}

async function nodesOf(host: Host): Promise<readonly Found[]> {
  const names = ((await host.list('/dev')) ?? []).filter((name) => /^(nvidia\d+|nvidiactl|nvidia-uvm|dxg)$/.test(name))
  const stats = await Promise.all(names.map(async (name) => [`/dev/${name}`, await host.stat(`/dev/${name}`)] as const))
  return stats.flatMap(([path, stat]) => (stat?.type === 'char' && stat.device !== null ? [{ path, device: stat.device, stat }] : []))
}

async function denialOf(host: Host, use: Use, unit: UnitState, of: Context, node: Found): Promise<Denial | null> {
  const denial = (by: Denial['by'], seen: boolean, evidence: readonly Evidence[], { group = null, late = false }: { group?: string | null; late?: boolean } = {}): Denial => ({ node: { path: node.path, device: node.device }, by, group, late, seen, evidence })
  const setting = (name: string): Evidence => ({ source: unit.source, saw: `${name}=${(unit.properties[name] ?? '').replaceAll('\n', ', ')}` })
  const running = of.origin === 'running'
  if (running && of.root !== '') {
    const inside = `${of.root}${node.path}`
    if ((await host.stat(inside)) === null) return denial('private-devices', true, [setting('PrivateDevices'), { source: question.stat(inside), saw: 'no such file' }, { source: question.stat(node.path), saw: 'a device' }])
  } else if (!running && unit.scope === 'system' && unit.properties['PrivateDevices'] === 'yes' && !(unit.properties['BindPaths'] ?? '').includes('/dev')) {
    return denial('private-devices', false, [setting('PrivateDevices')])
  }
  const policy = await policyDenial(host, use, unit, node)
  if (policy !== null) return denial('device-policy', policy.seen, [setting('DevicePolicy'), setting('DeviceAllow'), ...policy.evidence], { late: policy.late })
  return permissionDenial(host, of, node, denial)
}

async function policyDenial(host: Host, use: Use, unit: UnitState, node: Found): Promise<{ seen: boolean; late: boolean; evidence: readonly Evidence[] } | null> {
  const process = await use(process_)
  const list = process === null ? null : await enforcedList(host, process.cgroup)
  const rules = deviceRulesOf(unit.properties['DeviceAllow'] ?? '')
  if (list !== null) {
    if (listAdmits(list.text, node.device)) return null
    const absent: Evidence = { source: list.source, saw: `no entry for ${node.device.join(':')} (${node.path})` }
    if (rules.length === 0) return { seen: true, late: false, evidence: [absent] }
    const known = characterMajorsOf((await host.read('/proc/devices')) ?? '')
    const late = rules.some((rule) => admits(rule, node, known))
    const names = known.filter(({ major }) => major === node.device[0]).map(({ name }) => name)
    return { seen: true, late, evidence: late && names.length > 0 ? [absent, { source: question.read('/proc/devices'), saw: `${node.device[0]} ${names.join(', ')}` }] : [absent] }
  }
  // A user's manager has no say in the device controller; on cgroup v2 the filter is a BPF program that nobody can read.
  if (unit.scope === 'user') return null
  const policy = unit.properties['PrivateDevices'] === 'yes' && unit.properties['DevicePolicy'] === 'auto' ? 'closed' : unit.properties['DevicePolicy']
  if ((policy !== 'closed' && policy !== 'strict') && rules.length === 0) return null
  const majors = characterMajorsOf((await host.read('/proc/devices')) ?? '')
  if (rules.some((rule) => admits(rule, node, majors))) return null
  const names = majors.filter(({ major }) => major === node.device[0]).map(({ name }) => name)
  return { seen: false, late: false, evidence: [{ source: question.read('/proc/devices'), saw: names.length > 0 ? `${node.device[0]} ${names.join(', ')}` : `nothing with number ${node.device[0]}` }] }
}

/** Cgroup v1 tells what it enforces: devices.list of the process's own group. */
async function enforcedList(host: Host, cgroup: string): Promise<{ text: string; source: string } | null> {
  const path = cgroup.split('\n').map((line) => line.split(':')).find(([, controllers]) => controllers?.split(',').includes('devices'))?.slice(2).join(':')
  if (path === undefined) return null
  const file = `/sys/fs/cgroup/devices${path === '/' ? '' : path}/devices.list`
  const text = await known(host.read(file))
  return text.known && text.value !== null && text.value.trim() !== '' ? { text: text.value, source: question.read(file) } : null
}

async function permissionDenial(host: Host, of: Context, node: Found, denial: (by: 'permissions', seen: boolean, evidence: readonly Evidence[], more: { group: string | null }) => Denial): Promise<Denial | null> {
  const { mode, uid, gid } = node.stat
  const bits = of.uid === uid ? mode >> 6 : of.gid === gid || of.groups.includes(gid) ? mode >> 3 : mode
  if (of.uid === 0 || (bits & 0o6) === 0o6) return null
  // An access control list can still let the user in; only asking in its place tells (access(2) through test(1)).
  const identity = { ...identityOf(of, { PATH: '/usr/bin:/bin' }), cwd: '/' }
  const asked = await host.run('test', ['-w', node.path], { as: identity })
  if (asked === null) throw new CannotSee(`Whether the service may write to ${node.path} cannot be told: test(1) is missing.`)
  if (asked.code === 0) return null
  const group = (await groupOf(host, String(gid)))?.name ?? null
  const rights = `mode ${mode.toString(8).padStart(4, '0')}, uid ${uid}, gid ${gid}`
  return denial('permissions', true, [{ source: question.stat(node.path), saw: rights }, { source: question.run('test', ['-w', node.path], { as: identity }), saw: `exit status ${asked.code}` }], { group })
}
