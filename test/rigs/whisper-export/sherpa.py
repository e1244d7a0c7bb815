"""
sherpa.py EXPORTER FOLDER NAME SEED: a tiny Whisper with random weights, exported by sherpa-onnx's own script
(EXPORTER = scripts/whisper/export-onnx.py), and what the sherpa-onnx wheel hears with it in a recording (CLIP=FILE of 32-bit
floats at 16 kHz), in pieces of 29.5 s, the most that it takes at once.

The vocabulary is the first ranks of OpenAI's own and all of its signs; weights of embeddings for all 50,000 words would be
nothing but size. Nothing else of the exporter or of openai-whisper is changed.
"""
import base64, json, os, runpy, shutil, sys, tempfile

import numpy as np, torch

exporter, out, name, seed = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3], int(sys.argv[4])
RANKS, WIDTH, PIECE = 256 + 128, 8, 2950 * 160

# A copy of the package, whose table of words is shorter. The exporter reads the same file.
import importlib.util
copy = tempfile.mkdtemp()
shutil.copytree(os.path.dirname(importlib.util.find_spec('whisper').origin), f'{copy}/whisper')
for table in ('gpt2', 'multilingual'):
    path = f'{copy}/whisper/assets/{table}.tiktoken'
    lines = open(path).read().splitlines()[:RANKS]
    open(path, 'w').write('\n'.join(lines) + '\n')
sys.path.insert(0, copy)
import whisper

multilingual = not name.endswith('.en')
words = whisper.tokenizer.get_tokenizer(multilingual, num_languages=99).encoding.n_vocab
whisper.model.Whisper.is_multilingual = property(lambda self: multilingual)
whisper.model.Whisper.num_languages = property(lambda self: 99)
torch.manual_seed(seed)
model = whisper.model.Whisper(whisper.model.ModelDimensions(
    n_mels=128 if name in ('large', 'large-v3', 'turbo') else 80, n_audio_ctx=1500, n_audio_state=WIDTH, n_audio_head=2, n_audio_layer=1, n_vocab=words, n_text_ctx=448, n_text_state=WIDTH, n_text_head=2, n_text_layer=2))
with torch.no_grad():
    for key, p in model.named_parameters():
        if '_ln' in key or 'ln_post' in key or key.startswith('decoder.ln'):
            continue
        scale = 2.0 if 'positional' in key else 1.0 if 'embedding' in key else 2.5 / p[0].numel() ** 0.5 if p.dim() > 1 else 0.1
        p.copy_(torch.randn(p.shape) * scale)
    # Signs, and bytes that are no character by themselves, would otherwise be most of what is said, and sherpa-onnx does not show them.
    alone = [token.decode('utf-8', 'ignore') != '' for token in (base64.b64decode(line.split()[0]) for line in lines)]
    for rank in [*(rank for rank, shown in enumerate(alone) if not shown), *range(RANKS, words)]:
        model.decoder.token_embedding.weight[rank] *= 0.35
whisper.load_model = lambda name: model.eval()
os.makedirs(out, exist_ok=True)
os.chdir(out)
sys.argv = ['export-onnx.py', '--model', name]
runpy.run_path(exporter, run_name='__main__')
shutil.rmtree(copy)

import sherpa_onnx
clip, windows = np.fromfile(os.environ['CLIP'], '<f4'), []
recogniser = sherpa_onnx.OfflineRecognizer.from_whisper(encoder=f'{name}-encoder.onnx', decoder=f'{name}-decoder.onnx', tokens=f'{name}-tokens.txt', language='', num_threads=1)
for at in range(0, len(clip), PIECE):
    stream = recogniser.create_stream()
    stream.accept_waveform(16000, clip[at:at + PIECE])
    recogniser.decode_stream(stream)
    windows.append({'language': stream.result.lang, 'tokens': stream.result.tokens, 'text': stream.result.text})
    print(name, seed, windows[-1]['language'], len(windows[-1]['tokens']), len(set(windows[-1]['tokens'])), repr(windows[-1]['text'][:90]), flush=True)
json.dump({'windows': windows}, open('expected.json', 'w'), ensure_ascii=False)
