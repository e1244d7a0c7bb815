import { CannotSee } from '../cannot-see.ts'
import type { Host } from '../types.ts'
import type { Interpreter } from './python-interpreter.ts'
import { askPython, PROLOGUE } from './python-reply.ts'

/**
 * How the file of a line belongs to the service: it is what was started, it is imported or started by that, or it merely lies beside it.
 * Not in cases recorded before it was asked.
 */
export type Reach = 'script' | 'imported' | 'beside'

/** One line of source that asks a package below `nvidia` where it lies. */
export interface IdiomLine {
  readonly reach?: Reach
  readonly file: string
  readonly line: number
  readonly text: string
  readonly module: string
  /** What it takes the folder from: `__file__`, or the first entry of `__path__` alone. */
  readonly attribute: '__file__' | '__path__[0]'
}

/** One line of source that says how an engine is to be run, or asks something whether it can be. */
export interface EngineLine {
  readonly reach?: Reach
  /** A list of providers that no call in its file is seen to take: only the name that it is given speaks for it. */
  readonly loose?: boolean
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
  readonly preloads: readonly { readonly reach?: Reach; readonly file: string; readonly line: number; readonly text: string }[]
  readonly files: number
  /** All that the started program imports is known: no limit was met on that way, every file could be parsed, and no name of a module is made at run time. */
  readonly followed?: boolean
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
  /** Names of the packages and modules that are the service's program. */
  readonly modules: readonly string[]
  /** Console scripts, whose first imports name such a package. */
  readonly entries: readonly string[]
}

/**
 * Walks the service's own folders inside its namespace and answers with the few lines that matter, so that neither a
 * whole disk is read nor a whole program ends up in a recording. Limits: 2000 files, 1 MiB a file, 32 MiB, 30 000
 * entries, 8 levels, 2 s. Text in comments and documentation strings is no code. What was started comes first, then what that
 * imports as far as it lies in these folders, and last what merely lies beside it. Functions test_*, blocks for type checkers and
 * the `__main__` block of an imported file do not run.
 */
export const SCAN_SCRIPT = `${PROLOGUE}
import ast, io, re, time, tokenize, warnings
warnings.simplefilter('ignore')
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
# Packages that a script by hand imports first, and that are not its own.
FOREIGN = set('onnxruntime torch ctranslate2 faster_whisper whisper sherpa_onnx nvidia numpy transformers re sys os importlib __future__'.split())
TORCH_DECIDES = re.compile(r'\\btorch\\.cuda\\.is_available\\(\\)')
COMPUTE_TYPE = re.compile(r'\\bcompute_type\\s*=\\s*[\\'"](?:int8|int16|float16|bfloat16)\\w*[\\'"]')
COMPILED_IN = re.compile(r'\\b(?:ort|onnxruntime|rt)\\.(?:get_device|get_available_providers)\\(\\)')
OTHER_ENGINE = re.compile(r'^\\s*(?:from|import)\\s+(?:faster_whisper|ctranslate2|onnxruntime|sherpa_onnx)\\b', re.M)
limits = {'files': 2000, 'bytes': 32 << 20, 'entries': 30000, 'depth': 8, 'size': 1 << 20}
end = time.time() + 2.0
state = {'files': 0, 'bytes': 0, 'entries': 0, 'stopped': None}
idioms, preloads, engine_lines, done, followed = [], [], [], set(), [True]
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
def kind_of(node):
    return type(node).__name__
def word_of(node):
    value = getattr(node, 'value' if kind_of(node) == 'Constant' else 's', None) if kind_of(node) in ('Constant', 'Str') else None
    return value if isinstance(value, (str, type(u''))) else None
def name_of(node):
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
def parsed(data):
    try:
        return ast.parse(data)
    except Exception:
        return None
def dead_of(tree, starts):
    """Lines that do not run in the service."""
    dead = set()
    for node in ast.walk(tree):
        parts = []
        if kind_of(node) in ('FunctionDef', 'AsyncFunctionDef') and node.name.startswith('test_'):
            parts = [node]
        elif isinstance(node, ast.If):
            test = node.test
            is_main = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq) and '__name__' in (name_of(test.left), name_of(test.comparators[0]))
            if name_of(test) == 'TYPE_CHECKING' or is_main and not starts:
                parts = node.body
        for part in parts:
            dead.update(range(part.lineno, (getattr(part, 'end_lineno', None) or max(getattr(one, 'lineno', 0) for one in ast.walk(part))) + 1))
    return dead
def lists_of(node):
    if isinstance(node, ast.IfExp):
        return lists_of(node.body) + lists_of(node.orelse)
    if isinstance(node, ast.BoolOp):
        return [one for value in node.values for one in lists_of(value)]
    return [node] if isinstance(node, (ast.List, ast.Tuple)) else []
def providers_in(tree):
    """Lists of providers that a call takes, and those (loose) that only a name says it of."""
    given, named, taken, used, members = [], [], set(), [], []
    def give(value):
        given.extend(lists_of(value))
        taken.update(name_of(one) for one in ast.walk(value))
    def name(names, value):
        named.extend((one, each) for one in names if one and 'provider' in one.lower() for each in lists_of(value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for one in node.keywords:
                if one.arg == 'providers':
                    give(one.value)
                elif one.arg == 'choices':
                    members.append(name_of(one.value))
                else:
                    name([one.arg], one.value)
            called = name_of(node.func)
            for one in node.args[2:3] if called == 'InferenceSession' else node.args[:1] if called == 'set_providers' else []:
                give(one)
        elif isinstance(node, ast.Assign):
            name([name_of(one) for one in node.targets], node.value)
        elif kind_of(node) == 'AnnAssign' and node.value is not None:
            name([name_of(node.target)], node.value)
        elif isinstance(node, ast.arguments):
            for one, value in list(zip(node.args[::-1], node.defaults[::-1])) + list(zip(getattr(node, 'kwonlyargs', []), getattr(node, 'kw_defaults', []))):
                name([getattr(one, 'arg', None)], value)
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            members += [name_of(one) for one in node.comparators]
        if isinstance(getattr(node, 'ctx', None), ast.Load):
            used.append(name_of(node))
    # A list that is only asked whether something is in it is no wish.
    asked_only = set(one for one in members if one and used.count(one) == members.count(one))
    seen = [(one, False) for one in given]
    return seen + [(one, label not in taken) for label, one in named if label not in asked_only]
def orders_of(node):
    words = [word_of(one.elts[0]) if isinstance(one, (ast.List, ast.Tuple)) and one.elts else word_of(one) for one in node.elts]
    cpu, cuda = 'CPUExecutionProvider', 'CUDAExecutionProvider'
    if cpu in words and cuda in words and words.index(cpu) < words.index(cuda):
        yield 'cpu-first'
    if words[:1] == ['TensorrtExecutionProvider']:
        yield 'tensorrt-first'
def take(path, force=False):
    real = os.path.realpath(path)
    if real in done or not (force or path.lower().endswith(CODE)):
        return None
    done.add(real)
    try:
        status = os.stat(real)
        if not os.path.isfile(real):
            return None
        if status.st_size > limits['size']:
            state['stopped'] = state['stopped'] or 'a source file larger than 1 MiB: ' + text(path)
            return None
        with open(real, 'rb') as file:
            data = file.read(limits['size'])
    except (IOError, OSError):
        return None
    state['files'] += 1
    state['bytes'] += len(data)
    if state['files'] > limits['files']:
        stop('2000 files')
    if state['bytes'] > limits['bytes']:
        stop('32 MiB of source')
    return data
def is_python_file(path, data):
    return path.endswith(('.py', '.pyw')) or re.match(br'#!.*python', data) is not None
def look(path, data, reach, tree=None, dead=None):
    if not any(word in data for word in (b'nvidia', b'preload_dlls', b'torch', b'ExecutionProvider', b'get_device', b'compute_type')) or b'\\0' in data[:1024]:
        return
    source = data.decode('utf-8', 'replace')
    is_python = is_python_file(path, data)
    tree = parsed(data) if tree is None and is_python else tree
    dead = dead_of(tree, True) if dead is None and tree is not None else dead or ()
    comments, strings = dark_of(source) if is_python else ({}, set())
    alias, tested, here, code = {}, set(), [], []
    for number, line in enumerate(source.split('\\n'), 1):
        code.append('')
        if number in strings or number in dead:
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
                preloads.append({'reach': reach, 'file': path, 'line': number, 'text': line.strip()[:240]})
        for one in TESTED.finditer(line):
            name = next(group for group in one.groups() if group)
            tested.add(alias.get(name, name))
        found = [(m.group(1), '__file__' if m.group(2) else '__path__[0]') for m in DIRECT.finditer(line)]
        found += [(m.group(1) or m.group(2), '__path__[0]') for m in FIRST.finditer(line)] + [(m.group(1), '__file__') for m in ORIGIN.finditer(line)]
        for name in alias:
            for m in re.finditer(r'(?<![\\w.])' + re.escape(name) + r'\\.(?:(__file__)\\b|(__path__)\\s*\\[\\s*0\\s*\\])', line):
                found.append((alias[name], '__file__' if m.group(1) else '__path__[0]'))
        for module, attribute in sorted(set(found)):
            here.append({'reach': reach, 'file': path, 'line': number, 'text': line.strip('\\r')[:1000], 'module': module, 'attribute': attribute})
    if is_python:
        whole = '\\n'.join(code)
        def say_line(kind, number, more):
            engine_lines.append(dict({'reach': reach, 'file': path, 'line': number, 'text': code[number - 1].strip()[:240], 'kind': kind}, **more))
        def say(kind, at):
            say_line(kind, whole.count('\\n', 0, at) + 1, {})
        named = [] if tree is None or b'ExecutionProvider' not in data else providers_in(tree)
        told = set()
        for node, loose in sorted(named, key=lambda one: (one[0].lineno, one[1])):
            for kind in orders_of(node) if node.lineno not in dead else ():
                if (kind, node.lineno) not in told and (kind != 'tensorrt-first' or 'trt_engine_cache_enable' not in whole):
                    told.add((kind, node.lineno))
                    say_line(kind, node.lineno, {'loose': True} if loose else {})
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
            data = take(path)
            if data is not None:
                look(path, data, 'beside')
        elif name not in SKIP and os.path.isdir(path) and not os.path.islink(path):
            below.append(path)
    for path in below:
        # A virtual environment or an installed distribution is not the service's own source.
        if depth >= limits['depth']:
            state['stopped'] = state['stopped'] or '8 levels of folders'
        elif not os.path.exists(os.path.join(path, 'pyvenv.cfg')):
            walk(path, depth + 1)
# Folders in which imports are looked for, in this order, and what counts as the service's own.
search, own_dirs, own_files = [], list(asked['folders']), set()
def slashed(path):
    return path.replace(os.sep, '/').rstrip('/') + '/'
def own(path):
    inside = [slashed(path)[len(slashed(folder)):] for folder in own_dirs if slashed(path).startswith(slashed(folder))]
    return path in own_files or any(not SKIP.intersection(one.split('/')) for one in inside)
def add_search(folder):
    if folder not in search:
        search.append(folder)
def hits(base, parts, names=()):
    """The files that this import runs below a folder: every __init__.py on the way, the module, and the modules named from it."""
    found, at = [], base
    for part in parts:
        at = os.path.join(at, part)
        if os.path.isfile(os.path.join(at, '__init__.py')):
            found.append(os.path.join(at, '__init__.py'))
        elif os.path.isfile(at + '.py'):
            return found + [at + '.py']
        elif not os.path.isdir(at):
            return found
    for name in names:
        found += [one for one in (os.path.join(at, name, '__init__.py'), os.path.join(at, name + '.py')) if os.path.isfile(one)][:1]
    return found
def absolute(parts, names=()):
    for base in search:
        found = [one for one in hits(base, parts, names) if own(one)]
        if found:
            return found
    return []
STARTS = set('run Popen call check_call check_output run_path run_module execv execve execl create_subprocess_exec spawn system'.split())
def imports_of(tree, path, dead):
    """(folder or None for sys.path, parts, names) of each import, and the files and applications that calls name by a literal."""
    here, found, files = os.path.dirname(path), [], []
    def module(name):
        dots = len(name) - len(name.lstrip('.'))
        base = here
        for _ in range(dots - 1):
            base = os.path.dirname(base)
        found.append((base if dots else None, [part for part in name.split('.') if part], []))
    for node in ast.walk(tree):
        if getattr(node, 'lineno', 0) in dead:
            continue
        if isinstance(node, ast.Import):
            found += [(None, one.name.split('.'), []) for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = here if node.level else None
            for _ in range((node.level or 0) - 1):
                base = os.path.dirname(base)
            found.append((base, node.module.split('.') if node.module else [], [one.name for one in node.names]))
        elif isinstance(node, ast.Call):
            called = name_of(node.func)
            first = word_of(node.args[0]) if node.args else None
            if called in ('import_module', '__import__'):
                if first is None:
                    followed[0] = False
                else:
                    module(first)
            elif called in ('insert', 'append') and isinstance(node.func, ast.Attribute) and name_of(node.func.value) == 'path':
                words = [word_of(one) for one in ast.walk(node)]
                for base in (here, os.path.dirname(here), os.path.dirname(os.path.dirname(here))):
                    add_search(base)
                    for one in words:
                        if one:
                            add_search(os.path.normpath(os.path.join(base, one)))
            elif called in STARTS:
                words = [word for one in node.args for word in [word_of(part) for part in ast.walk(one)] if word]
                for index, one in enumerate(words):
                    if one.endswith('.py'):
                        files.append(one)
                    elif re.match(r'[A-Za-z_][\\w.]*:[A-Za-z_]\\w*$', one):
                        found.append((None, one.split(':')[0].split('.'), []))
                    elif (called == 'run_module' or words[index - 1:index] == ['-m']) and re.match(r'[A-Za-z_][\\w.]*$', one):
                        found.append((None, one.split('.') + ['__main__'], []))
    return found, files
def named_in(source, path):
    """What a program in another language imports or starts: the words in it that are files of the service."""
    if path.endswith(('.service', '.conf')):
        source = '\\n'.join(re.findall(r'^ExecStart=.*(?:\\\\\\n.*)*', source, re.M))
    lines = [line for line in source.split('\\n') if not re.match(r'\\s*(?:#|//|/?\\*|;|::|rem\\s)', line, re.I)]
    found = []
    for word in sorted(set(re.findall(r'[\\w.@+/-]+', '\\n'.join(lines)))):
        endings = ('', '.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '/index.js', '/index.ts') if word.startswith('.') else ('',)
        if not word.startswith('.') and not word.lower().endswith(CODE):
            continue
        for base in [os.path.dirname(path)] + asked['folders']:
            places = [os.path.normpath(os.path.join(base, form + ending)) for form in (word, word.lstrip('/'), word.partition('/')[2]) if form for ending in endings]
            found += [one for one in places if one.lower().endswith(CODE) and os.path.isfile(one) and own(one)][:1]
    return found, re.findall(r'\\s-m[\\s\\'",]+([A-Za-z_][\\w.]*)', '\\n'.join(lines))
def follow(queue):
    unresolved = []
    while queue:
        if time.time() > end:
            stop('2 s')
        path, reach, starts = queue.pop(0)
        data = take(path, True)
        if data is None:
            continue
        known, before = [], len(search)
        if is_python_file(path, data):
            tree = parsed(data)
            dead = dead_of(tree, starts) if tree is not None else ()
            look(path, data, reach, tree, dead)
            if tree is None:
                followed[0] = False
                source = data.decode('utf-8', 'replace')
                known = [(None, name.split('.'), []) for name in re.findall(r'^\\s*(?:from|import)\\s+([A-Za-z_][\\w.]*)', source, re.M)]
                files = []
            else:
                known, files = imports_of(tree, path, dead)
            for word in files:
                queue += [(one, 'imported', True) for one in [os.path.normpath(os.path.join(base, word)) for base in [os.path.dirname(path)] + asked['folders']] + [os.path.join(os.path.dirname(path), os.path.basename(word))] if os.path.isfile(one) and own(one)][:1]
        else:
            look(path, data, reach)
            files, names = named_in(data.decode('utf-8', 'replace'), path)
            queue += [(one, 'imported', True) for one in files]
            known = [(None, name.split('.') + more, []) for name in names for more in ([], ['__main__'])]
        unresolved += [one for one in known if one[0] is None]
        for base, parts, names in known + (unresolved if len(search) > before else []):
            found = absolute(parts, names) if base is None else [one for one in hits(base, parts, names) if own(one)]
            queue += [(one, 'imported', one.endswith('__main__.py')) for one in found]
started = [(path, 'script', True) for path in asked['files'] + asked['entries']]
for path in asked['files'] + asked['entries']:
    if not path.endswith(('.service', '.conf')):
        add_search(os.path.dirname(path))
        # Its own folder stands first on sys.path, though what else lies there is not looked at where many share it.
        own_dirs.append(os.path.dirname(path))
for path in asked['folders'] + sys.path:
    if path in asked['folders'] or own(path) and not any(slashed(path).startswith(slashed(os.path.join(prefix, 'lib'))) for prefix in (sys.prefix, getattr(sys, 'base_prefix', sys.prefix))):
        add_search(path)
modules = [name.split('.')[0] for name in asked['modules']]
for entry in asked['entries']:
    # Only a console script stands for a package; a script in a folder that many share imports what it needs.
    if os.path.basename(os.path.dirname(entry)) not in ('bin', 'sbin', 'Scripts'):
        continue
    try:
        with open(entry, 'rb') as file:
            head = file.read(4096).decode('utf-8', 'replace')
    except (IOError, OSError):
        continue
    modules += [m for m in re.findall(r'^\\s*(?:from|import)\\s+(\\w+)', head, re.M) if m not in FOREIGN][:2]
folders = list(asked['folders'])
for name in modules:
    try:
        spec = find_spec(name) if find_spec else None
    except Exception:
        spec = None
    if spec is not None and spec.submodule_search_locations is not None:
        for place in spec.submodule_search_locations:
            folders.append(place)
            own_dirs.append(place)
            add_search(os.path.dirname(place))
    elif spec is not None and spec.has_location:
        own_files.add(spec.origin)
        add_search(os.path.dirname(spec.origin))
for name in asked['modules']:
    found = absolute(name.split('.'))
    # -m of a package runs its __main__.
    main = os.path.join(os.path.dirname(found[-1]), '__main__.py') if found and os.path.basename(found[-1]) == '__init__.py' else None
    started += [(path, 'imported' if main or path != found[-1] else 'script', path == found[-1]) for path in found]
    if main and os.path.isfile(main):
        started.append((main, 'script', True))
    elif main:
        started[-1] = (found[-1], 'script', True)
try:
    follow(started)
except Stop:
    pass
followed[0] = followed[0] and state['stopped'] is None
try:
    for folder in folders:
        walk(folder, 0)
except Stop:
    pass
def clean(rows):
    return [dict(row, file=text(row['file'])) for row in sorted(rows, key=lambda row: row['reach'] == 'beside')]
answer({'idioms': clean(idioms[:100]), 'preloads': clean(preloads[:20]), 'engineLines': clean(engine_lines[:20]), 'files': state['files'], 'followed': followed[0], 'complete': state['stopped'] is None, 'stoppedBy': state['stopped']})
`

const wordsOf = (scope: Scope): readonly string[] => (['folders', 'files', 'modules', 'entries'] as const).flatMap((kind) => scope[kind].map((path) => `${kind}=${path}`))

/** A file of a case recorded before it was asked counts as imported, where it is not the script itself. */
export const reachOf = (line: { readonly file: string; readonly reach?: Reach }, script: string | null = null): Reach => line.reach ?? (line.file === script ? 'script' : 'imported')

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
