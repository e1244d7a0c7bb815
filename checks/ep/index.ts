import duplicateRuntimes from './duplicate-runtimes.ts'
import fellBackToCpu from './fell-back-to-cpu.ts'
import int8OnCuda from './int8-on-cuda.ts'
import modelFileBroken from './model-file-broken.ts'
import offloadedToDisk from './offloaded-to-disk.ts'
import runtimeCpuOnly from './runtime-cpu-only.ts'
import sessionWithoutProvider from './session-without-provider.ts'
import unsupportedOps from './unsupported-ops.ts'

/** Is the engine on the GPU, and all of it? In report order. */
export const ep = [fellBackToCpu, runtimeCpuOnly, duplicateRuntimes, int8OnCuda, unsupportedOps, modelFileBroken, offloadedToDisk, sessionWithoutProvider]
