import { CannotSee } from '../cannot-see.ts'
import type { Host } from '../types.ts'
import type { Interpreter } from './python-interpreter.ts'
import { askPython, PROLOGUE } from './python-reply.ts'

/** One line of source that asks a package below `nvidia` where it lies. */
export interface IdiomLine {
  readonly file: string
  readonly line: number
  readonly text: string
  readonly module: string
  /** What it takes the folder from: `__file__`, or the first entry of `__path__` alone. */
  readonly attribute: '__file__' | '__path__[0]'
}

/** One line of source that says how an engine is to be run, or asks something whether it can be. */
export interface EngineLine {
  readonly file: string
  readonly line: number
  readonly text: string
  /**
   * `cpu-first`, `tensorrt-first`: the order of the providers of ONNX Runtime; the latter without the cache of engines anywhere in the
   * file. `torch-decides`: torch.cuda.is_available() chooses a device in a file that imports another engine. `compiled-in`: the file asks
   * ONNX Runtime what is built in, and never a session what it uses. `compute-type`: one of CTranslate2 is named.
   */
  readonly kind: 'cpu-first' | 'tensorrt-first' | 'torch-decides' | 'compiled-in' | 'compute-type'
}

export interface SourceScan {
  /** Not in cases recorded before it was looked for. */
  readonly engineLines?: readonly EngineLine[]
  readonly idioms: readonly IdiomLine[]
  /** Lines that load CUDA libraries into the process by themselves before an engine asks for them. */
  readonly preloads: readonly { readonly file: string; readonly line: number; readonly text: string }[]
  readonly files: number
  /** false = a limit was met; `stoppedBy` says which. */
  readonly complete: boolean
  readonly stoppedBy: string | null
  /** The question behind it, for evidence. */
  readonly source: string
}

/** What of the service's own source is looked through. */
export interface Scope {
  readonly folders: readonly string[]
  readonly files: readonly string[]
  /** Top-level names of the packages that are the service's program. */
  readonly modules: readonly string[]
  /** Console scripts, whose first imports name such a package. */
  readonly entries: readonly string[]
}

/**
 * Walks the service's own folders inside its namespace and answers with the few lines that matter, so that neither a
 * whole disk is read nor a whole program ends up in a recording. Limits: 2000 files, 1 MiB a file, 32 MiB, 30 000
 * entries, 8 levels, 2 s. Text in comments and documentation strings is no code.
 */
export const SCAN_SCRIPT = `${PROLOGUE}
import io, re, time, tokenize
try:
    from importlib.util import find_spec
except ImportError:
    find_spec = None
asked = {'folders': [], 'files': [], 'modules': [], 'entries': []}
for word in sys.argv[2:]:
    asked[word.split('=', 1)[0]].append(word.split('=', 1)[1])
service_path(sys.argv[1])
CODE = ('.py', '.pyw', '.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.sh', '.bash', '.ps1', '.bat', '.cmd', '.service', '.conf')
SKIP = set('site-packages dist-packages node_modules __pycache__ .git .hg .svn .tox .nox .mypy_cache .pytest_cache .cache'.split())
MODULE = r'nvidia(?:\\.\\w+)*?'
DIRECT = re.compile(r'(?<![\\w.])(' + MODULE + r')\\.(?:(__file__)|(__path__)\\s*\\[\\s*0\\s*\\])')
FIRST = re.compile(r'(?:list\\(\\s*(' + MODULE + r')\\.__path__\\s*\\)\\s*\\[\\s*0\\s*\\]|next\\(\\s*iter\\(\\s*(' + MODULE + r')\\.__path__)')
ORIGIN = re.compile(r'find_spec\\(\\s*[\\'"](' + MODULE + r')[\\'"]\\s*\\)\\.origin')
ALIAS = (re.compile(r'\\bimport\\s+(' + MODULE + r')\\s+as\\s+(\\w+)'), re.compile(r'\\bfrom\\s+(nvidia(?:\\.\\w+)*)\\s+import\\s+\\(?\\s*([\\w ,]+)'))
DYNAMIC = re.compile(r'\\b(\\w+)\\s*=\\s*(?:importlib\\.)?(?:import_module|__import__)\\(\\s*[\\'"](' + MODULE + r')[\\'"]')
PRELOAD = re.compile(r'\\bpreload_dlls\\s*\\(|\\bCDLL\\s*\\(.*(?:cudnn|cublas|cudart|nvidia)|^\\s*(?:import|from)\\s+torch\\b|\\bimport_module\\(\\s*[\\'"]torch[\\'"]')
# A test for None: this code knows that there may be no file.
TESTED = re.compile(r'([\\w.]+)\\.__file__\\s*(?:is\\s+(?:not\\s+)?|[!=]=\\s*)None|\\bif\\s+([\\w.]+)\\.__file__\\s*(?::|else|and|$)|([\\w.]+)\\.__file__\\s+or\\b|(?:has|get)attr\\(\\s*([\\w.]+)\\s*,\\s*[\\'"]__file__')
LIST = r'(?:\\b(?:providers\\w*|PROVIDERS)\\s*(?::[^=\\n]+)?=\\s*|\\bset_providers\\(\\s*)\\[\\s*'
ORDER = (('cpu-first', re.compile(LIST + r'[\\'"]CPUExecutionProvider[\\'"]\\s*,[^\\]]*?[\\'"]CUDAExecutionProvider[\\'"]')), ('tensorrt-first', re.compile(LIST + r'\\(?\\s*[\\'"]TensorrtExecutionProvider[\\'"]')))
TORCH_DECIDES = re.compile(r'\\btorch\\.cuda\\.is_available\\(\\)')
COMPUTE_TYPE = re.compile(r'\\bcompute_type\\s*=\\s*[\\'"](?:int8|int16|float16|bfloat16)\\w*[\\'"]')
COMPILED_IN = re.compile(r'\\b(?:ort|onnxruntime|rt)\\.(?:get_device|get_available_providers)\\(\\)')
OTHER_ENGINE = re.compile(r'^\\s*(?:from|import)\\s+(?:faster_whisper|ctranslate2|onnxruntime|sherpa_onnx)\\b', re.M)
limits = {'files': 2000, 'bytes': 32 << 20, 'entries': 30000, 'depth': 8, 'size': 1 << 20}
end = time.time() + 2.0
state = {'files': 0, 'bytes': 0, 'entries': 0, 'stopped': None}
idioms, preloads, engine_lines, done = [], [], [], set()
class Stop(Exception):
    pass
def stop(why):
    state['stopped'] = state['stopped'] or why
    raise Stop()
def dark_of(source):
    """Columns from which a comment runs, by line, and the lines of strings that stand alone (documentation)."""
    comments, strings, fresh = {}, set(), True
    try:
        pending = None
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            kind, value, begin, finish = token[0], token[1], token[2], token[3]
            if kind == tokenize.COMMENT:
                comments[begin[0]] = begin[1]
            elif kind == tokenize.STRING and fresh:
                pending = range(begin[0], finish[0] + 1)
                fresh = False
            elif kind in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.NL, tokenize.ENCODING if hasattr(tokenize, 'ENCODING') else -1):
                if kind == tokenize.NEWLINE:
                    strings.update(pending or ())
                if kind in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
                    pending, fresh = None, True
            else:
                pending, fresh = None, False
    except Exception:
        pass
    return comments, strings
def look(path, force=False):
    real = os.path.realpath(path)
    if real in done or not (force or path.lower().endswith(CODE)):
        return
    done.add(real)
    try:
        status = os.stat(real)
        if not os.path.isfile(real):
            return
        if status.st_size > limits['size']:
            state['stopped'] = state['stopped'] or 'a source file larger than 1 MiB: ' + text(path)
            return
        with open(real, 'rb') as file:
            data = file.read(limits['size'])
    except (IOError, OSError):
        return
    state['files'] += 1
    state['bytes'] += len(data)
    if state['files'] > limits['files']:
        stop('2000 files')
    if state['bytes'] > limits['bytes']:
        stop('32 MiB of source')
    if not any(word in data for word in (b'nvidia', b'preload_dlls', b'torch', b'ExecutionProvider', b'get_device', b'compute_type')) or b'\\0' in data[:1024]:
        return
    source = data.decode('utf-8', 'replace')
    is_python = path.endswith(('.py', '.pyw')) or re.match(r'#!.*python', source)
    comments, strings = dark_of(source) if is_python else ({}, set())
    alias, tested, here, code = {}, set(), [], []
    for number, line in enumerate(source.split('\\n'), 1):
        code.append('')
        if number in strings:
            continue
        bare_line = line.strip()
        if number in comments:
            line = line[:comments[number]]
        elif not is_python and re.match(r'#|//|/?\\*|;|::|rem\\s', bare_line, re.I):
            continue
        code[-1] = line.rstrip('\\r')
        if is_python:
            for one in ALIAS[0].finditer(line):
                alias[one.group(2)] = one.group(1)
            for one in ALIAS[1].finditer(line):
                for name in one.group(2).split(','):
                    words = name.split()
                    if words:
                        alias[words[-1]] = one.group(1) + '.' + words[0]
            for one in DYNAMIC.finditer(line):
                alias[one.group(1)] = one.group(2)
            if PRELOAD.search(line):
                preloads.append({'file': path, 'line': number, 'text': line.strip()[:240]})
        for one in TESTED.finditer(line):
            name = next(group for group in one.groups() if group)
            tested.add(alias.get(name, name))
        found = [(m.group(1), '__file__' if m.group(2) else '__path__[0]') for m in DIRECT.finditer(line)]
        found += [(m.group(1) or m.group(2), '__path__[0]') for m in FIRST.finditer(line)] + [(m.group(1), '__file__') for m in ORIGIN.finditer(line)]
        for name in alias:
            for m in re.finditer(r'(?<![\\w.])' + re.escape(name) + r'\\.(?:(__file__)\\b|(__path__)\\s*\\[\\s*0\\s*\\])', line):
                found.append((alias[name], '__file__' if m.group(1) else '__path__[0]'))
        for module, attribute in sorted(set(found)):
            here.append({'file': path, 'line': number, 'text': line.strip('\\r')[:1000], 'module': module, 'attribute': attribute})
    if is_python:
        whole = '\\n'.join(code)
        def say(kind, at):
            number = whole.count('\\n', 0, at) + 1
            engine_lines.append({'file': path, 'line': number, 'text': code[number - 1].strip()[:240], 'kind': kind})
        for kind, pattern in ORDER:
            for one in pattern.finditer(whole):
                if kind != 'tensorrt-first' or 'trt_engine_cache_enable' not in whole:
                    say(kind, one.start())
        if OTHER_ENGINE.search(whole):
            for one in TORCH_DECIDES.finditer(whole):
                around = whole[whole.rfind('\\n', 0, one.start()) + 1:(whole + '\\n').find('\\n', one.end())]
                if re.search(r'[\\'"](?:cuda|cpu)[\\'"]', around):
                    say('torch-decides', one.start())
        for one in COMPUTE_TYPE.finditer(whole):
            say('compute-type', one.start())
        if '.get_providers(' not in whole:
            for one in COMPILED_IN.finditer(whole):
                say('compiled-in', one.start())
    idioms.extend(row for row in here if row['attribute'] != '__file__' or row['module'] not in tested)
def walk(folder, depth):
    if time.time() > end:
        stop('2 s')
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    state['entries'] += len(names)
    if state['entries'] > limits['entries']:
        stop('30 000 folder entries')
    below = []
    for name in names:
        path = os.path.join(folder, name)
        if name.lower().endswith(CODE):
            look(path)
        elif name not in SKIP and os.path.isdir(path) and not os.path.islink(path):
            below.append(path)
    for path in below:
        # A virtual environment or an installed distribution is not the service's own source.
        if depth >= limits['depth']:
            state['stopped'] = state['stopped'] or '8 levels of folders'
        elif not os.path.exists(os.path.join(path, 'pyvenv.cfg')):
            walk(path, depth + 1)
modules = list(asked['modules'])
for entry in asked['entries']:
    try:
        with open(entry, 'rb') as file:
            head = file.read(4096).decode('utf-8', 'replace')
    except (IOError, OSError):
        continue
    modules += [m for m in re.findall(r'^\\s*(?:from|import)\\s+(\\w+)', head, re.M) if m not in ('re', 'sys', 'os', 'importlib', '__future__')][:2]
folders = list(asked['folders'])
for name in modules:
    try:
        spec = find_spec(name.split('.')[0]) if find_spec else None
    except Exception:
        spec = None
    if spec is not None and spec.submodule_search_locations is not None:
        folders += list(spec.submodule_search_locations)
    elif spec is not None and spec.has_location:
        asked['files'].append(spec.origin)
try:
    for path in asked['files'] + asked['entries']:
        look(path, True)
    for folder in folders:
        walk(folder, 0)
except Stop:
    pass
def clean(rows):
    return [dict(row, file=text(row['file'])) for row in rows]
answer({'idioms': clean(idioms[:100]), 'preloads': clean(preloads[:20]), 'engineLines': clean(engine_lines[:20]), 'files': state['files'], 'complete': state['stopped'] is None, 'stoppedBy': state['stopped']})
`

const wordsOf = (scope: Scope): readonly string[] => (['folders', 'files', 'modules', 'entries'] as const).flatMap((kind) => scope[kind].map((path) => `${kind}=${path}`))

export async function scanSource(host: Host, of: Interpreter, scope: Scope): Promise<SourceScan> {
  const { value, source } = await askPython(host, of, 'asr-doctor-scan.py', SCAN_SCRIPT, [of.scriptFolder ?? '', ...wordsOf(scope)])
  const scan: unknown = value
  if (!isScan(scan)) throw new CannotSee(`${of.executable} gave an answer that is none.`)
  return { ...scan, source }
}

/** The interpreter is the service's own and may answer what it likes. */
function isScan(value: unknown): value is Omit<SourceScan, 'source'> {
  const { idioms, preloads, engineLines = [], complete } = (value ?? {}) as Record<string, unknown>
  const isLine = (one: Record<string, unknown> | null): boolean => typeof one?.['file'] === 'string' && typeof one['line'] === 'number' && typeof one['text'] === 'string'
  return Array.isArray(idioms) && idioms.every((one) => isLine(one) && typeof one.module === 'string') && Array.isArray(preloads) && preloads.every(isLine) && Array.isArray(engineLines) && engineLines.every((one) => isLine(one) && typeof one.kind === 'string') && typeof complete === 'boolean'
}
