import architectureMissing from './architecture-missing.ts'
import computeTypeUnsupported from './compute-type-unsupported.ts'
import driverlessCrash from './driverless-crash.ts'
import duplicateRuntimes from './duplicate-runtimes.ts'
import fellBackToCpu from './fell-back-to-cpu.ts'
import int8OnCuda from './int8-on-cuda.ts'
import modelFileBroken from './model-file-broken.ts'
import modelFormatForeign from './model-format-foreign.ts'
import offloadedToDisk from './offloaded-to-disk.ts'
import oracleForeign from './oracle-foreign.ts'
import probeFailed from './probe-failed.ts'
import providerOrder from './provider-order.ts'
import runtimeCpuOnly from './runtime-cpu-only.ts'
import sessionWithoutProvider from './session-without-provider.ts'
import unsupportedOps from './unsupported-ops.ts'

/** Is the engine on the GPU, and all of it? In report order. */
export const ep = [fellBackToCpu, runtimeCpuOnly, duplicateRuntimes, driverlessCrash, architectureMissing, computeTypeUnsupported, int8OnCuda, unsupportedOps, modelFileBroken, modelFormatForeign, offloadedToDisk, providerOrder, oracleForeign, sessionWithoutProvider, probeFailed]
