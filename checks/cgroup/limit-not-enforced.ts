import { defineCheck, need, type Evidence, type Fix, type Immutable } from '../../src/index.ts'
import { bytesInWords, cpusInWords } from '../../src/cgroup/words.ts'
import { cgroup, cgroupMounts, type Cgroup, type Controller } from '../../src/facts/cgroup.ts'
import { cgroupCpu } from '../../src/facts/cgroup-cpu.ts'
import { cgroupMemory } from '../../src/facts/cgroup-memory.ts'
import { unitLimits, type ConfiguredLimit } from '../../src/facts/cgroup-unit.ts'

export default defineCheck({
  id: 'cgroup/limit-not-enforced',
  title: 'A limit of the unit is shown, but the kernel was never told of it',
  docs: {
    what: 'Compares CPUQuota, MemoryMax and MemoryHigh as the service manager shows them with what the control groups of the running process say.',
    why: 'On cgroup v1 and hybrid systems the manager of a user may not set limits. `systemctl --user show` prints them all the same, and a slow service is then blamed on a quota that does not exist.',
    remedy: 'Boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1), run the service as a system unit, or take the setting out.',
    links: ['man:systemd.resource-control(5)', 'https://systemd.io/CGROUP_DELEGATION/'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { cgroup, cgroupMounts, cgroupCpu, cgroupMemory, unitLimits },
  run: ({ cgroup, cgroupMounts: mounts, cgroupCpu: cpu, cgroupMemory: memory, unitLimits: unit }) => {
    if (unit === null) return { status: 'not-applicable', because: 'It is no systemd unit, or its service manager does not answer, so no limit is shown for it.' }
    const asked = [unit.cpuQuota, unit.memoryMax, unit.memoryHigh].filter((limit) => limit !== null)
    if (asked.length === 0) return { status: 'not-applicable', because: 'The unit sets no limit on CPU time or memory.' }
    if (cgroup === null) {
      const legacy = unit.scope === 'user' && mounts.some(({ version, controllers }) => version === 1 && controllers.includes('cpu'))
      return legacy ? found(asked, unit, [], 'is a user unit, and on cgroup v1 the manager of a user sets no limits') : { status: 'unknown', because: 'The service is not running, so whether its limits are in force cannot be seen.', how: 'Start it and run the check again.' }
    }
    const missing = asked.filter((limit) => {
      if (limit.key === 'CPUQuota') return !(cpu?.quotas ?? []).some(({ cpus }) => cpus <= limit.value * 1.01)
      const kind = limit.key === 'MemoryMax' ? 'max' : 'high'
      return !(memory?.limits ?? []).some((each) => each.kind === kind && each.bytes <= limit.value)
    })
    if (missing.length === 0) return []
    const controller: Controller = missing[0]!.key === 'CPUQuota' ? 'cpu' : 'memory'
    const place = need(cgroup.places[controller])
    if (place === null) return found(missing, unit, [membership(cgroup, controller)], `runs under a kernel without the ${controller} controller`)
    const path = place.levels[0].path
    const sits = path.endsWith(`/${unit.name}`) ? `runs in ${path}, which has no such limit` : `runs in ${controller}:${path}, which is not its own`
    return found(missing, unit, [membership(cgroup, controller)], sits)
  },
})

/** The line of /proc/PID/cgroup that speaks for the controller. */
function membership(of: Immutable<Cgroup>, controller: Controller): Evidence {
  const lines = of.text.split('\n')
  const line = lines.find((each) => each.split(':')[1]?.split(',').includes(controller)) ?? lines.find((each) => each.startsWith('0::')) ?? lines[0]!
  return { source: of.source, saw: line }
}

function found(limits: readonly Immutable<ConfiguredLimit>[], unit: { readonly name: string; readonly scope: 'system' | 'user' }, more: readonly Evidence[], sits: string) {
  const shown = limits.map(({ text }) => text).join(' and ')
  const reset: Fix = {
    title: `Take ${limits.map(({ key }) => key).join(' and ')} out of the unit, since nothing comes of it`,
    safety: 'safe',
    edits: [{ kind: 'unit-drop-in', unit: unit.name, scope: unit.scope, set: limits.map(({ key }) => ({ section: 'Service' as const, key, value: '' })) }],
    then: [`${unit.scope === 'user' ? 'systemctl --user' : 'systemctl'} daemon-reload`],
  }
  return [{
    severity: 'warning' as const,
    confidence: 'certain' as const,
    cause: `${shown} ${limits.length === 1 ? 'is' : 'are'} shown for ${unit.name} but not in force: it ${sits}.`,
    evidence: [...limits.flatMap(({ evidence }) => evidence), ...more] as unknown as [Evidence, ...Evidence[]],
    refuted: limits.map((limit) => ({
      hypothesis: limit.key === 'CPUQuota' ? `The quota of ${cpusInWords(limit.value)} makes it slow` : `The memory limit of ${bytesInWords(limit.value)} makes it slow`,
      because: 'The kernel has no such limit for this process.',
    })),
    fixes: [
      ...(unit.scope === 'user' ? [{ title: 'Or boot with cgroup v2, where the limits of user units count', safety: 'manual' as const, edits: [], then: ['Add systemd.unified_cgroup_hierarchy=1 to the kernel command line and reboot.'] }] : []),
      reset,
    ],
  }]
}
