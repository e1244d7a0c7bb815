import { TORCH } from './torch.ts'

/** The speech recognition pipeline of transformers: Whisper and its like with a decoder, or CTC. */
export const TRANSFORMERS = `${TORCH}
def library():
    global np, torch, transformers
    import numpy as np
    import torch, transformers
    job['library'] = 'transformers %s on %s' % (version('transformers', transformers), torch_version())

def load():
    global pipe, samples
    where, path = device(), job['model']
    if job['named']:
        from huggingface_hub import snapshot_download
        try:
            path = snapshot_download(path, local_files_only=True)
        except FileNotFoundError as error:
            raise Missing(error)
    pipe = transformers.pipeline('automatic-speech-recognition', model=path, device=where)
    pipe.feature_extractor = Timed(pipe.feature_extractor, call='features')
    watched(pipe.model.get_encoder() if pipe.model.config.is_encoder_decoder else pipe.model, 'encoder')
    samples = np.fromfile(job['samples'], dtype=np.float32)

def facts():
    return weights(pipe.model)

def run():
    # Beyond 30 s it is only with timestamps that it goes on from one window to the next.
    long = {'return_timestamps': True} if pipe.model.config.model_type == 'whisper' else {}
    text = pipe({'raw': samples, 'sampling_rate': 16000}, **long)['text']
    watch.rest('decoder')
    return text
`
