/**
 * What the service's own interpreter is asked: `FOLDER gpu|cpu ENGINE,… onnx:FILE… ct2:FOLDER…`. Each engine is tried in a forked
 * child, since a missing driver may end it with SIGSEGV or hang it; what it told until then still counts. Written for Python 3.6
 * and later, behind PROLOGUE (src/facts/python-reply.ts). It makes no file.
 */
import { SAID } from './said.ts'
import { TRIES } from './tries.ts'
import { NVML } from './nvml.ts'

/** With less of it free, the GPU is the service's alone. */
const FREE_MIB = 1024

export const probeScript = (model: Uint8Array, seconds: number): string => `
import base64, importlib, re, select, signal, time
service_path(sys.argv[1])
gpu = sys.argv[2] == 'gpu'
engines = sys.argv[3].split(',')
job = dict((kind, [word[len(kind) + 1:] for word in sys.argv[4:] if word.startswith(kind + ':')]) for kind in ('onnx', 'ct2'))
MODEL = base64.b64decode('${base64(model)}')
END = time.time() + ${seconds}
NVML = '''${NVML}'''
try:
    exec(NVML, globals())
    no_nvml = None
except Exception as error:
    Watch, no_nvml = None, str(error)
MODULES = {'onnxruntime': 'onnxruntime', 'ctranslate2': 'ctranslate2', 'torch': 'torch', 'sherpa-onnx': 'sherpa_onnx', 'whisper.cpp': 'pywhispercpp'}
${TRIES}# ── in the parent ────────────────────────────────────────────────────────────────────────────────────────────
${SAID}try:
    # What an engine starts and leaves behind becomes a child of this process, whatever session it went to (prctl(2)).
    import ctypes
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
except Exception:
    pass

def parent_of(pid):
    try:
        with open('/proc/%s/stat' % pid) as file:
            return int(file.read().rsplit(')', 1)[1].split()[1])
    except (IOError, OSError, ValueError, IndexError):
        return None

def orphans_ended():
    # One that is stuck in the driver cannot be ended, and is not waited for.
    me = os.getpid()
    for again in range(20):
        left = [int(pid) for pid in os.listdir('/proc') if pid.isdigit() and parent_of(pid) == me]
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, os.WNOHANG)
            except OSError:
                pass
        time.sleep(0.02)

def ended_by(pid, until):
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        if time.time() >= until:
            return None
        time.sleep(0.02)

def hear(told, line, watch):
    # What a child told last counts, also where it died over the next.
    try:
        part = json.loads(line.decode('ascii', 'replace'))
    except ValueError:
        return
    told.update(part.get('set', {}))
    if part.get('watch') and watch:
        watch.begin()
    if 'to' in part:
        if watch and isinstance(part['value'], dict):
            part['value']['gpus'] = watch.end()
        told.setdefault(part['to'], []).append(part['value'])

def tried(engine, until):
    global Watch, no_nvml
    answer_r, answer_w = os.pipe()
    said_r, said_w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(answer_r)
        os.close(said_r)
        child(engine, answer_w, said_w)
    os.close(answer_w)
    os.close(said_w)
    try:
        # Where memory runs out, this process is to go and not the service.
        with open('/proc/%d/oom_score_adj' % pid, 'w') as file:
            file.write('1000')
    except (IOError, OSError):
        pass
    watch = Watch(None if pid in strangers else pid) if Watch else None
    if watch:
        watch.start()
    told, said, rest, status, waiting = {'engine': engine, 'version': None, 'step': 'start', 'error': None, 'end': 'late'}, Said(), b'', None, [answer_r, said_r]
    while waiting and time.time() < until:
        ready = select.select(waiting, [], [], min(0.2, max(0, until - time.time())))[0]
        for one in ready:
            data = os.read(one, 65536)
            if not data:
                waiting.remove(one)
            elif one == said_r:
                said.push(data)
            else:
                lines = ((rest + data)[-2 ** 20:]).split(b'\\n')
                rest = lines.pop()
                for one_line in lines:
                    hear(told, one_line, watch)
        if status is None:
            done, ended = os.waitpid(pid, os.WNOHANG)
            status = ended if done else None
        if status is not None and not ready:
            break
    # A process that is stuck in the driver cannot be ended, and is not waited for.
    status, late = ended_by(pid, until) if status is None else status, False
    if status is None:
        late = True
        os.kill(pid, signal.SIGKILL)
        ended_by(pid, time.time() + 1)
    orphans_ended()
    os.close(answer_r)
    os.close(said_r)
    said.push(b'\\n')
    if told['end'] != 'answered' and not late:
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        names = dict((getattr(signal, name), name) for name in dir(signal) if re.match(r'SIG[A-Z]+$', name))
        told['end'] = str(names.get(number, number)) if number else 'exit %d' % os.WEXITSTATUS(status)
    if watch:
        watch.over.set()
        watch.join(5)
        if watch.is_alive():
            Watch, no_nvml = None, 'NVML did not come back'
    told['gpus'] = watch.gpus if watch else []
    return finish(told, said)

# NVML counts in the host's numbers: in a container, a number of ours may be another process there.
spared, driver, free_gpu, strangers = None, None, [], set()
if Watch:
    try:
        nvml = Nvml()
        driver = nvml.driver
        free_gpu = [each for each in (nvml.free(handle) for handle in nvml.usable(os.environ)) if each is not None]
        for handle in nvml.handles:
            strangers.update(nvml.computing(handle))
        nvml.close()
        if gpu and free_gpu and min(free_gpu) < ${FREE_MIB} * 1024 * 1024:
            spared = 'only %d MiB of GPU memory are free, and a probe could take them from the service' % (min(free_gpu) >> 20)
    except Exception as error:
        Watch, no_nvml = None, str(error)
try:
    os.nice(10)
except OSError:
    pass
def there(name):
    try:
        return find_spec(name) is not None
    except Exception:
        return False
from importlib.util import find_spec
done = []
found = [engine for engine in engines if spared is None and there(MODULES[engine])]
for engine in found:
    # One that hangs leaves some time for those behind it.
    left = END - time.time()
    if left > 0.5:
        done.append(tried(engine, END if engine == found[-1] else time.time() + left * 0.6))
answer({'python': '%d.%d.%d' % sys.version_info[:3], 'spared': spared, 'noNvml': no_nvml, 'driver': driver, 'engines': done})
`

function base64(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}
