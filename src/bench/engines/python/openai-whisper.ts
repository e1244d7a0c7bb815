import { TORCH } from './torch.ts'

/** openai-whisper, with what it does by itself: half precision on a GPU, language by detection, fallback over temperatures. */
export const OPENAI_WHISPER = `${TORCH}
def library():
    global np, torch, whisper
    import numpy as np
    import torch, whisper
    job['library'] = 'openai-whisper %s on %s' % (version('openai-whisper', whisper), torch_version())

def fetched(name):
    if name not in whisper.available_models():
        raise ValueError('its models are ' + ', '.join(whisper.available_models()))
    cache = os.path.join(os.getenv('XDG_CACHE_HOME', os.path.join(os.path.expanduser('~'), '.cache')), 'whisper')
    path = os.path.join(cache, os.path.basename(whisper._MODELS[name]))
    if not os.path.isfile(path):
        raise Missing(path)
    return path

def load():
    global model, samples, computed
    where = device()
    model = whisper.load_model(fetched(job['model']) if job['named'] else job['model'], device=where)
    module = sys.modules['whisper.transcribe']
    module.log_mel_spectrogram = timed('features', module.log_mel_spectrogram)
    watched(model.encoder, 'encoder')
    computed = None
    model.encoder.register_forward_pre_hook(seen)
    samples = np.fromfile(job['samples'], dtype=np.float32)

def seen(_, args):
    """It computes in the precision of its input, whatever that of the weights."""
    global computed
    computed = str(args[0].dtype).replace('torch.', '')

def facts():
    return dict(weights(model), **({'precision': computed} if computed else {}))

def run():
    text = model.transcribe(samples)['text']
    watch.rest('decoder')
    return text
`
