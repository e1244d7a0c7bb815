import { TORCH } from './torch.ts'

/** NVIDIA NeMo: any model of its own that transcribes. */
export const NEMO = `${TORCH}
def library():
    global np, torch, nemo, models
    import numpy as np
    import torch, nemo
    from nemo.collections.asr import models
    job['library'] = 'nemo_toolkit %s on %s' % (version('nemo_toolkit', nemo), torch_version())

def fetched(name):
    import glob
    from huggingface_hub import snapshot_download
    try:
        found = glob.glob(os.path.join(snapshot_download(name, local_files_only=True), '*.nemo'))
    except FileNotFoundError as error:
        raise Missing(error)
    if not found:
        raise Missing(name)
    return found[0]

def load():
    global model, samples
    where = device()
    path = fetched(job['model']) if job['named'] else job['model']
    model = models.ASRModel.restore_from(path, map_location=torch.device(where)).to(where)
    model.eval()
    watched(model.preprocessor, 'features')
    watched(model.encoder, 'encoder')
    samples = np.fromfile(job['samples'], dtype=np.float32)

def facts():
    return weights(model)

def run():
    heard = model.transcribe([samples], batch_size=1, verbose=False)
    # Transducers of some releases give the best and all hypotheses.
    heard = heard[0] if isinstance(heard, tuple) else heard
    watch.rest('decoder')
    return getattr(heard[0], 'text', heard[0])
`
