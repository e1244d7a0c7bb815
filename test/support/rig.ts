import { describe } from 'vitest'

/**
 * A suite that needs something a machine may lack. Where it is missing the suite is skipped under a name that says what
 * to install; ASR_DOCTOR_RIGS=all (set in CI) turns a missing rig into a failure instead.
 */
export function describeWith(rig: string, missing: string | null, suite: () => void): void {
  if (missing === null) return void describe(`[${rig}]`, suite)
  if (process.env['ASR_DOCTOR_RIGS'] === 'all') throw new Error(`rig ${rig} is not usable here: ${missing}`)
  describe.skip(`[${rig}] skipped: ${missing}`, suite)
}
