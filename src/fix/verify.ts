import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { runBounded } from '../host/run.ts'
import { known } from '../cannot-see.ts'
import type { PlannedChange } from './draft.ts'
import type { UnitSite } from './site.ts'
import type { Known } from '../types.ts'

/**
 * What systemd-analyze(1) verify says of the unit with the changes that it does not say without them. The files lie in a
 * folder of their own that is searched first. Not known = it could not be asked, which is no praise.
 */
export async function newComplaints(unit: UnitSite, changes: readonly PlannedChange[], deadline: number): Promise<Known<readonly string[]>> {
  const [before, after] = await Promise.all([complaints(unit, [], deadline), complaints(unit, changes, deadline)])
  return !before.known ? before : !after.known ? after : { known: true, value: after.value.filter((line) => !before.value.includes(line)) }
}

async function complaints({ state, files }: UnitSite, changes: readonly PlannedChange[], deadline: number): Promise<Known<readonly string[]>> {
  const fragment = files.find(({ path }) => path === state.fragmentPath)
  if (fragment === undefined) return unknown('the unit has no file that can be read')
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-verify-'))
  try {
    const changed = (path: string) => changes.find(({ target }) => target === path)?.after
    writeFileSync(join(folder, state.name), changed(fragment.path) ?? fragment.text)
    mkdirSync(join(folder, `${state.name}.d`))
    for (const { target, after } of changes) if (target !== fragment.path && isUnitText(target) && after !== null) writeFileSync(join(folder, `${state.name}.d`, basename(target)), after)
    // For a user's units it wants a runtime directory, and who calls for another user or by sudo has none.
    const runtime = state.scope === 'user' ? [`XDG_RUNTIME_DIR=${folder}`] : []
    const output = await known(runBounded(['env', `SYSTEMD_UNIT_PATH=${folder}:`, ...runtime, 'systemd-analyze', ...(state.scope === 'user' ? ['--user'] : []), 'verify', '--man=no', '--', join(folder, state.name)], {}, deadline))
    if (!output.known) return unknown(output.because.replace(/\.$/, ''))
    // 126 and 127 are env(1) itself, which found none that it may run.
    if (output.value === null || output.value.code === 126 || output.value.code === 127) return unknown('there is no systemd-analyze here that can be run')
    if (output.value.signal !== null) return unknown(`it was ended by ${output.value.signal}`)
    const dead = /^Failed to (initialize|startup|start|create) manager.*$/m.exec(output.value.stderr)?.[0]
    if (dead !== undefined) return unknown(`it says: ${dead}`)
    // Numbers of lines move when a line is taken out; what is said must not.
    return { known: true, value: output.value.stderr.split('\n').filter(Boolean).map((line) => line.replaceAll(folder, '').replace(/:\d+:/g, ':')) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const unknown = (because: string): Known<never> => ({ known: false, because, how: null })

/** An EnvironmentFile may be called asr.conf as well, and is no unit text. systemd.unit(5): drop-ins lie in a folder called after the unit. */
export const isUnitText = (path: string): boolean => /\.(service|socket|slice)(\.d\/[^/]+\.conf)?$/.test(path)
