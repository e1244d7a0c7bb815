import { defineCheck, type Directive, type Evidence, type Finding, type Fix, type Immutable } from '../../src/index.ts'
import { container, type Container } from '../../src/facts/container.ts'
import { containerFix } from '../../src/facts/container-fix.ts'
import { deviceAccess, type Denial, type DeviceAccess } from '../../src/facts/device-access.ts'
import { unitState, type UnitState } from '../../src/facts/unit-state.ts'

export default defineCheck({
  id: 'service/device-access-denied',
  title: 'The service may not open the devices it needs',
  docs: {
    what: 'For a service that asks for the GPU: whether the NVIDIA nodes are in its own /dev, whether its control group lets them be opened, and whether its user may.',
    why: 'PrivateDevices=, DevicePolicy= and DeviceAllow= are common hardening; the NVIDIA driver renamed its devices from nvidia-frontend to nvidia and nvidiactl, which breaks lists that were right before. CUDA then reports no device, and the engine runs on the CPU.',
    remedy: 'Turn PrivateDevices= off and allow the NVIDIA devices by name in a drop-in.',
    links: ['https://www.freedesktop.org/software/systemd/man/latest/systemd.resource-control.html#DeviceAllow=', 'https://github.com/NixOS/nixpkgs/issues/331069'],
  },
  fixes: 'always',
  needs: { access: deviceAccess, unit: unitState, container },
  run({ access, unit, container }) {
    if (unit !== null && decisive(access)) return [findingFor(access, unit, container)]
    return access.unseen === null ? [] : { status: 'unknown', ...access.unseen }
  },
})

/** One GPU of several withheld may be meant so; the control device, the memory device or all of the GPUs may not. */
function decisive({ nodes, denials }: Access): boolean {
  const isGpu = (path: string) => /\/nvidia\d+$/.test(path)
  const gpus = nodes.filter(({ path }) => isGpu(path))
  const denied = new Set(denials.map(({ node }) => node.path))
  return denials.some(({ node }) => !isGpu(node.path)) || (denials.length > 0 && gpus.every(({ path }) => denied.has(path)))
}

type Access = Immutable<DeviceAccess>

const BY: Readonly<Record<Denial['by'], string>> = {
  'private-devices': 'its own /dev does not hold them',
  'device-policy': 'its control group does not let them be opened (DevicePolicy=, DeviceAllow=)',
  permissions: 'its user may not write to them',
}

const LATE = 'DeviceAllow= names them, but they were not there yet when it started, and what has no device then is left out of the list of its control group'

function findingFor({ wanted, denials }: Access, unit: Immutable<UnitState>, inside: Immutable<Container> | null): Finding {
  const paths = denials.map(({ node }) => node.path)
  const reasons = [...new Set(denials.map(({ by }) => by))]
  const privateDevices = reasons.includes('private-devices') && unit.properties['PrivateDevices'] === 'yes'
  const late = denials.every((denial) => denial.late)
  const words = reasons.map((by) => (late ? LATE : by === 'private-devices' && privateDevices ? 'PrivateDevices=yes gives it a /dev without them' : BY[by]))
  const seen = unique(denials.flatMap(({ evidence }) => evidence))
  return {
    severity: 'error',
    confidence: denials.every((denial) => denial.seen) && !late ? 'certain' : 'likely',
    cause: `${unit.name} asks for the GPU and may not open ${paths.join(', ')}: ${words.join(', and ')}.`,
    evidence: [...seen, ...wanted] as unknown as [Evidence, ...Evidence[]],
    fixes: [(inside === null ? null : containerFix(`Give the container of ${unit.name} the GPU`, inside.engine, { gpu: true })) ?? fixFor(denials, unit, privateDevices)],
  }
}

function fixFor(denials: Access['denials'], unit: Immutable<UnitState>, privateDevices: boolean): Fix {
  const policy = privateDevices || denials.some(({ by }) => by === 'device-policy')
  const groups = [...new Set(denials.flatMap(({ by, group }) => (by === 'permissions' && group !== null && group !== 'root' ? [group] : [])))]
  // The pattern fits the names of every driver version: nvidia-frontend, nvidia, nvidiactl, nvidia-uvm, nvidia-caps.
  const allow = [...new Set(['char-nvidia* rw', ...denials.map(({ node }) => `${node.path} rw`)])]
  // modprobe@.service of systemd loads a module, and a service that comes after it finds the devices by name.
  const modules = [...new Set(denials.flatMap(({ late, node }) => (late ? [`modprobe@${node.path === '/dev/nvidia-uvm' ? 'nvidia_uvm' : 'nvidia'}.service`] : [])))]
  const set: Directive[] = [
    ...(unit.scope === 'system' ? ['Wants', 'After'].flatMap((key) => modules.map((value) => ({ section: 'Unit' as const, key, value }))) : []),
    ...(privateDevices ? [{ section: 'Service' as const, key: 'PrivateDevices', value: 'no' }, { section: 'Service' as const, key: 'DevicePolicy', value: 'closed' }] : []),
    ...(policy ? allow.map((value) => ({ section: 'Service' as const, key: 'DeviceAllow', value })) : []),
    ...groups.map((value) => ({ section: 'Service' as const, key: 'SupplementaryGroups', value })),
  ]
  const flag = unit.scope === 'user' ? '--user ' : ''
  const then = [`systemctl ${flag}daemon-reload`, `systemctl ${flag}restart ${unit.name}`]
  if (set.length === 0) return { title: `Let the user of ${unit.name} write to ${denials.map(({ node }) => node.path).join(', ')}`, safety: 'manual', edits: [], then }
  return { title: `Let ${unit.name} open the NVIDIA devices`, safety: 'risky', edits: [{ kind: 'unit-drop-in', unit: unit.name, scope: unit.scope, set }], then }
}

const unique = (evidence: readonly Evidence[]): readonly Evidence[] =>
  evidence.filter((each, at) => evidence.findIndex(({ source, saw }) => source === each.source && saw === each.saw) === at)
