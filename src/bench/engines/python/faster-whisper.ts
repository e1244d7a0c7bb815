/** faster-whisper, with what it does by itself: beam 5, language by detection, fallback over temperatures. */
export const FASTER_WHISPER = `
def library():
    global np, ctranslate2, faster_whisper
    import numpy as np
    import ctranslate2, faster_whisper
    job['library'] = 'faster-whisper %s on ctranslate2 %s' % (version('faster-whisper', faster_whisper), version('ctranslate2', ctranslate2))

def load():
    global model, samples
    path = job['model']
    if job['named']:
        try:
            path = faster_whisper.download_model(path, local_files_only=True)
        except FileNotFoundError as error:
            raise Missing(error)
    threads = {'cpu_threads': job['threads']} if job['threads'] else {}
    model = faster_whisper.WhisperModel(path, device=job['device'], local_files_only=True, **threads)
    # CTranslate2 waits for the device before it returns, so its calls may be timed as they are.
    model.feature_extractor = Timed(model.feature_extractor, call='features')
    model.encode = timed('encoder', model.encode)
    model.model = Timed(model.model, generate='decoder')
    samples = np.fromfile(job['samples'], dtype=np.float32)

def facts():
    return {'device': model.model.device, 'precision': getattr(model.model, 'compute_type', None)}

def run():
    segments, _ = model.transcribe(samples)
    return ''.join(segment.text for segment in segments)
`
