import { SHAPES } from './models/fastconformer.ts'
import { WHISPER_SHAPES } from './models/whisper.ts'
import type { WorkloadName } from './names.ts'

/** Every workload is either a transducer or a Whisper. */
export const isWhisper = (name: WorkloadName): name is keyof typeof WHISPER_SHAPES => name in WHISPER_SHAPES

/** Small networks say nothing about a GPU: launching their kernels takes longer than running them. */
export const defaultWorkload = (tier: 'cpu' | 'gpu'): keyof typeof SHAPES => (tier === 'gpu' ? 'fastconformer-l' : 'fastconformer-s')
