import majorMismatch from './major-mismatch.ts'
import mixedOrigins from './mixed-origins.ts'
import sublibrariesMissing from './sublibraries-missing.ts'

/** In the order of the report. */
export const cudnn = [sublibrariesMissing, mixedOrigins, majorMismatch] as const
