/**
 * The competing causes of what users of speech recognition on a GPU complain about, as data. A line of a log confirms or
 * refutes by src/log/signatures.ts; what else does stands here. Nothing is ever weighed with a percentage.
 */
import type { CheckId, Evidence } from '../types.ts'
import { profilingOf } from './profiling.ts'
import { evidenceOf, meantForCuda, opsInWords, placed, seenIn, type Placed, type Signs } from './signs.ts'
import { withoutGpuPart } from './standing.ts'
import { anewForEachShape, firstOfAll, onceForEachShape, type Told } from './first-runs.ts'

export type Symptom = 'on-cpu' | 'slow' | 'empty-text' | 'dies' | 'no-microphone'

export interface HypothesisRow {
  readonly id: string
  /** One whole sentence that says what would be so. */
  readonly claim: string
  /** It is worth naming while undetermined only where one of these is seen. */
  readonly symptoms: readonly Symptom[]
  /** Findings of these checks confirm it. */
  readonly foundBy?: readonly CheckId[]
  /** Findings of these make it worth asking. */
  readonly hintedBy?: readonly CheckId[]
  /** Where this passes it is refuted. A check that passes while nothing works, or where it finds nothing to look at, does not belong here. */
  readonly refutedBy?: { readonly check: CheckId; readonly because: string; /** It looks only where the GPU is asked for, and passes elsewhere. */ readonly onlyAsked?: true }
  /** Why a GPU provider in the memory of the process refutes it. */
  readonly refutedByProvider?: string
  /** Evidence beyond logs and checks that decides it. */
  readonly confirmed?: (signs: Signs) => readonly Evidence[]
  readonly refuted?: (signs: Signs) => Told | null
  /** Refutes it, and is worth saying only where somebody would ask. */
  readonly answered?: (signs: Signs) => Told | null
  /** What makes it worth asking, and proves nothing. */
  readonly grounds?: (signs: Signs) => readonly Evidence[]
  /** What the grounds mean, in one whole sentence. */
  readonly means?: (signs: Signs) => string | null
  /** Named even without grounds of its own, where a symptom of it is seen. */
  readonly always?: true
  /** Whether it can be so at all; absent = it can. */
  readonly possible?: (signs: Signs) => boolean
  /** Why a line that refutes it does so. */
  readonly whyRefuted?: string
  readonly decideBy: (signs: Signs) => string
  /** What decides it once one of its checks has found it likely, for asking that check again tells nothing new. */
  readonly decideFurther?: (signs: Signs) => string
}

/** The words that examine the same target again. */
const again = ({ unit }: Signs, more: string): string => `asr-doctor check ${unit === null ? '--unit NAME' : `--unit ${unit.name}${unit.scope === 'user' ? ' --user' : ''}`}${more}`
/** What the loader tells the engine, the engine writes down when it starts. */
function startAgain(signs: Signs): string {
  const { unit } = signs
  const user = unit?.scope === 'user' ? ' --user' : ''
  const name = unit?.name ?? 'NAME'
  const tried = (signs.engineFiles ?? []).some((path) => /\/(?:onnxruntime\/capi|ctranslate2|torch)\//.test(path))
  return `${tried && signs.probe === undefined ? `${again(signs, ' --probe')}; or ` : ''}systemctl${user} restart ${name}, let it transcribe once, then journalctl${user} -u ${name} -g 'cannot open shared object file|Failed to load library|Library .* is not found'`
}
const property = (signs: Signs, name: string, useless: RegExp): readonly Evidence[] => {
  const value = signs.unit?.properties[name]
  return value === undefined || value === '' || useless.test(value) ? [] : [{ source: signs.unit!.source, saw: `${name}=${value}` }]
}
const lines = (signs: Signs, ...ids: string[]): readonly Evidence[] => evidenceOf(seenIn(signs, ({ id }) => ids.includes(id)))

/** A quota is CPU time a second of ONE processor, however many the machine has (systemd.resource-control(5)). */
function quotaInWords({ unit }: Signs): string | null {
  const [, amount, unitOfTime] = /^(?:(\d+(?:\.\d+)?)(ms|s))$/.exec(unit?.properties['CPUQuotaPerSecUSec'] ?? '') ?? []
  if (amount === undefined) return null
  const cpus = Number(amount) / (unitOfTime === 'ms' ? 1000 : 1)
  return `That is ${cpus === 0.5 ? 'half of one CPU' : cpus === 1 ? 'one CPU' : `${Number(cpus.toFixed(2))} ${cpus < 1 ? 'of one CPU' : 'CPUs'}`}, on a machine with any number of them.`
}

const QUANTISED = /^(ConvInteger|MatMulInteger|DynamicQuantize|QLinear|QAttention|QGemm)/
/** Models with operators of quantisation that CUDA has no kernel for. */
const quantised = (signs: Signs): readonly Placed[] => placed(signs).filter((each) => meantForCuda(signs, each) && each.forecast.cpuNodes > 0 && (each.quantisation === 'dynamic' || each.quantisation === 'qoperator'))
const inWords = ({ asked, path, forecast }: Placed): Evidence => ({ source: asked, saw: `${path.split('/').at(-1)}: ${opsInWords(forecast)}; ${forecast.cpuNodes} of ${forecast.nodes} nodes without a CUDA kernel, at least ${forecast.copies} copies (ONNX Runtime ${forecast.release})` })

/** The service's own model, tried in its place, had quantised operators on the CPU beside others on the GPU. */
const tried = ({ probe }: Signs): readonly Evidence[] =>
  (probe?.verdicts ?? []).filter(({ shown, onCpu }) => shown === 'own' && onCpu.some((op) => QUANTISED.test(op))).map(({ because }) => ({ source: probe!.asked, saw: because }))

/** What its endpoint made of speech that was sent to it: where that is no text, the input is not to blame. */
const heardSpeech: HypothesisRow['refuted'] = ({ endpoint }) =>
  endpoint === undefined || endpoint.answers.empty === 0 ? null : { evidence: [{ source: endpoint.asked, saw: `${endpoint.answers.empty} of ${endpoint.answers.texts} texts are empty` }], because: 'What was sent to its endpoint is speech, as 16 kHz, one channel and 16 bits, and the text is empty all the same.' }

export const HYPOTHESES: readonly HypothesisRow[] = [
  // ── the provider ──────────────────────────────────────────────────────────────────────────────────────────
  {
    id: 'provider-not-loaded',
    claim: 'The GPU part of the engine could not be loaded or started, so the work is done on the CPU.',
    symptoms: ['on-cpu'],
    foundBy: ['cuda/libraries-hidden', 'cuda/libraries-absent', 'cuda/library-major-mismatch', 'cuda/library-unloadable'],
    whyRefuted: 'What stands in this line is done only by a GPU part that was loaded.',
    refutedByProvider: 'The GPU provider is in the memory of the process.',
    decideBy: (signs) => again(signs, ' --only cuda --only cudnn'),
    decideFurther: startAgain,
  },
  {
    id: 'library-path-hidden',
    claim: 'The CUDA libraries are hidden from the service, for want of LD_LIBRARY_PATH or the like.',
    symptoms: ['on-cpu'],
    foundBy: ['cuda/libraries-hidden', 'python/cuda-wheels-unreachable'],
    whyRefuted: 'A provider whose libraries are hidden is not loaded at all and prints no such line; there is no slower kind of loading.',
    refutedByProvider: 'A provider whose libraries are hidden is not loaded at all, and this one is in the memory of the process.',
    decideBy: (signs) => again(signs, ' --only cuda'),
    decideFurther: startAgain,
  },
  {
    id: 'cpu-only-runtime',
    claim: 'The engine that runs was built without CUDA.',
    symptoms: ['on-cpu'],
    foundBy: ['ep/runtime-cpu-only'],
    whyRefuted: 'An engine without CUDA prints no such line.',
    refutedByProvider: 'An engine without CUDA has no such file to load.',
    confirmed: ({ probe, asks }) => (asks?.asks === 'gpu' ? (probe?.verdicts ?? []) : []).filter(({ cpuOnly }) => cpuOnly).map(({ because }) => ({ source: probe!.asked, saw: because })),
    refuted: ({ probe }) => {
      const built = (probe?.verdicts ?? []).flatMap(({ engine: { available, builtFor } }) => (available?.includes('CUDAExecutionProvider') ? [`get_available_providers(): ${available.join(', ')}`] : builtFor ? [`torch.version.cuda: ${builtFor}`] : []))
      return probe === undefined || built.length < probe.verdicts.length || built.length === 0 ? null : { evidence: built.map((saw) => ({ source: probe.asked, saw })), because: 'The engine that the service imports has CUDA built in.' }
    },
    decideBy: (signs) => again(signs, ' --only ep'),
  },
  { id: 'provider-order', claim: 'The order in which the providers are named keeps the work from CUDA, or has TensorRT build its engines anew.', symptoms: ['on-cpu', 'slow'], foundBy: ['ep/provider-order'], decideBy: () => 'print(session.get_providers()), and set log_severity_level=0: the nodes placed on each are counted there.' },
  { id: 'oracle-foreign', claim: 'The service chose the CPU because it asked another engine whether there is a GPU.', symptoms: ['on-cpu'], foundBy: ['ep/oracle-foreign'], decideBy: () => 'Name the device instead of asking for it, and start again.' },
  { id: 'two-runtimes', claim: 'Two ONNX Runtimes are within reach of one process.', symptoms: ['dies', 'on-cpu'], foundBy: ['ep/duplicate-runtimes'], decideBy: (signs) => again(signs, ' --only ep/duplicate-runtimes') },
  { id: 'gpu-unseen', claim: 'The engine sees no GPU, or was built without the part for one.', symptoms: ['on-cpu'], foundBy: ['service/device-access-denied', 'gpu/uvm-missing'], decideBy: (signs) => again(signs, ' --only gpu --only service') },
  { id: 'driver-absent', claim: 'The NVIDIA driver, or its libcuda.so.1, is not within reach.', symptoms: ['on-cpu', 'dies'], foundBy: ['gpu/driver-absent', 'ep/driverless-crash'], refutedBy: { check: 'gpu/driver-absent', because: 'The driver is loaded, and its libcuda.so.1 is found from where the service runs.', onlyAsked: true }, grounds: (signs) => lines(signs, 'cuda-driver-insufficient'), decideBy: () => 'nvidia-smi; ldconfig -p | grep libcuda.so.1' },
  { id: 'driver-too-old', claim: 'The driver is older than the CUDA of the engine.', symptoms: ['on-cpu', 'dies'], foundBy: ['gpu/driver-too-old'], refutedBy: { check: 'gpu/driver-too-old', because: 'The driver is as new as the CUDA of the engine asks for.' }, grounds: (signs) => lines(signs, 'cuda-driver-insufficient'), decideBy: () => 'cat /proc/driver/nvidia/version' },
  { id: 'driver-mismatch', claim: 'The kernel module of the driver and its libraries are of two versions.', symptoms: ['on-cpu', 'dies'], foundBy: ['gpu/driver-library-mismatch'], refutedBy: { check: 'gpu/driver-library-mismatch', because: 'Both are of one version.', onlyAsked: true }, decideBy: () => 'cat /proc/driver/nvidia/version; nvidia-smi' },
  { id: 'device-access', claim: 'The process may not use the device nodes of the GPU.', symptoms: ['on-cpu', 'dies'], foundBy: ['service/device-access-denied'], grounds: (signs) => lines(signs, 'torch-unknown-error'), decideBy: () => 'ls -l /dev/nvidia* /dev/nvidia-uvm' },
  { id: 'architecture-missing', claim: 'A library has no code for the architecture of the card.', symptoms: ['dies', 'on-cpu'], foundBy: ['ep/architecture-missing'], decideBy: () => 'nvidia-smi --query-gpu=name,compute_cap --format=csv' },
  { id: 'compute-type-unsupported', claim: 'The compute type asked for is not to be had on the device in use.', symptoms: ['dies'], foundBy: ['ep/compute-type-unsupported'], decideBy: () => "python -c \"import ctranslate2 as c; print(c.get_cuda_device_count(), c.get_supported_compute_types('cuda'))\"" },
  { id: 'cudnn-missing', claim: 'A library of cuDNN is missing where the process looks for it.', symptoms: ['dies', 'on-cpu'], foundBy: ['cudnn/sublibraries-missing'], decideBy: (signs) => again(signs, ' --only cudnn') },
  { id: 'cudnn-mixed', claim: 'Libraries of two cuDNN releases meet in one process.', symptoms: ['dies'], foundBy: ['cudnn/mixed-origins'], decideBy: (signs) => again(signs, ' --only cudnn') },
  { id: 'cuda-call-failed', claim: 'CUDA calls of the engine fail.', symptoms: ['dies'], decideBy: () => 'journalctl -k --grep NVRM' },
  { id: 'gpu-fault', claim: 'The driver reports a fault of the GPU or of a program on it.', symptoms: ['dies'], decideBy: () => "journalctl -k --grep 'NVRM: Xid'" },
  // ── slow on the GPU ───────────────────────────────────────────────────────────────────────────────────────
  {
    id: 'int8-placement',
    claim: 'The model is quantised with operators that have no CUDA kernel, so that they run on the CPU with copies in between.',
    symptoms: ['slow'],
    always: true,
    possible: ({ asks }) => asks?.asks !== 'cpu',
    // What only lies in a folder, or beside its twin, need not be what is loaded.
    confirmed: (signs) => [...tried(signs), ...(withoutGpuPart(signs) ? [] : quantised(signs)).filter(({ certain }) => certain).map(inWords)],
    grounds: (signs) => quantised(signs).filter(({ certain }) => !certain).map(inWords),
    means: (signs) => (quantised(signs).some(({ certain }) => certain) ? null : 'It lies where the service looks for models, and whether it is the one that is loaded is not known.'),
    refuted: (signs) => {
      const all = placed(signs)
      if (!all.some(({ certain }) => certain) || all.some(({ forecast }) => forecast.cpuNodes > 0)) return null
      return { evidence: all.slice(0, 3).map(({ asked, model }) => ({ source: asked, saw: `${model.nodes} nodes, all with a CUDA kernel or on shapes` })), because: 'Every operator of the models read has a CUDA kernel for its types.' }
    },
    decideBy: (signs) => [again(signs, ' --model ENCODER.onnx'), ...profilingOf(signs.engineFiles ?? []).map(({ how }) => how)].join('; or '),
  },
  { id: 'cpu-quota', claim: 'The CPU quota of the service holds the work back.', symptoms: ['slow'], foundBy: ['cgroup/cpu-throttled'], refutedBy: { check: 'cgroup/cpu-throttled', because: 'It was watched at work, and the kernel did not stop it in any number of periods worth the name.' }, grounds: (signs) => property(signs, 'CPUQuotaPerSecUSec', /^infinity$/), means: quotaInWords, decideBy: (signs) => `${again(signs, ' --only cgroup')}, while it transcribes` },
  { id: 'memory-limit', claim: 'The memory limit of the service makes it swap or reclaim while it works, or has the kernel end it.', symptoms: ['slow', 'dies'], foundBy: ['cgroup/memory-limit-reached'], answered: ({ limitNeverHit }) => (limitNeverHit ? { evidence: [limitNeverHit], because: 'The kernel counts each time that the limit is run into, and counts none.' } : null), grounds: (signs) => property(signs, 'MemoryMax', /^infinity$/), decideBy: (signs) => `${again(signs, ' --only cgroup')}, while it transcribes` },
  { id: 'conv-fallback', claim: 'cuDNN has no fast engine for a convolution of the model.', symptoms: ['slow'], decideBy: () => 'Set log_severity_level=2 and look for “running in Fallback mode”.' },
  { id: 'conv-algorithm-search', claim: 'cuDNN searches for the best algorithm anew for each length of audio.', symptoms: ['slow'], always: true, answered: onceForEachShape, grounds: (signs) => anewForEachShape(signs)?.evidence ?? [], means: (signs) => anewForEachShape(signs)?.because ?? null, decideBy: () => 'Transcribe two files of different length in one process, each of them twice: with a search the first time of each is slow.' },
  { id: 'cold-start', claim: 'It was the first work after the start, with loading and warming up in it.', symptoms: ['slow'], always: true, confirmed: (signs) => { const told = firstOfAll(signs); return told?.slow === true ? told.evidence : [] }, answered: (signs) => { const told = firstOfAll(signs); return told?.slow === false ? told : null }, decideBy: () => 'Transcribe the same file twice in one process, and compare.' },
  { id: 'offloaded-weights', claim: 'Weights lie in main memory or on the disk and are fetched in every call.', symptoms: ['slow'], decideBy: () => 'print(model.hf_device_map)' },
  { id: 'cuda-graphs-off', claim: 'The decoder runs without CUDA graphs.', symptoms: ['slow'], decideBy: () => 'cat /proc/driver/nvidia/version' },
  { id: 'operator-unsupported', claim: 'No provider has a kernel for an operator of the model.', symptoms: ['dies'], decideBy: (signs) => again(signs, ' --model FILE.onnx') },
  { id: 'model-file-broken', claim: 'A model file is no whole model: cut short, a Git LFS pointer in its place, or a file of another kind.', symptoms: ['dies'], foundBy: ['ep/model-file-broken'], decideBy: (signs) => again(signs, ' --model FILE.onnx') },
  // ── empty text ────────────────────────────────────────────────────────────────────────────────────────────
  { id: 'precision-overflow', claim: 'The model computes nothing but infinities or blanks in the precision or quantisation it runs in.', symptoms: ['empty-text'], always: true, decideBy: () => 'Transcribe the same file on the CPU, or with the fp32 model.' },
  { id: 'silent-input', claim: 'What was recorded is silence.', symptoms: ['empty-text'], always: true, hintedBy: ['audio/only-monitors'], refuted: heardSpeech, decideBy: () => 'Transcribe a file of known speech in place of the microphone.' },
  { id: 'wrong-sample-form', claim: 'Audio of another rate, number of channels or sample format is taken for 16 kHz mono.', symptoms: ['empty-text'], always: true, refuted: heardSpeech, decideBy: () => 'Compare the samples it reports with the seconds of audio: 16000 a second.' },
  // ── dies ──────────────────────────────────────────────────────────────────────────────────────────────────
  { id: 'files-hidden', claim: 'The service may not see the files that it needs: its models, its caches or its environment file.', symptoms: ['dies'], foundBy: ['service/home-hidden', 'service/environment-file-missing'], decideBy: (signs) => again(signs, ' --only service') },
  { id: 'process-died', claim: 'The process ended by itself or was killed.', symptoms: ['dies'], decideBy: (signs) => again(signs, ' --only log') },
  { id: 'out-of-memory', claim: 'The kernel killed it for want of memory.', symptoms: ['dies'], decideBy: () => "journalctl -k --grep 'Killed process'" },
  { id: 'gpu-out-of-memory', claim: 'The GPU had no memory left.', symptoms: ['dies'], grounds: (signs) => lines(signs, 'cublas-not-initialised', 'ort-out-of-memory'), decideBy: () => 'nvidia-smi --query-gpu=memory.used,memory.total --format=csv -l 1' },
  { id: 'audio-server-unreachable', claim: 'The program reaches no sound server.', symptoms: ['no-microphone'], foundBy: ['audio/server-unreachable', 'audio/alsa-hidden'], decideBy: (signs) => again(signs, ' --only audio'), decideFurther: () => 'Start it again and read what it says when it opens the microphone: “Connection refused” or “No such file or directory” confirms it.' },
]
