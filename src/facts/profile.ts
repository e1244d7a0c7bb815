import { known } from '../cannot-see.ts'
import type { ProfileReading } from '../profile/types.ts'
import { question } from '../question.ts'
import type { Fact, Host, Known } from '../types.ts'
import { startOf } from './process-start.ts'
import { process_, type Process } from './process.ts'
import { target } from './target.ts'

export interface Profile {
  readonly asked: string
  readonly path: string
  readonly reading: Known<ProfileReading>
}

const FOUND_AT_MOST = 4
/** The start of a process is counted from a boot time in whole seconds. */
const CLOCK_MS = 1000

/** ONNX Runtime profiles: those given, else those that the process wrote into its working folder, the newest first. */
export const profiles: Fact<readonly Profile[]> = {
  id: 'profiles',
  about: 'profiles that ONNX Runtime wrote',
  gather: async (host, use) => {
    const asked = await use(target)
    const given = asked.files?.profiles ?? []
    const paths = given.length > 0 || (asked.kind !== 'unit' && asked.kind !== 'pid') ? given : await written(host, await known(use(process_)))
    return Promise.all(
      paths.map(async (path) => {
        const answer = await known(host.digest('profile', path) as unknown as Promise<ProfileReading | null>)
        const reading: Known<ProfileReading> = !answer.known
          ? answer
          : answer.value === null
            ? { known: false, because: `There is no file ${path}.`, how: null }
            : tellsNothing(answer.value)
              ? { known: false, because: `Nothing could be read from ${path}: it holds no event of a session, each on a line of its own, as ONNX Runtime writes them.`, how: 'Give the file as ONNX Runtime wrote it, once its session has ended.' }
              : { known: true, value: answer.value }
        return { asked: question.digest('profile', path), path, reading }
      }),
    )
  },
}

/** No node, no run and no session is in it: another file, or one that has been written anew with other line breaks. */
const tellsNothing = ({ providers, memcpy, runs, loadUs, kernelUs }: ProfileReading): boolean => providers.length === 0 && memcpy.nodes === 0 && runs === 0 && loadUs === null && kernelUs === null

/** One that was last written before the process began is of another run, and says nothing of this one. */
async function written(host: Host, running: Known<Process | null>): Promise<readonly string[]> {
  const process = running.known ? running.value : null
  if (process === null || process.cwd === null || process.pid === 'self') return []
  const folder = process.root + process.cwd
  const names = await known(host.list(folder))
  // The default prefix of ProfilingFilePrefix and enable_profiling, then a date that sorts by name.
  const found = (names.known ? (names.value ?? []) : []).filter((name) => /^onnxruntime_profile_.*\.json$/.test(name)).sort().reverse().slice(0, FOUND_AT_MOST).map((name) => `${folder}/${name}`)
  if (found.length === 0) return []
  const [start, ...stats] = await Promise.all([known(startOf(host, process.pid)), ...found.map((path) => known(host.stat(path)))])
  return found.filter((_, at) => {
    const stat = stats[at]!
    return start.known && Number.isFinite(start.value.atMs) && stat.known && stat.value !== null && stat.value.mtimeMs >= start.value.atMs - CLOCK_MS
  })
}
