import { CannotSee, known } from '../cannot-see.ts'
import { nearest } from '../nearest.ts'
import { question } from '../question.ts'
import type { Assignment } from '../systemd/unit-file.ts'
import type { Fact, Host, Use } from '../types.ts'
import { packageOf, type Owner } from './unit-owner.ts'
import { unitFiles } from './unit-files.ts'
import { unitState } from './unit-state.ts'

/** A line of a unit file that systemd ignores, since it does not know its key or its section. */
export interface UnknownDirective {
  readonly assignment: Assignment
  readonly kind: 'key' | 'section'
  /** The key that was most likely meant, in the same section. */
  readonly meant: string | null
  /** The sections in which this very key is known. */
  readonly elsewhere: readonly string[]
  /** What to say of a key that people write and that never existed. */
  readonly note: string | null
  readonly owner: Owner
  /** systemd-analyze verify says the same; null = it could not be asked. */
  readonly confirmed: { readonly source: string; readonly saw: string } | null
}

export interface Directives {
  readonly unknown: readonly UnknownDirective[]
  /** The question that lists the directives this very version knows. */
  readonly source: string
}

/** Names that never were directives, and what does what was meant. */
const NEVER: Readonly<Record<string, string>> = {
  ImportEnvironment: 'PassEnvironment= passes variables of the system manager on; a user’s manager takes them with systemctl --user import-environment NAME.',
  LoadEnvironment: 'EnvironmentFile= reads variables from a file.',
  Env: 'Environment= sets variables.',
  ExecPreStart: 'It is called ExecStartPre=.',
  ExecPostStart: 'It is called ExecStartPost=.',
  RestartDelay: 'It is called RestartSec=.',
  RestartSeconds: 'It is called RestartSec=.',
  WorkDir: 'It is called WorkingDirectory=.',
  WorkingDir: 'It is called WorkingDirectory=.',
  LimitMemory: 'MemoryMax= limits memory.',
  CPULimit: 'CPUQuota= limits CPU time; LimitCPU= ends the process after so many seconds of CPU time.',
}

/** A service has these three; what begins with X- is for others and silently left alone (systemd.unit(5)). */
const SECTIONS = ['Unit', 'Service', 'Install']

export const unitDirectives: Fact<Directives> = {
  id: 'unit-directives',
  about: 'the lines of the unit files that this version of systemd does not know',
  gather: async (host, use) => {
    // First the files: where there is no unit, systemd is not asked.
    const { assignments } = await use(unitFiles)
    const [known_, source] = await directives(host)
    const strange = assignments.flatMap((assignment): { assignment: Assignment; kind: 'key' | 'section' }[] => {
      const { section, key } = assignment
      if (section === null || section.startsWith('X-') || key.startsWith('X-')) return []
      if (!SECTIONS.includes(section)) return [{ assignment, kind: 'section' }]
      return known_.get(section)!.has(key) ? [] : [{ assignment, kind: 'key' }]
    })
    // One line for a whole unknown section is enough.
    const first = strange.filter((each, at) => each.kind === 'key' || strange.findIndex(({ assignment: a }) => a.file === each.assignment.file && a.section === each.assignment.section) === at)
    const verified = first.length > 0 ? await verify(host, use) : null
    const unknown = await Promise.all(
      first.map(async ({ assignment, kind }): Promise<UnknownDirective> => {
        const { section, key, file, line } = assignment
        const meant = kind === 'section' ? nearest(section!, SECTIONS) : nearest(key, [...(known_.get(section!) ?? [])])
        const elsewhere = kind === 'section' ? [] : SECTIONS.filter((each) => each !== section && known_.get(each)!.has(key))
        const said = verified?.lines.find((text) => text.startsWith(`${file}:${line}: Unknown`)) ?? null
        return {
          assignment, kind, elsewhere,
          meant: elsewhere.length > 0 || key in NEVER ? null : meant,
          note: NEVER[key] ?? null,
          owner: await packageOf(host, file),
          confirmed: said === null ? null : { source: verified!.source, saw: said },
        }
      }),
    )
    return { unknown, source }
  },
}

const PROGRAMS = ['/usr/lib/systemd/systemd', '/lib/systemd/systemd', '/run/current-system/systemd/lib/systemd/systemd']

/** systemd itself prints every directive it knows, aliases and obsolete ones included. Nothing is started by that. */
async function directives(host: Host): Promise<readonly [ReadonlyMap<string, ReadonlySet<string>>, string]> {
  for (const program of PROGRAMS) {
    const dumped = await known(host.run(program, ['--dump-configuration-items']))
    if (!dumped.known || dumped.value === null || dumped.value.code !== 0) continue
    const sections = directivesOf(dumped.value.stdout)
    if (SECTIONS.every((section) => (sections.get(section)?.size ?? 0) > 0)) return [sections, question.run(program, ['--dump-configuration-items'])]
  }
  throw new CannotSee('systemd did not list the directives it knows, so unknown ones cannot be told apart.', 'Run systemd-analyze verify on the unit file and read its warnings.')
}

export function directivesOf(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const sections = new Map<string, Set<string>>()
  let section = new Set<string>()
  for (const line of text.split('\n')) {
    const header = /^\[(.+)\]$/.exec(line)?.[1]
    if (header !== undefined) sections.set(header, (section = sections.get(header) ?? new Set()))
    else if (line.includes('=')) section.add(line.slice(0, line.indexOf('=')))
  }
  return sections
}

/** The manager's own words. It exits 0 in spite of unknown keys, so the words count and not the code (seen with v252). */
async function verify(host: Host, use: Use): Promise<{ readonly lines: readonly string[]; readonly source: string } | null> {
  const unit = (await use(unitState))!
  if (unit.fragmentPath === null) return null
  const args = [...(unit.scope === 'user' ? ['--user'] : []), 'verify', '--man=no', unit.fragmentPath]
  const said = await known(host.run('systemd-analyze', args))
  return said.known && said.value !== null ? { lines: said.value.stderr.split('\n'), source: question.run('systemd-analyze', args) } : null
}
