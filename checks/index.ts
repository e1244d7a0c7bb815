import type { Plugin } from '../src/index.ts'
import { audioChecks as audio } from './audio/index.ts'
import { cgroupChecks as cgroup } from './cgroup/index.ts'
import { cuda } from './cuda/index.ts'
import { cudnn } from './cudnn/index.ts'
import { pythonChecks as python } from './python/index.ts'
import { ep } from './ep/index.ts'
import { log } from './log/index.ts'
import { gpuChecks as gpu } from './gpu/index.ts'
import { service } from './service/index.ts'

/** The built-in checks. The order here is the order of the report: without a driver nothing else about CUDA is worth mending. */
export const builtIn: Plugin = { name: 'asr-doctor', checks: [...gpu, ...ep, ...log, ...cuda, ...cudnn, ...python, ...service, ...cgroup, ...audio] }
