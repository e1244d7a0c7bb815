import driverAbsent from './driver-absent.ts'
import driverLibraryMismatch from './driver-library-mismatch.ts'
import driverTooOld from './driver-too-old.ts'
import smiHung from './smi-hung.ts'
import uvmMissing from './uvm-missing.ts'

/** In the order of the report. */
export const gpuChecks = [smiHung, driverAbsent, driverLibraryMismatch, driverTooOld, uvmMissing] as const
