import { known } from '../cannot-see.ts'
import type { ProfileReading } from '../profile/types.ts'
import { question } from '../question.ts'
import type { Fact, Known } from '../types.ts'
import { process_ } from './process.ts'
import { target } from './target.ts'

export interface Profile {
  readonly asked: string
  readonly path: string
  readonly reading: Known<ProfileReading>
}

const FOUND_AT_MOST = 4

/** ONNX Runtime profiles: those given, else those that lie in the working folder of the process, the newest first. */
export const profiles: Fact<readonly Profile[]> = {
  id: 'profiles',
  about: 'profiles that ONNX Runtime wrote',
  gather: async (host, use) => {
    const asked = await use(target)
    const given = asked.files?.profiles ?? []
    const paths: string[] = [...given]
    if (given.length === 0 && (asked.kind === 'unit' || asked.kind === 'pid')) {
      const process = await known(use(process_))
      const folder = process.known && process.value !== null && process.value.cwd !== null ? process.value.root + process.value.cwd : null
      const names = folder === null ? null : await known(host.list(folder))
      // The default prefix of ProfilingFilePrefix and enable_profiling, then a date that sorts by name.
      const found = names?.known ? (names.value ?? []).filter((name) => /^onnxruntime_profile_.*\.json$/.test(name)).sort().reverse() : []
      paths.push(...found.slice(0, FOUND_AT_MOST).map((name) => `${folder}/${name}`))
    }
    return Promise.all(
      paths.map(async (path) => {
        const answer = await known(host.digest('profile', path) as unknown as Promise<ProfileReading | null>)
        const reading: Known<ProfileReading> = answer.known && answer.value === null ? { known: false, because: `There is no file ${path}.`, how: null } : (answer as Known<ProfileReading>)
        return { asked: question.digest('profile', path), path, reading }
      }),
    )
  },
}
