/**
 * How to make an engine tell where its work is done, without touching the program's code where there is a way. Each row names
 * where that stands upstream; `ran` = done here with the genuine package of that version.
 */
export interface Profiling {
  readonly engine: string
  /** A file in the memory of the process, or beside it, that shows the engine. */
  readonly seen: RegExp
  /** What to do, in words that end without a full stop. */
  readonly how: string
  readonly source: string
  readonly ran: string | null
}

export const PROFILING: readonly Profiling[] = [
  {
    engine: 'sherpa-onnx',
    seen: /\/sherpa[_-]onnx|\/libsherpa-onnx/,
    how: 'with sherpa-onnx 1.12.35 or later: give it provider cuda:FILE, where FILE holds the lines LogSeverityLevel=0 and ProfilingFilePrefix=/tmp/asr, then --log and --profile (Whisper models bind their memory otherwise with it, so take no times)',
    source: 'k2-fsa/sherpa-onnx sherpa-onnx/csrc/session.cc, SplitProviderAndConfig and GetSessionOptionsImpl (since #3421); csrc/offline-whisper-model.cc, IsCudaProvider',
    ran: '2.0.1',
  },
  {
    engine: 'onnxruntime-genai',
    seen: /\/onnxruntime[_-]genai/,
    how: 'set "enable_profiling": "asr" and "log_severity_level": 0 in session_options of genai_config.json, then --log and --profile',
    source: 'microsoft/onnxruntime-genai src/config.cpp, SessionOptions_Element',
    ran: null,
  },
  {
    engine: 'onnxruntime in Python',
    seen: /\/onnxruntime\/capi\//,
    // microsoft/onnxruntime#26798 would add ORT_ENABLE_PROFILING; no binary of 1.18 to 1.31 holds the name.
    how: 'add --probe, which tries its models in its place; no variable switches profiling on up to 1.31, in code SessionOptions.log_severity_level = 0 does',
    source: 'microsoft/onnxruntime#26798 (open); strings of the wheels 1.18.1, 1.22.0, 1.30.0 and 1.31.1',
    ran: '1.30.0',
  },
  {
    engine: 'onnxruntime-node',
    seen: /\/onnxruntime-node\//,
    how: 'create the session with { logSeverityLevel: 0, enableProfiling: true, profileFilePrefix: "asr" }, then --log and --profile; no variable does it',
    source: 'microsoft/onnxruntime js/common/lib/inference-session.ts',
    ran: '1.30.0',
  },
  {
    engine: 'CTranslate2',
    seen: /\/(?:lib)?ctranslate2/,
    how: 'set CT2_VERBOSE=1 in its environment and restart it: “Loaded model … on device” says which one it took',
    source: 'OpenNMT/CTranslate2 docs/environment_variables.md',
    ran: '4.6.0',
  },
  {
    engine: 'whisper.cpp',
    seen: /\/libwhisper\b|\/libggml\b|pywhispercpp|\/whisper-(?:cli|server)\b/,
    how: 'start it without -np (--no-prints) and look for “using CUDA0 backend” or “no GPU found”; “use gpu = 1” is only the request',
    source: 'ggml-org/whisper.cpp src/whisper.cpp, whisper_backend_init_gpu; examples/cli/README.md',
    ran: '1.8.5',
  },
]

/** The rows for what is seen, by the paths of its files. */
export const profilingOf = (paths: readonly string[]): readonly Profiling[] => PROFILING.filter(({ seen }) => paths.some((path) => seen.test(path)))
