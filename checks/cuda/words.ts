/** What the checks of this family and of cudnn share: which libraries they judge, how much a fault weighs, evidence and cures. */
import { CannotSee, DoesNotApply, question, type Directive, type Evidence, type Fix, type FactsOf, type Immutable, type Severity } from '../../src/index.ts'
import { container, type Container } from '../../src/facts/container.ts'
import { containerFix } from '../../src/facts/container-fix.ts'
import { isGpuPart } from '../../src/facts/engines.ts'
import { gpuIntent } from '../../src/facts/gpu-intent.ts'
import { resolution } from '../../src/facts/resolution.ts'
import { target } from '../../src/facts/target.ts'
import { unitState } from '../../src/facts/unit-state.ts'

export const needs = { resolution, gpuIntent, target, unit: unitState, container } as const
export type Facts = FactsOf<typeof needs>
export type Resolved = Facts['resolution']['libraries'][number]
export type Missing = Resolved['missing'][number]

/** The engine libraries that ask for CUDA. Throws where there are none, or where it cannot be known whether there are. */
export function judgedLibraries({ resolution: { libraries, python }, target }: Facts): readonly Resolved[] {
  const judged = libraries.filter(({ library }) => library.cudaMajor !== null || isGpuPart(library) || target.kind === 'library')
  if (judged.length > 0) return judged
  if (!python.known) throw new CannotSee(python.because, python.how)
  throw new DoesNotApply(target.kind === 'shell' ? 'A shell runs no speech engine by itself.' : 'No engine library that asks for CUDA was found in this target or beside it.')
}

/** A file that is there only for the GPU. CTranslate2 and torch are one build for both and say nothing by lying there. */
const dedicated = ({ library }: Resolved): boolean => library.engine === 'onnxruntime' || library.engine === 'ggml' || library.engine === 'other'

/**
 * How much a fault weighs. A target that says it wants the CPU has none. One that asks for the GPU has an error. One that says nothing:
 * a GPU part that cannot be loaded although everything for it was installed (`hidden`, `spoilt`) is an error, for nobody installs both
 * to leave them apart; a GPU part whose libraries were never installed (`absent`) may be a CPU service that took the wrong package.
 * null = not worth a word.
 */
export function severityOf(fault: 'hidden' | 'spoilt' | 'absent', of: Resolved, { asks, gpuPresent }: Facts['gpuIntent']): Severity | null {
  if (asks === 'cpu') return null
  if (asks === 'gpu') return 'error'
  if (fault === 'absent') return gpuPresent ? 'warning' : dedicated(of) ? 'info' : null
  return dedicated(of) ? 'error' : gpuPresent ? 'warning' : null
}

/** Certain only where the loader's failure is seen or nothing but the loader is asked about. */
export const confidenceOf = (of: Resolved, { target, resolution, gpuIntent }: Facts): 'certain' | 'likely' | 'possible' =>
  target.kind === 'library' || (of.proven === 'attempted' && resolution.python.known && resolution.python.value === null) ? 'certain' : gpuIntent.asks === null && !dedicated(of) ? 'possible' : 'likely'

export const cudnnPart = ({ soname, how, neededBy }: Missing): boolean => how === 'dlopen' && /^libcudnn_/.test(soname) && /\/libcudnn[-.]/.test(neededBy)

/** What the file asks for, as its bytes say. */
export const asksEvidence = ({ resolution }: Facts, { library }: Resolved, missing: readonly Missing[]): Evidence[] => {
  const byName = new Map<string, string[]>()
  for (const { soname, neededBy, how } of missing) {
    const by = neededBy || library.path
    byName.set(by, [...(byName.get(by) ?? []), how === 'needed' ? `NEEDED ${soname}` : `opens ${soname} by itself`])
  }
  return [...byName].map(([path, saw]) => ({ source: question.linkage(resolution.of.root + path), saw: saw.join(', ') }))
}

export const pathEvidence = ({ resolution: { searchPath, deadFolders } }: Facts): Evidence[] => [
  { source: searchPath.source, saw: searchPath.value === null ? 'LD_LIBRARY_PATH is not set' : `LD_LIBRARY_PATH=${searchPath.value}` },
  ...(searchPath.ignored === null ? [] : [searchPath.ignored.evidence]),
  ...deadFolders.slice(0, 3).map(({ path, asked }) => ({ source: asked, saw: `there is no ${path}, which LD_LIBRARY_PATH names` })),
]

export const intentEvidence = ({ gpuIntent }: Facts): Evidence[] => gpuIntent.evidence.slice(0, 2).map(({ source, saw }) => ({ source, saw }))

/** The memory map of the process whose environment was read. */
export const mapsSource = ({ resolution }: Facts): string => question.read(`/proc/${/\/proc\/(\w+)\/environ/.exec(resolution.of.envSource)?.[1] ?? 'self'}/maps`)

type Unit = Pick<NonNullable<Facts['unit']>, 'name' | 'scope'>

/** LD_LIBRARY_PATH set where the target takes its environment from. */
export function pathFix({ target, unit, container }: { readonly target: { readonly kind: Facts['target']['kind'] }; readonly unit: Unit | null; readonly container?: Immutable<Container> | null }, value: string, title: string, safety: Fix['safety']): Fix {
  const inContainer = container == null ? null : containerFix(title, container.engine, { env: { LD_LIBRARY_PATH: value } })
  if (inContainer !== null) return inContainer
  if (unit === null) return { title, safety, edits: [{ kind: 'shell-profile', set: { LD_LIBRARY_PATH: value } }], then: [target.kind === 'pid' ? 'Start the program again from a new shell.' : 'Open a new shell.'] }
  const user = unit.scope === 'user' ? ' --user' : ''
  // Where an EnvironmentFile= sets it, the plan makes the change there, for it wins (systemd.exec(5)); nowhere else does one stand in the way.
  const set: Directive[] = [{ section: 'Service', key: 'Environment', value: `LD_LIBRARY_PATH=${value}` }]
  return { title, safety, edits: [{ kind: 'unit-drop-in', unit: unit.name, scope: unit.scope, set }], then: [`systemctl${user} daemon-reload`, `systemctl${user} restart ${unit.name}`] }
}

export const list = (names: readonly string[]): string => (names.length <= 1 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`)
export const verb = (names: readonly unknown[], one: string, many: string): string => (names.length === 1 ? one : many)

/** First names as they come, a number for the rest. */
export const short = (names: readonly string[], most = 4): string => (names.length <= most ? list(names) : `${names.slice(0, most).join(', ')} and ${names.length - most} more`)

/** Unanswered questions about a library; a check that has nothing else to say says this. */
export function doubts(libraries: readonly Resolved[]): { status: 'unknown'; because: string; how: string | null } | null {
  const [first] = libraries.flatMap(({ library, unknown }) => unknown.map((each) => ({ library, ...each })))
  return first === undefined ? null : { status: 'unknown', because: `What the loader gives ${first.library.path} for ${first.name} cannot be known here: ${first.because}`, how: first.how }
}
