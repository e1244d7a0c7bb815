import type { Check } from '../../src/index.ts'
import cudaWheelsUnreachable from './cuda-wheels-unreachable.ts'
import namespaceFileIdiom from './namespace-file-idiom.ts'
import wheelRootsSplit from './wheel-roots-split.ts'

export const pythonChecks: readonly Check<any>[] = [cudaWheelsUnreachable, namespaceFileIdiom, wheelRootsSplit]
