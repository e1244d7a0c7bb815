/** The names of the embedded workloads, apart from what they are made of, which --help need not load. */
export const WORKLOAD_NAMES = ['fastconformer-s', 'fastconformer-m', 'fastconformer-l', 'whisper-tiny', 'whisper-base'] as const
export type WorkloadName = (typeof WORKLOAD_NAMES)[number]
