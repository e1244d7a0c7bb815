"""ctranslate2_whisper.py FOLDER: a Whisper of the real architecture in CTranslate2's own format, tiny and with seeded random weights.

Only ctranslate2 and tokenizers are needed, no torch: the format is written by CTranslate2's own specification of Whisper.
The logits are spread wide, so that greedy and beam search are sure of every token and the text is the same in each run.
"""
import os, sys
import numpy as np
from ctranslate2.specs.whisper_spec import WhisperConfig, WhisperSpec
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

MELS, STATES, TEXT, WIDTH, LAYERS, HEADS, SPREAD = 80, 1500, 448, 64, 2, 2, 24.0
# Words of syllables: so many that a text does not repeat itself, which faster-whisper would take for a loop and decode anew.
WORDS = [a + b + c for a in ('ba', 'de', 'ki', 'lo', 'mu', 'na', 'pe', 'ri', 'so', 'tu') for b in ('', 'bla', 'cho', 'dri', 'fle', 'gan', 'hos', 'mer') for c in ('', 'n', 'rt', 'st', 'l')]
random = np.random.default_rng(0)


def normal(*shape):
    return (random.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)


def norm(spec, scale=1.0):
    spec.gamma, spec.beta = np.full(WIDTH, scale, np.float32), np.zeros(WIDTH, np.float32)


def linear(spec, outputs, inputs):
    spec.weight, spec.bias = normal(outputs, inputs), np.zeros(outputs, np.float32)


def convolution(spec, inputs):
    spec.weight, spec.bias = (random.standard_normal((WIDTH, inputs, 3)) / np.sqrt(3 * inputs)).astype(np.float32), np.zeros(WIDTH, np.float32)


def layer(spec):
    norm(spec.self_attention.layer_norm)
    linear(spec.self_attention.linear[0], 3 * WIDTH, WIDTH)
    linear(spec.self_attention.linear[1], WIDTH, WIDTH)
    norm(spec.ffn.layer_norm)
    linear(spec.ffn.linear_0, 4 * WIDTH, WIDTH)
    linear(spec.ffn.linear_1, WIDTH, 4 * WIDTH)


letters = sorted(pre_tokenizers.ByteLevel.alphabet())
text = letters + ['\u0120' + word for word in WORDS]
special = ['<|endoftext|>', '<|startoftranscript|>', '<|en|>', '<|translate|>', '<|transcribe|>', '<|startoflm|>', '<|startofprev|>', '<|nospeech|>', '<|notimestamps|>']
tokens = text + special + ['<|%.2f|>' % (i * 0.02) for i in range(1501)]
ids = {token: i for i, token in enumerate(tokens)}

spec = WhisperSpec(LAYERS, HEADS, LAYERS, HEADS)
convolution(spec.encoder.conv1, MELS)
convolution(spec.encoder.conv2, WIDTH)
spec.encoder.position_encodings.encodings = normal(STATES, WIDTH)
norm(spec.encoder.layer_norm)
for each in spec.encoder.layer:
    layer(each)
spec.decoder.embeddings.weight = normal(len(tokens), WIDTH)
spec.decoder.position_encodings.encodings = 100 * normal(TEXT, WIDTH)
spec.decoder.projection.weight = normal(len(tokens), WIDTH)
# From some position on the text is at its end.
spec.decoder.position_encodings.encodings[:, 0] = np.where(np.arange(TEXT) < 24, -300, 300)
spec.decoder.projection.weight[ids['<|endoftext|>']] = np.eye(1, WIDTH, dtype=np.float32) * 4
# Words only: no half letters.
spec.decoder.projection.bias = np.where(np.arange(len(tokens)) < len(letters), -1e4, 0).astype(np.float32)
norm(spec.decoder.layer_norm, SPREAD)
for each in spec.decoder.layer:
    layer(each)
    norm(each.attention.layer_norm)
    linear(each.attention.linear[0], WIDTH, WIDTH)
    linear(each.attention.linear[1], 2 * WIDTH, WIDTH)
    linear(each.attention.linear[2], WIDTH, WIDTH)

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
spec.register_vocabulary(tokens)
spec.config.suppress_ids, spec.config.suppress_ids_begin, spec.config.lang_ids, spec.config.alignment_heads = [], [ids['<|endoftext|>']], [], [(LAYERS - 1, 0)]
spec.validate()
spec.optimize()
spec.save(folder)

tokenizer = Tokenizer(models.BPE(vocab={token: i for token, i in ids.items() if i < len(text)}, merges=[]))
tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
tokenizer.add_special_tokens(tokens[len(text):])
tokenizer.save(os.path.join(folder, 'tokenizer.json'))
