import type { Plugin } from '../src/index.ts'

/** The built-in checks. The order here is the order of the report. */
export const builtIn: Plugin = { name: 'asr-doctor', checks: [] }
