import { CannotSee } from '../cannot-see.ts'
import type { Host } from '../types.ts'
import type { Interpreter } from './python-interpreter.ts'
import { askPython, PROLOGUE } from './python-reply.ts'
import type { PythonView } from './python.ts'

/**
 * What the interpreter is asked. Nothing heavy is imported: `find_spec` of a top-level name only looks for it, and
 * distributions are read off the names of their dist-info folders.
 */
export const VIEW_SCRIPT = `${PROLOGUE}
import re
try:
    from importlib.util import find_spec
except ImportError:
    find_spec = None
service_path(sys.argv[1])
OF_INTEREST = re.compile(r'^(nvidia|cuda|tensorrt|onnxruntime|ort|ctranslate2|torch|torchaudio|triton|sherpa-onnx|faster-whisper|whisper|openai-whisper|whisperx|pywhispercpp|wyoming|nemo-toolkit|transformers|vosk|pyannote)([-_.]|$)', re.I)
LIBRARY = re.compile(r'\\.so(\\.\\d+)*$|\\.dll$', re.I)
def listed(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
def folders(root, names):
    return [n for n in names if n != '__pycache__' and not n.endswith('-info') and os.path.isdir(os.path.join(root, n))]
path = []
for entry in sys.path:
    entry = entry or os.getcwd()
    if os.path.isdir(entry) and entry not in path:
        path.append(entry)
roots, shadow = [], None
try:
    module = sys.modules.get('nvidia')
    spec = getattr(module, '__spec__', None) if module else find_spec('nvidia') if find_spec else None
    found = getattr(module, '__path__', None) if module else spec.submodule_search_locations if spec else None
    roots = [os.path.abspath(p) for p in found] if found is not None else []
    origin = getattr(module, '__file__', None) if module else spec.origin if spec and spec.has_location else None
    if origin:
        shadow = os.path.abspath(origin)
except Exception as error:
    sys.stderr.write('find_spec: %r\\n' % (error,))
extends = False
if shadow and roots:
    try:
        with open(shadow, 'rb') as file:
            extends = b'__path__' in file.read(65536)
    except (IOError, OSError):
        pass
if extends:
    # pkgutil.extend_path and the like: the package adds the other roots by itself when it is imported.
    shadow = None
    roots = roots + [d for d in (os.path.join(entry, 'nvidia') for entry in path) if os.path.isdir(d) and d not in roots]
portions, library_dirs = [], []
for root in list(roots) + [os.path.join(entry, 'nvidia') for entry in path]:
    if not os.path.isdir(root) or any(p['root'] == root for p in portions):
        continue
    seen, inits = [], []
    def init_of(relative):
        if os.path.isfile(os.path.join(root, relative, '__init__.py')):
            inits.append(relative)
    init_of('')
    for component in folders(root, listed(root)):
        seen.append(component)
        init_of(component)
        base = os.path.join(root, component)
        for sub in folders(base, listed(base)):
            relative = component + '/' + sub
            seen.append(relative)
            init_of(relative)
            if sub not in ('lib', 'lib64', 'bin'):
                continue
            deeper = [''] + (folders(os.path.join(base, sub), listed(os.path.join(base, sub))) if sub == 'bin' else [])
            for deep in deeper:
                directory = os.path.join(base, sub, deep) if deep else os.path.join(base, sub)
                libraries = [n for n in listed(directory) if LIBRARY.search(n)][:200]
                if libraries:
                    library_dirs.append({'directory': directory, 'root': root, 'layout': 'cu13' if re.match(r'cu\\d+$', component) else 'component', 'libraries': libraries})
    portions.append({'root': root, 'folders': seen, 'inits': inits})
distributions = []
for entry in path:
    for name in listed(entry):
        match = re.match(r'(.+?)-(\\d[^-]*)(?:-py\\d.*)?\\.(?:dist|egg)-info$', name)
        if match and OF_INTEREST.match(match.group(1)):
            distributions.append({'name': re.sub(r'[-_.]+', '-', match.group(1)).lower(), 'version': match.group(2), 'root': entry})
prefix = getattr(sys, 'base_prefix', getattr(sys, 'real_prefix', sys.prefix))
try:
    import site
    user_site, user_enabled = site.getusersitepackages(), bool(site.ENABLE_USER_SITE)
except Exception:
    user_site, user_enabled = None, False
def clean(value):
    if isinstance(value, dict):
        return dict((k, clean(v)) for k, v in value.items())
    if isinstance(value, list):
        return [clean(v) for v in value]
    return value if value is None or isinstance(value, (bool, int)) else text(value)
hides = shadow if shadow and len([p for p in portions if p['root'] not in roots]) > 0 else None
answer(clean({
    'executable': sys.executable or sys.argv[0], 'version': list(sys.version_info[:3]), 'path': path,
    'venv': sys.prefix if sys.prefix != prefix else None,
    'userSite': {'path': user_site, 'enabled': user_enabled},
    'distributions': distributions[:300],
    'nvidia': {'roots': roots, 'shadowedBy': hides, 'portions': portions, 'libraryDirs': library_dirs},
}))
`

export async function askView(host: Host, of: Interpreter): Promise<PythonView> {
  const { value, source } = await askPython(host, of, 'asr-doctor-view.py', VIEW_SCRIPT, [of.scriptFolder ?? ''])
  if (!isView(value)) throw new CannotSee(`${of.executable} gave an answer that is none.`)
  return { ...value, source }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const isListOf = (value: unknown, is: (one: unknown) => boolean): boolean => Array.isArray(value) && value.every(is)
const isText = (value: unknown): boolean => typeof value === 'string'
const isTextOrNull = (value: unknown): boolean => value === null || isText(value)

/** The interpreter is the service's own and may answer what it likes. */
function isView(value: unknown): value is Omit<PythonView, 'source'> {
  if (!isRecord(value) || !isRecord(value['nvidia']) || !isRecord(value['userSite'])) return false
  const { roots, shadowedBy, portions, libraryDirs } = value['nvidia']
  return (
    isText(value['executable']) &&
    isListOf(value['version'], Number.isInteger) &&
    isListOf(value['path'], isText) &&
    isTextOrNull(value['venv']) &&
    isTextOrNull(value['userSite']['path']) &&
    isListOf(value['distributions'], (one) => isRecord(one) && [one['name'], one['version'], one['root']].every(isText)) &&
    isListOf(roots, isText) &&
    isTextOrNull(shadowedBy) &&
    isListOf(portions, (one) => isRecord(one) && isText(one['root']) && isListOf(one['folders'], isText) && isListOf(one['inits'], isText)) &&
    isListOf(libraryDirs, (one) => isRecord(one) && isText(one['directory']) && isText(one['root']) && isListOf(one['libraries'], isText))
  )
}
