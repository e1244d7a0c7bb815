import { CannotSee, DoesNotApply, known } from '../cannot-see.ts'
import { question } from '../question.ts'
import { namesHardware, signsOfCommand, signsOfLibraries, signsOfUnit, signsOfVariables, type Api, type Sign } from '../audio/wish.ts'
import type { Evidence, Fact, Host } from '../types.ts'
import { context, type Context } from './context.ts'
import { process_, type Process } from './process.ts'
import { target } from './target.ts'
import { unitState, type UnitState } from './unit-state.ts'

export interface AudioWish {
  /**
   * `asked`: its command line or variables ask for sound. `hinted`: its unit is ordered after sound. `linked`: it has loaded
   * an audio library, and nothing more is known: many programs that are sent files do. `shell`: nothing is known of what
   * will be started from the shell.
   */
  readonly strength: 'asked' | 'hinted' | 'linked' | 'shell'
  readonly apis: readonly Api[]
  /** It names a device of the hardware, past every sound server. */
  readonly hardware: boolean
  readonly evidence: readonly Evidence[]
}

/** Throws DoesNotApply where nothing points to a microphone: most speech services are sent their audio. */
export const audioWish: Fact<AudioWish> = {
  id: 'audio-wish',
  about: 'whether the target wants a microphone, and by which interface',
  gather: async (host, use) => {
    const asked = await use(target)
    if (asked.kind === 'python' || asked.kind === 'library') throw new DoesNotApply(`A ${asked.kind === 'python' ? 'Python interpreter' : 'library'} by itself wants no microphone.`)
    if (asked.kind === 'shell') return { strength: 'shell', apis: [], hardware: false, evidence: [] }
    const [place, process, unit] = await Promise.all([use(context), use(process_), use(unitState)])
    const argvSource = process === null ? (unit?.source ?? question.target()) : question.read(`${process.folder}/cmdline`)
    const launchers = (process?.launchers ?? []).flatMap(({ argv, source }) => evidenced(signsOfCommand(argv), source))
    const asks = [...evidenced(signsOfCommand(place.argv), argvSource), ...launchers, ...evidenced(signsOfVariables(ownVariables(place, unit)), place.envSource)]
    const libraries = await librarySigns(host, place, process)
    const hints = await unitSigns(host, unit)
    const all = [...asks, ...hints, ...(libraries.known ? libraries.value : [])]
    if (all.length === 0 && !libraries.known) throw new CannotSee(`Whether the target wants a microphone cannot be told: ${libraries.because}`, libraries.how)
    if (all.length === 0) throw new DoesNotApply('Nothing in its command line, unit, variables or libraries points to a microphone.')
    return {
      strength: asks.length > 0 ? 'asked' : hints.length > 0 ? 'hinted' : 'linked',
      apis: [...new Set(all.flatMap(({ api }) => api ?? []))],
      hardware: namesHardware(place.argv),
      evidence: all.map(({ source, saw }) => ({ source, saw })),
    }
  },
}

type Seen = Sign & Evidence

const evidenced = (signs: readonly Sign[], source: string): readonly Seen[] => signs.map((sign) => ({ ...sign, source }))

/** Of a system service every variable is its own; a user's manager hands down those of the whole session. */
function ownVariables(place: Context, unit: UnitState | null): readonly string[] {
  if (!place.env.known || unit === null) return []
  const names = Object.keys(place.env.value)
  if (unit.scope === 'system') return names
  return names.filter((name) => new RegExp(`(^|[\\s"'])${name}=`).test(unit.properties['Environment'] ?? ''))
}

async function unitSigns(host: Host, unit: UnitState | null): Promise<readonly Seen[]> {
  if (unit === null) return []
  const args = [...unit.manager, 'show', '--no-pager', '--property=After,Wants,Requires', '--', unit.name]
  const shown = await known(host.run('systemctl', args))
  const lines = shown.known && shown.value?.code === 0 ? shown.value.stdout.split('\n') : []
  const properties = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
  return [...evidenced(signsOfUnit(properties), question.run('systemctl', args)), ...evidenced(signsOfUnit(unit.properties), unit.source)]
}

async function librarySigns(host: Host, place: Context, process: Process | null) {
  if (process !== null) {
    const maps = process.maps
    return maps.known ? { known: true as const, value: evidenced(signsOfLibraries(maps.value), question.read(`${process.folder}/maps`)) } : maps
  }
  const exe = place.exe
  const linkage = exe === null ? null : await known(host.linkage(`${place.root}${exe}`))
  const needed = linkage?.known && linkage.value?.format === 'elf' ? linkage.value.needed : []
  const found = evidenced(signsOfLibraries(needed.map((path) => ({ path }))), question.linkage(`${place.root}${exe ?? ''}`))
  if (found.length > 0) return { known: true as const, value: found }
  return { known: false as const, because: 'it is not running, so the libraries it loads cannot be seen.', how: 'Start it and run the check again.' }
}
