import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { removeTemp } from './disk.ts'
import { failure } from './failure.ts'
import { runs, runsOf } from './journal.ts'
import { alone } from './lock.ts'
import { folderOf } from './place.ts'
import { Refused } from './refused.ts'
import { asUser } from './rights.ts'

/** Work on the files and the journal: one at a time, and with what killed runs left out of the way. */
export async function guarded<T>(folder: string, work: () => T): Promise<T> {
  try {
    return await alone(folder, () => {
      sweepLitter(folder)
      return work()
    })
  } catch (error) {
    throw error instanceof Refused ? error : failure(error, folder, 'written')
  }
}

/** What killed runs left lying about is swept before anything is looked at: a half-made file has a second name. */
export async function tidied(folder: string): Promise<void> {
  if (runs(folder).length > 0) await guarded(folder, () => undefined)
}

/** Half-written journals, and temporary files beside the targets: these in the name of whose folder it is, for that user can swap it for a link. */
function sweepLitter(folder: string): void {
  for (const name of namesIn(runsOf(folder))) if (/^\.\d+\.[0-9a-f]{12}$/.test(name)) removeTemp(join(runsOf(folder), name))
  for (const { target, real } of runs(folder).flatMap(({ state, entries }) => (state === 'undone' ? [] : entries))) {
    const place = folderOf(target, real)
    if (place === null) continue
    asUser(place.owner, () => {
      for (const name of namesIn(place.folder)) if (name.startsWith(`.${basename(real).slice(0, 200)}.asr-doctor-`) && /-[0-9a-f]{12}$/.test(name)) removeTemp(join(place.folder, name))
    })
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
