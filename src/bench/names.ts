/** The names of the embedded workloads, apart from what they are made of, which --help need not load. */
export const WORKLOAD_NAMES = ['fastconformer-s', 'fastconformer-m', 'fastconformer-l', 'whisper-tiny', 'whisper-base'] as const
export type WorkloadName = (typeof WORKLOAD_NAMES)[number]

/** Libraries that a Python of the user's may recognise speech with. */
export const PYTHON_ENGINE_NAMES = ['faster-whisper', 'ctranslate2', 'openai-whisper', 'transformers', 'nemo'] as const
export type PythonEngineName = (typeof PYTHON_ENGINE_NAMES)[number]
