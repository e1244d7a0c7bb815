import { GIVEN } from './given.ts'
import { INPUT_SHAPE, RIGHT } from './model.ts'

/** Work is repeated for so long that NVML, which looks a few times a second, can see it. */
const WORK_S = 2.5

/** What the child of a probe does with each engine, telling each step and each result as soon as there is one. */
export const TRIES = `
def words(error):
    return ('%s: %s' % (type(error).__name__, error)).strip()[:600]

# ── in the child ─────────────────────────────────────────────────────────────────────────────────────────────
class Tell:
    def __init__(self, to):
        self.to = to
    def write(self, value):
        data = (json.dumps(value) + '\\n').encode('ascii')
        while data:
            data = data[os.write(self.to, data):]
    def step(self, name):
        self.write({'set': {'step': name}})
    def set(self, **fields):
        self.write({'set': fields})
    def add(self, to, value):
        self.write({'to': to, 'value': value})
    def watch(self):
        # The GPUs are watched anew from here to the next result.
        self.write({'watch': True})
    def mark(self, name):
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(2, ('\\n=====asr-doctor session ' + name + '\\n').encode('utf-8', 'replace'))

def repeated(work, on_gpu):
    start, runs = time.time(), 0
    while runs == 0 or (on_gpu and time.time() - start < ${WORK_S}):
        work()
        runs += 1
    return runs

${GIVEN}def onnxruntime_(tell, module):
    import numpy
    available = list(module.get_available_providers())
    tell.set(available=available)
    wanted = (['CUDAExecutionProvider'] if gpu else []) + ['CPUExecutionProvider']
    for at, path in enumerate([None] + job['onnx']):
        one = {'model': path, 'wanted': wanted, 'got': None, 'error': None, 'runs': None, 'runError': None, 'right': None, 'mark': str(at)}
        tell.step('a session with ' + ', '.join(wanted) + (' on the built-in network' if path is None else ' on ' + path))
        try:
            if path is not None:
                room(path)
            options = module.SessionOptions()
            options.log_severity_level = 0
            tell.mark(str(at))
            session = module.InferenceSession(MODEL if path is None else path, options, providers=wanted)
            # A provider that fails in a run is left out from then on, and the run is done again on the CPU without an error.
            session.disable_fallback()
            one['got'] = list(session.get_providers())
        except BaseException as error:
            one['error'] = words(error)
        tell.mark('-')
        if one['got'] is not None:
            tell.step('a run of ' + (path or 'the built-in network'))
            try:
                given = {'x': numpy.ones(${JSON.stringify(INPUT_SHAPE)}, 'float32')} if path is None else feeds(session, numpy)
                run = module.RunOptions()
                run.log_severity_level = 2
                made = []
                def work():
                    made[:] = session.run(None, given, run)
                tell.watch()
                one['runs'] = repeated(work, 'CUDAExecutionProvider' in one['got'])
                if path is None:
                    one['right'] = bool((made[0] == ${RIGHT}).all())
            except BaseException as error:
                one['runError'] = words(error)
        tell.add('sessions', one)
        session = None
        if gpu and 'CUDAExecutionProvider' not in (one['got'] or []):
            # Nothing is gained from a second copy of the service's models on the CPU.
            return

def ctranslate2_(tell, module):
    tell.step('counting the GPUs')
    try:
        tell.set(devices=module.get_cuda_device_count())
    except Exception as error:
        tell.set(error=words(error))
    try:
        tell.set(cudaTypes=sorted(module.get_supported_compute_types('cuda')))
    except Exception as error:
        tell.set(error=words(error))
    device = 'cuda' if gpu else 'cpu'
    for folder in job['ct2'][:1]:
        one = {'model': folder, 'device': None, 'computeType': None, 'error': None, 'runs': None}
        tell.step('loading ' + folder + ' for ' + device)
        try:
            room(folder + '/model.bin')
            import numpy
            try:
                import faster_whisper
            except ImportError:
                faster_whisper = None
            # One second: a voice-like hum, and no speech.
            audio = (numpy.sin(numpy.arange(16000) * 0.08) * numpy.sin(numpy.arange(16000) * 0.002) * 0.2).astype('float32')
            if faster_whisper is not None:
                model = faster_whisper.WhisperModel(folder, device=device, local_files_only=True)
                inner = model.model
                work = lambda: list(model.transcribe(audio, language='en', beam_size=1, temperature=0.0, without_timestamps=True, max_new_tokens=8)[0])
            else:
                inner = module.models.Whisper(folder, device=device)
                features = module.StorageView.from_array(numpy.zeros((1, getattr(inner, 'n_mels', 80), 3000), 'float32'))
                work = lambda: numpy.array(inner.encode(features, to_cpu=True))
            one['device'], one['computeType'] = inner.device, inner.compute_type
            tell.step('one second of audio through ' + folder)
            tell.watch()
            one['runs'] = repeated(work, inner.device == 'cuda')
        except BaseException as error:
            one['error'] = words(error)
        tell.add('models', one)

def torch_(tell, module):
    tell.set(builtFor=module.version.cuda)
    tell.step('asking for the GPU')
    available = module.cuda.is_available()
    tell.set(devices=module.cuda.device_count() if available else 0, archs=list(module.cuda.get_arch_list()) if module.version.cuda else [])
    if not available or not gpu:
        if gpu and module.version.cuda:
            try:
                module.cuda.init()
            except BaseException as error:
                tell.set(error=words(error))
        return
    tell.set(capabilities=['%d.%d' % module.cuda.get_device_capability(at) for at in range(module.cuda.device_count())])
    tell.step('a matrix product on the GPU')
    try:
        x = (module.arange(64 * 64) % 7).reshape(64, 64).float()
        there = x.cuda()
        made = []
        def work():
            made[:] = [(there @ there).cpu()]
        repeated(work, True)
        tell.set(work='right' if module.equal(made[0], x @ x) else 'wrong')
    except BaseException as error:
        tell.set(work=words(error))

def sherpa_onnx_(tell, module):
    # It prints what it does with the provider before it looks into the model, and then ends the process.
    tell.step('a session with ' + ('cuda' if gpu else 'cpu'))
    if not gpu:
        return
    path = '/proc/self/fd/%d' % memory_file()
    config = module.VadModelConfig(silero_vad=module.SileroVadModelConfig(model=path), provider='cuda')
    module.VoiceActivityDetector(config, buffer_size_in_seconds=1)

def memory_file():
    libc = ctypes.CDLL(None)
    made = libc.memfd_create(b'asr-doctor.onnx', 0)
    if made < 0:
        raise OSError('memfd_create')
    os.write(made, MODEL)
    return made

def pywhispercpp_(tell, module):
    native = importlib.import_module('_pywhispercpp')
    tell.set(systemInfo=text(native.whisper_print_system_info())[:2000])

TRY = {'onnxruntime': onnxruntime_, 'ctranslate2': ctranslate2_, 'torch': torch_, 'sherpa-onnx': sherpa_onnx_, 'whisper.cpp': pywhispercpp_}

def try_(engine, tell):
    os.environ['CT2_VERBOSE'] = '1'
    # Nothing is fetched from anywhere, or sent; telemetry would also keep a file in the home (onnxruntime 1.30).
    os.environ['ORT_DISABLE_TELEMETRY'] = os.environ['HF_HUB_OFFLINE'] = os.environ['TRANSFORMERS_OFFLINE'] = '1'
    if not gpu:
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    tell.step('import ' + MODULES[engine])
    module = importlib.import_module(MODULES[engine])
    version = getattr(module, '__version__', None)
    if version is None:
        try:
            from importlib.metadata import version as of
            version = of(MODULES[engine])
        except Exception:
            pass
    tell.set(version=version if version is None else str(version))
    TRY[engine](tell, module)

def child(engine, answer, said):
    tell = Tell(answer)
    try:
        # A crash that is looked for on purpose leaves no dump in anybody's folder; at 1 the kernel starts no handler either (core(5)).
        import resource
        most = resource.getrlimit(resource.RLIMIT_CORE)[1]
        least = 1 if most == resource.RLIM_INFINITY or most >= 1 else most
        resource.setrlimit(resource.RLIMIT_CORE, (least, least))
    except Exception:
        pass
    try:
        os.dup2(said, 1)
        os.dup2(said, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        try_(engine, tell)
        tell.set(end='answered')
    except BaseException as error:
        tell.set(end='answered', error=words(error))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)

`
