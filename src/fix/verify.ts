import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { runBounded } from '../host/run.ts'
import { known } from '../cannot-see.ts'
import type { PlannedChange } from './draft.ts'
import type { UnitSite } from './site.ts'

/**
 * What systemd-analyze(1) verify says of the unit with the changes that it does not say without them. The files lie in a
 * folder of their own that is searched first. null = it could not be asked.
 */
export async function newComplaints(unit: UnitSite, changes: readonly PlannedChange[], deadline: number): Promise<readonly string[] | null> {
  const [before, after] = await Promise.all([complaints(unit, [], deadline), complaints(unit, changes, deadline)])
  return before === null || after === null ? null : after.filter((line) => !before.includes(line))
}

async function complaints({ state, files }: UnitSite, changes: readonly PlannedChange[], deadline: number): Promise<readonly string[] | null> {
  const fragment = files.find(({ path }) => path === state.fragmentPath)
  if (fragment === undefined) return null
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-verify-'))
  try {
    const changed = (path: string) => changes.find(({ target }) => target === path)?.after
    writeFileSync(join(folder, state.name), changed(fragment.path) ?? fragment.text)
    mkdirSync(join(folder, `${state.name}.d`))
    for (const { target, after } of changes) if (target !== fragment.path && target.endsWith('.conf') && after !== null) writeFileSync(join(folder, `${state.name}.d`, basename(target)), after)
    const output = await known(runBounded(['env', `SYSTEMD_UNIT_PATH=${folder}:`, 'systemd-analyze', ...(state.scope === 'user' ? ['--user'] : []), 'verify', '--man=no', '--', join(folder, state.name)], {}, deadline))
    if (!output.known || output.value === null || output.value.code === 127) return null
    // Numbers of lines move when a line is taken out; what is said must not.
    return output.value.stderr.split('\n').filter(Boolean).map((line) => line.replaceAll(folder, '').replace(/:\d+:/g, ':'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
