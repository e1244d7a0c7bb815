import { describe } from 'vitest'

/**
 * A suite that needs something a machine may lack. Where it is missing the suite is skipped under a name that says what
 * to install; ASR_DOCTOR_RIGS=all (set in CI) turns a missing rig into a failure instead.
 * `retry: 0` where a fault that shows once must not be hidden by a second try.
 */
export function describeWith(rig: string, missing: string | null, suite: () => void, options: { readonly retry?: number } = {}): void {
  if (missing === null) return void describe(`[${rig}]`, { ...options }, suite)
  if (process.env['ASR_DOCTOR_RIGS'] === 'all') throw new Error(`rig ${rig} is not usable here: ${missing}`)
  describe.skip(`[${rig}] skipped: ${missing}`, suite)
}
