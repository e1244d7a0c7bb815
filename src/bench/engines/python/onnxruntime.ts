import { CannotMeasure, type Engine, type Instance } from '../../engine.ts'
import { placementIn } from '../../placement.ts'
import { shortName } from '../../providers.ts'
import { inTempFolder } from '../../temp-folder.ts'
import { plainError, refusesProvider, whyPythonDidNot } from '../refused.ts'
import { startPython, type PythonFailure } from './process.ts'
import { pythonScript } from './script.ts'

/** Files and names for the script. */
export interface NetworkJob {
  readonly encoder: string
  readonly decoder: string
  readonly calibration: string
  /** Features as float32, a file for each piece of the recording; `shape` is what the encoder takes, -1 for the length of the piece. */
  readonly mels: readonly string[]
  readonly shape: readonly number[]
  /** A transducer steps once a frame with this blank; a Whisper steps so many times a window, from this first token. */
  readonly decode: { readonly blank: number; readonly state: number } | { readonly first: number; readonly steps: number; readonly layers: number; readonly heads: number; readonly size: number }
  /** The runtime's long names. */
  readonly providers: readonly string[]
  readonly threads: number | null
}

export interface NetworkFacts {
  readonly version: string
  /** Providers built into the package, the runtime's long names. */
  readonly available: readonly string[]
}

export interface PythonNetwork extends Instance, NetworkFacts {
  readonly python: string
  output(): string
}

/** A built-in network on the onnxruntime of the user's own Python. */
export const pythonNetwork = (python: string, job: NetworkJob, signal: AbortSignal): Engine<PythonNetwork> => ({ open: () => open(python, job, signal), freshEveryRun: false })

async function open(python: string, job: NetworkJob, signal: AbortSignal): Promise<PythonNetwork> {
  const child = startPython<NetworkFacts>(
    {
      python, script: pythonScript(ENGINE),
      failed: (failure, output) => failed(python, job, failure, output),
    },
    signal,
  )
  const { sinceReadyMs, facts, python: release } = await child.ask(job, 'loaded')
  const loadMs = performance.now() - child.startedAt - sinceReadyMs
  return {
    ...facts,
    python: release,
    loadMs,
    output: child.output,
    pids: () => (child.pid === null ? [] : [child.pid]),
    run: async () => (await child.ask({ kind: 'run' }, 'ran')).run,
    calibrate: async () => (await child.ask({ kind: 'calibrate' }, 'calibrated')).calibration,
    placement: () =>
      inTempFolder(async (folder) => {
        await child.ask({ kind: 'place', folder }, 'placed')
        return placementIn(folder)
      }),
    compare: async () => (await child.ask({ kind: 'compare' }, 'compared')).agreement,
    stop: child.stop,
  }
}

function failed(python: string, { providers }: NetworkJob, { at, error, library, available = [] }: PythonFailure, output: string): CannotMeasure {
  const said = plainError(error).slice(0, 400).replace(/\.$/, '')
  if (at === 'runtime') return new CannotMeasure(`${python} cannot import onnxruntime (${said}).`)
  const first = providers[0]!
  const refused = at === 'session' && (!available.includes(first) || refusesProvider(shortName(first), error, output))
  const why = whyPythonDidNot(shortName(first), { available, version: library!.replace('onnxruntime ', ''), output, error })
  // It fell back by itself, and then something else was wrong.
  const also = refusesProvider(shortName(first), error, '') ? '' : ` Without it the network was not taken either: ${said}.`
  return new CannotMeasure(`${library} in ${python} failed: ${said}.`, refused ? { error: `${why}${also}`, output } : null)
}

const ENGINE = `
def library():
    global np, ort
    import numpy as np
    import onnxruntime as ort
    job['library'], job['available'] = 'onnxruntime ' + ort.__version__, ort.get_available_providers()

def session(path, providers=None, profile=None):
    options = ort.SessionOptions()
    if job['threads']:
        options.intra_op_num_threads = job['threads']
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, profile
    return ort.InferenceSession(path, options, providers=providers or job['providers'])

def sessions(**how):
    return session(job['encoder'], **how), session(job['decoder'], **how)

def load():
    global network
    network = sessions()

def prepare():
    global mels, square, yardstick
    mels = [np.fromfile(path, dtype=np.float32).reshape(job['shape']) for path in job['mels']]
    square = np.sin(np.arange(512 * 512, dtype=np.float32)).reshape(512, 512)
    yardstick = session(job['calibration'])
    calibrate()

def facts():
    return {'version': ort.__version__, 'available': job['available']}

def calibrate():
    yardstick.run(None, {'x': square})

def integer(value):
    return np.array([[value]], np.int64)

def transduce(decoder, encoded, blank, state):
    token, h, c = blank, np.zeros((1, 1, state), np.float32), np.zeros((1, 1, state), np.float32)
    for frame in encoded[0]:
        logits, next_h, next_c = decoder.run(['logits', 'h_next', 'c_next'], {'frame': frame[None], 'token': integer(token), 'h': h, 'c': c})
        best = int(logits.argmax())
        if best != blank:
            token, h, c = best, next_h, next_c

def generate(decoder, cross, first, steps, layers, heads, size):
    names = [kind + str(layer) for layer in range(layers) for kind in 'kv']
    past, token = {'past_' + name: np.zeros((1, heads, 0, size), np.float32) for name in names}, first
    for position in range(steps):
        logits, *grown = decoder.run(['logits'] + ['next_' + name for name in names], dict(cross, token=integer(token), position=integer(position), **past))
        token, past = int(logits.argmax()), {'past_' + name: value for name, value in zip(names, grown)}

def hear(encoder, decoder):
    how = job['decode']
    for mel in mels:
        names = [output.name for output in encoder.get_outputs()]
        heard = dict(zip(names, encoder.run(names, {'mel': mel})))
        watch.mark('encoder')
        encoded = heard.pop('encoded')
        transduce(decoder, encoded, **how) if 'blank' in how else generate(decoder, heard, **how)
        watch.mark('decoder')
    return encoded

def run():
    hear(*network)

def place(folder):
    # Sessions of their own, since profiling slows what it watches: one run to warm up, one to look at.
    profiled = [session(job[part], profile=os.path.join(folder, part)) for part in ('encoder', 'decoder')]
    hear(*profiled)
    hear(*profiled)
    for each in profiled:
        each.end_profiling()

def compare():
    # The weights are the same everywhere, so the CPU's output is the reference for any other provider's.
    theirs = hear(*network).astype(np.float64).ravel()
    reference = sessions(providers=['CPUExecutionProvider'])
    hear(*reference)
    since = time.perf_counter()
    ours = hear(*reference).astype(np.float64).ravel()
    spent = time.perf_counter() - since
    with np.errstate(all='ignore'):
        cosine = theirs.dot(ours) / np.sqrt(theirs.dot(theirs) * ours.dot(ours)) if theirs.shape == ours.shape else 0
    return {'cosine': float(cosine) if np.isfinite(cosine) else 0, 'finite': bool(np.isfinite(theirs).all()), 'cpuWallMs': spent * 1e3}
`
