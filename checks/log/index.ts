import emptyTranscript from './empty-transcript.ts'
import gpuError from './gpu-error.ts'
import gpuIdle from './gpu-idle.ts'
import memoryExhausted from './memory-exhausted.ts'
import processDied from './process-died.ts'

/** What the log says by itself. In report order. */
export const log = [emptyTranscript, processDied, memoryExhausted, gpuError, gpuIdle]
