import { CannotMeasure, type Engine, type Instance } from '../../engine.ts'
import { startPython } from './process.ts'
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
  /** Providers of the session, the runtime's long names, and those built into the package. */
  readonly used: readonly string[]
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
      failed: ({ at, error }, output) =>
        at === 'runtime'
          ? new CannotMeasure(`${python} cannot import onnxruntime (${error.trim().replace(/\.$/, '')}).`)
          : new CannotMeasure(`onnxruntime in ${python} failed: ${error.trim().slice(0, 400).replace(/\.$/, '')}.`, at === 'session' ? { error, output } : null),
    },
    signal,
  )
  const { readyAtMs, facts, python: release } = await child.ask(job, 'loaded')
  return {
    ...facts,
    python: release,
    loadMs: readyAtMs - child.startedAtMs,
    output: child.output,
    pids: () => (child.pid === null ? [] : [child.pid]),
    run: async () => (await child.ask({ kind: 'run' }, 'ran')).run,
    calibrate: async () => (await child.ask({ kind: 'calibrate' }, 'calibrated')).calibration,
    placement: async () => [],
    stop: child.stop,
  }
}

const ENGINE = `
def library():
    global np, ort
    import numpy as np
    import onnxruntime as ort

def session(path):
    options = ort.SessionOptions()
    if job['threads']:
        options.intra_op_num_threads = job['threads']
    return ort.InferenceSession(path, options, providers=job['providers'])

def load():
    global encoder, decoder
    encoder, decoder = session(job['encoder']), session(job['decoder'])

def prepare():
    global mels, square, yardstick
    mels = [np.fromfile(path, dtype=np.float32).reshape(job['shape']) for path in job['mels']]
    square = np.sin(np.arange(512 * 512, dtype=np.float32)).reshape(512, 512)
    yardstick = session(job['calibration'])
    calibrate()

def facts():
    return {'version': ort.__version__, 'used': encoder.get_providers(), 'available': ort.get_available_providers()}

def calibrate():
    yardstick.run(None, {'x': square})

def integer(value):
    return np.array([[value]], np.int64)

def transduce(encoded, blank, state):
    token, h, c = blank, np.zeros((1, 1, state), np.float32), np.zeros((1, 1, state), np.float32)
    for frame in encoded[0]:
        logits, next_h, next_c = decoder.run(['logits', 'h_next', 'c_next'], {'frame': frame[None], 'token': integer(token), 'h': h, 'c': c})
        best = int(logits.argmax())
        if best != blank:
            token, h, c = best, next_h, next_c

def generate(cross, first, steps, layers, heads, size):
    names = [kind + str(layer) for layer in range(layers) for kind in 'kv']
    past, token = {'past_' + name: np.zeros((1, heads, 0, size), np.float32) for name in names}, first
    for position in range(steps):
        logits, *grown = decoder.run(['logits'] + ['next_' + name for name in names], dict(cross, token=integer(token), position=integer(position), **past))
        token, past = int(logits.argmax()), {'past_' + name: value for name, value in zip(names, grown)}

def run():
    how = job['decode']
    for mel in mels:
        names = [output.name for output in encoder.get_outputs()]
        heard = dict(zip(names, encoder.run(names, {'mel': mel})))
        watch.mark('encoder')
        encoded = heard.pop('encoded')
        transduce(encoded, **how) if 'blank' in how else generate(heard, **how)
        watch.mark('decoder')
`
