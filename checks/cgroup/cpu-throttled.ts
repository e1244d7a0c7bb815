import { defineCheck, type Evidence, type Finding, type Immutable } from '../../src/index.ts'
import { count, cpusInWords } from '../../src/cgroup/words.ts'
import { throttling, type QuotaWatch, type Throttling } from '../../src/facts/cgroup-throttling.ts'
import { target } from '../../src/facts/target.ts'
import { unitLimits } from '../../src/facts/cgroup-unit.ts'
import { cpuDemand, wantedCpus } from '../../src/facts/cgroup-demand.ts'
import { container } from '../../src/facts/container.ts'
import { changeQuota, subjectOf, type Place } from './limits.ts'

/** A burst at the edge of a quota is no fault. Below this share of its periods nobody notices; ours, not sourced. */
const NOTABLE = 0.2

export default defineCheck({
  id: 'cgroup/cpu-throttled',
  title: 'The CPU quota stops the process while it works',
  docs: {
    what: 'Reads the counters of each CPU quota above the process twice, a second apart (nr_periods, nr_throttled in cpu.stat), and judges only what was added in between.',
    why: 'In every period in which the quota is used up, all threads stand still until the next one. Recognition then takes a multiple of its time although the machine is idle.',
    remedy: 'Raise or remove the quota where it is set, or start the engine with no more threads than the quota has CPUs.',
    links: ['https://docs.kernel.org/scheduler/sched-bwc.html#statistics', 'man:systemd.resource-control(5)'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { target, throttling, unitLimits, cpuDemand, container },
  run: ({ target, throttling, unitLimits: unit, cpuDemand: demand, container }) => {
    const notable = throttling.quotas.filter(({ periods, throttled }) => throttled >= 2 && throttled / Math.max(1, periods) >= NOTABLE)
    const worst = notable.reduce<Immutable<QuotaWatch> | null>((most, each) => (most === null || each.throttled / each.periods > most.throttled / most.periods ? each : most), null)
    if (worst !== null) return [finding(subjectOf(target, unit), throttling, worst, { unit, container }, wantedCpus(demand))]
    // A daemon that waits for speech wakes in every period and uses next to nothing: only CPU time is work.
    const least = Math.min(...throttling.quotas.map(({ quota }) => quota.cpus))
    if (throttling.usedMs >= throttling.elapsedMs * Math.min(least, 1) * 0.5) return []
    const before = throttling.quotas.find(({ lifetime }) => lifetime.throttled > 0)?.lifetime
    const past = before === undefined ? '' : ` In its lifetime the quota was used up in ${before.throttled} of ${count(before.periods, 'period')} of work, which does not tell when that was.`
    return {
      status: 'unknown',
      because: `It did no steady work in the ${seconds(throttling)} s that it was watched (${throttling.usedMs} ms of CPU time), so its CPU quota had nothing to stop.${past}`,
      how: 'Run the check again while it transcribes.',
    }
  },
})

const seconds = (of: Immutable<Throttling>): string => (of.elapsedMs / 1000).toFixed(1)

function finding(subject: string, of: Immutable<Throttling>, worst: Immutable<QuotaWatch>, place: Place, wanted: number | null): Finding {
  const { quota, periods, throttled, lifetime } = worst
  return {
    severity: throttled / periods >= 0.5 ? 'error' : 'warning',
    confidence: 'certain',
    cause: `While it was watched for ${seconds(of)} s, ${subject} used up its quota of ${cpusInWords(quota.cpus)} and was stopped in ${throttled} of ${count(periods, 'period')}.`,
    evidence: [
      { source: of.source, saw: `nr_periods +${periods} (now ${lifetime.periods}), nr_throttled +${throttled} (now ${lifetime.throttled}), ${Math.round(worst.throttledMs)} ms stopped` },
      ...quota.evidence,
    ] as [Evidence, ...Evidence[]],
    refuted: [{ hypothesis: 'The processor is too slow, or other programs take it away', because: 'The kernel counts a period as throttled only when the group still wanted to run and its own quota was used up.' }],
    fixes: [changeQuota(place, quota.level, quota.cpus, wanted)],
  }
}
