/**
 * What the user's own Python runs: our network on their onnxruntime. One JSON request a line on standard input, one JSON answer
 * a line on what was standard output; whatever libraries print goes to standard error. Written for Python 3.6 and later.
 */
export const PYTHON_SCRIPT = `
import json, os, sys, time
if sys.path and sys.path[0] == '':
    sys.path.pop(0)
out = os.fdopen(os.dup(1), 'w')
os.dup2(2, 1)

def say(kind, **fields):
    fields['kind'] = kind
    out.write(json.dumps(fields) + '\\n')
    out.flush()

def fail(at, error):
    say('failed', at=at, error=type(error).__name__ + ': ' + str(error))
    sys.exit(0)

job = json.loads(sys.stdin.readline())
try:
    import numpy as np
    import onnxruntime as ort
except Exception as error:
    fail('runtime', error)

def session(path):
    options = ort.SessionOptions()
    if job['threads']:
        options.intra_op_num_threads = job['threads']
    return ort.InferenceSession(path, options, providers=job['providers'])

class Watch:
    def __init__(self):
        self.phases, self.wall, self.cpu = [], time.perf_counter(), time.process_time()
        self.start = (self.wall, self.cpu)

    def mark(self, name):
        wall, cpu = time.perf_counter(), time.process_time()
        self.phases.append({'name': name, 'wallMs': (wall - self.wall) * 1e3, 'cpuMs': (cpu - self.cpu) * 1e3})
        self.wall, self.cpu = wall, cpu

    def total(self):
        return {'wallMs': (self.wall - self.start[0]) * 1e3, 'cpuMs': (self.cpu - self.start[1]) * 1e3, 'phases': self.phases, 'text': None}

try:
    encoder, decoder, yardstick = session(job['encoder']), session(job['decoder']), None
    ready = time.time() * 1e3
except Exception as error:
    fail('session', error)

try:
    mels = [np.fromfile(path, dtype=np.float32).reshape(1, -1, 80) for path in job['mels']]
    square = np.sin(np.arange(512 * 512, dtype=np.float32)).reshape(512, 512)
    yardstick = session(job['calibration'])
    yardstick.run(None, {'x': square})
except Exception as error:
    fail('run', error)

def decode(encoded):
    token, h, c = job['blank'], np.zeros((1, 1, 640), np.float32), np.zeros((1, 1, 640), np.float32)
    for frame in encoded:
        logits, next_h, next_c = decoder.run(['logits', 'h_next', 'c_next'], {'frame': frame[None], 'token': np.array([[token]], np.int64), 'h': h, 'c': c})
        best = int(logits.argmax())
        if best != job['blank']:
            token, h, c = best, next_h, next_c

say('loaded', readyAtMs=ready, version=ort.__version__, python='%d.%d.%d' % sys.version_info[:3],
    used=encoder.get_providers(), available=ort.get_available_providers())
for line in sys.stdin:
    request = json.loads(line)
    try:
        watch = Watch()
        if request['kind'] == 'run':
            for mel in mels:
                encoded = encoder.run(['encoded'], {'mel': mel})[0]
                watch.mark('encoder')
                decode(encoded[0])
                watch.mark('decoder')
            say('ran', run=watch.total())
        else:
            yardstick.run(None, {'x': square})
            watch.mark('encoder')
            total = watch.total()
            say('calibrated', calibration={'wallMs': total['wallMs'], 'cpuMs': total['cpuMs']})
    except Exception as error:
        fail('run', error)
`
