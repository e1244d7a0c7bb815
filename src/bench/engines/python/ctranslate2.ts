/** CTranslate2 alone, as by those who call it themselves: windows of 30 s one by one, greedy, without timestamps, on features made by us. */
export const CTRANSLATE2 = `
def library():
    global np, ctranslate2
    import numpy as np
    import ctranslate2
    job['library'] = 'ctranslate2 ' + version('ctranslate2', ctranslate2)

def load():
    global model, windows
    threads = {'intra_threads': job['threads']} if job['threads'] else {}
    model = ctranslate2.models.Whisper(job['model'], device=job['device'], **threads)
    windows = [np.fromfile(path, dtype=np.float32).reshape(1, -1, 3000) for path in job['windows']]

def facts():
    return {'device': model.device, 'precision': getattr(model, 'compute_type', None)}

def byte_of():
    """The vocabulary writes bytes as printable characters, as GPT-2's does."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {**{chr(byte): byte for byte in plain}, **{chr(256 + i): byte for i, byte in enumerate(rest)}}

BYTES = byte_of()

def run():
    text = b''
    for window in windows:
        since = now()
        heard = model.encode(ctranslate2.StorageView.from_array(window))
        watch.add('encoder', since)
        since = now()
        prompt = ['<|startoftranscript|>']
        if model.is_multilingual:
            prompt += [model.detect_language(heard)[0][0][0], '<|transcribe|>']
        tokens = model.generate(heard, [prompt + ['<|notimestamps|>']], beam_size=1)[0].sequences[0]
        text += bytes(BYTES[each] for token in tokens if not token.startswith('<|') for each in token)
        watch.add('decoder', since)
    return text.decode('utf-8', 'replace')
`
