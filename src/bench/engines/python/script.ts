/**
 * What every engine in the user's Python shares: one JSON request a line on standard input, one JSON answer a line on what was
 * standard output, while whatever libraries print goes to standard error; the clock; the order of things. An engine is a piece
 * of Python that defines `library()` (imports), `load()`, `run()` (its text, or None), `facts()`, and may define `prepare()`,
 * `calibrate()`, `place()`, `compare()` and `settle()`. Python 3.8 and later.
 */
export const pythonScript = (engine: string): string => `${BEFORE}\n${engine}\n${AFTER}`

const BEFORE = `
import json, os, sys, time
if sys.path and sys.path[0] == '':
    sys.path.pop(0)
out = os.fdopen(os.dup(1), 'w')
os.dup2(2, 1)
job = json.loads(sys.stdin.buffer.readline().decode('utf-8'))

def say(kind, **fields):
    fields['kind'] = kind
    out.write(json.dumps(fields) + '\\n')
    out.flush()

def fail(at, error):
    say('failed', at=at, error=type(error).__name__ + ': ' + str(error), **{name: job[name] for name in ('library', 'available') if name in job})
    sys.exit(0)

class Missing(Exception):
    pass

def version(package, module):
    try:
        from importlib import metadata
        return metadata.version(package)
    except Exception:
        return str(getattr(module, '__version__', 'of an unknown version'))

def settle():
    """Waits for a device that works by itself, so that a clock beside it tells the truth."""

def prepare():
    pass

def now():
    settle()
    return time.perf_counter(), time.process_time()

class Watch:
    def __init__(self):
        self.phases = {}
        self.start = self.last = now()

    def add(self, name, since):
        wall, cpu = now()
        before = self.phases.get(name, (0, 0))
        self.phases[name] = before[0] + wall - since[0], before[1] + cpu - since[1]
        return wall, cpu

    def mark(self, name):
        self.last = self.add(name, self.last)

    def rest(self, name):
        """What is left of the run once the phases so far are taken off."""
        wall, cpu = now()
        spent = [sum(times) for times in zip(*self.phases.values())] or [0, 0]
        self.phases[name] = max(0, wall - self.start[0] - spent[0]), max(0, cpu - self.start[1] - spent[1])

    def total(self, text):
        wall, cpu = now()
        phases = [{'name': name, 'wallMs': times[0] * 1e3, 'cpuMs': times[1] * 1e3} for name, times in self.phases.items()]
        return {'wallMs': (wall - self.start[0]) * 1e3, 'cpuMs': (cpu - self.start[1]) * 1e3, 'phases': phases, 'text': text}

def timed(phase, function):
    def wrapper(*args, **kwargs):
        since = now()
        try:
            return function(*args, **kwargs)
        finally:
            watch.add(phase, since)
    return wrapper

class Timed:
    """Stands before an object and counts calls of some of its methods as phases; 'call' is the object itself."""
    def __init__(self, target, **phases):
        self.__dict__.update(_target=target, _phases=phases)

    def __getattr__(self, name):
        value = getattr(self._target, name)
        return timed(self._phases[name], value) if name in self._phases else value

    def __call__(self, *args, **kwargs):
        return timed(self._phases['call'], self._target)(*args, **kwargs)

watch = Watch()
`

const AFTER = `
def described():
    return dict(facts(), library=job.get('library'))

try:
    library()
except Exception as error:
    fail('runtime', error)
try:
    load()
    ready = time.perf_counter()
except Missing as error:
    fail('missing', error)
except Exception as error:
    fail('session', error)
try:
    prepare()
except Exception as error:
    fail('run', error)
say('loaded', sinceReadyMs=(time.perf_counter() - ready) * 1e3, python='%d.%d.%d' % sys.version_info[:3], facts=described())
for line in sys.stdin.buffer:
    request = json.loads(line.decode('utf-8'))
    try:
        watch = Watch()
        if request['kind'] == 'run':
            text = run()
            say('ran', run=watch.total(text), facts=described())
        elif request['kind'] == 'place':
            place(request['folder'])
            say('placed')
        elif request['kind'] == 'compare':
            say('compared', agreement=compare())
        else:
            calibrate()
            total = watch.total(None)
            say('calibrated', calibration={'wallMs': total['wallMs'], 'cpuMs': total['cpuMs']})
    except Exception as error:
        fail('run', error)
`
