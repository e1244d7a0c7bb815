# ctranslate2-model.py FOLDER TYPE QUANTISATION: a Whisper model of random weights of TYPE, by CTranslate2's own converter.
# ctranslate2-model.py --load FOLDER TYPE…: which compute types CTranslate2 takes for it on the CPU.
import os
import sys

import ctranslate2
import numpy
from ctranslate2.specs import whisper_spec

if sys.argv[1] == "--load":
    for name in sys.argv[3:]:
        try:
            ctranslate2.models.Whisper(sys.argv[2], device="cpu", compute_type=name)
            print(name, "taken")
        except ValueError as error:
            print(name, "refused" if "compute type" in str(error) else error)
    sys.exit()

folder, dtype, quantisation = sys.argv[1:4]
WIDTH, VOCABULARY = 32, 51865
random = numpy.random.default_rng(7)


def weights(*shape):
    return (random.standard_normal(shape) * 0.02).astype(dtype)


def norm(spec):
    spec.gamma, spec.beta = weights(WIDTH), weights(WIDTH)


def linear(spec, out, into):
    spec.weight, spec.bias = weights(out, into), weights(out)


spec = whisper_spec.WhisperSpec(1, 4, 1, 4)
encoder, decoder = spec.encoder, spec.decoder
for conv, into in ((encoder.conv1, 80), (encoder.conv2, WIDTH)):
    conv.weight, conv.bias = weights(WIDTH, into, 3), weights(WIDTH)
for part, length in ((encoder, 1500), (decoder, 448)):
    part.position_encodings.encodings = weights(length, WIDTH)
    norm(part.layer_norm)
    for layer in part.layer:
        norm(layer.self_attention.layer_norm)
        linear(layer.self_attention.linear[0], 3 * WIDTH, WIDTH)
        linear(layer.self_attention.linear[1], WIDTH, WIDTH)
        norm(layer.ffn.layer_norm)
        linear(layer.ffn.linear_0, 4 * WIDTH, WIDTH)
        linear(layer.ffn.linear_1, WIDTH, 4 * WIDTH)
for layer in decoder.layer:
    norm(layer.attention.layer_norm)
    for at, out in enumerate((WIDTH, 2 * WIDTH, WIDTH)):
        linear(layer.attention.linear[at], out, WIDTH)
decoder.embeddings.weight = weights(VOCABULARY, WIDTH)
decoder.projection.weight = decoder.embeddings.weight
spec.config.suppress_ids, spec.config.suppress_ids_begin, spec.config.lang_ids, spec.config.alignment_heads = [], [], [50259], []
spec.register_vocabulary(["t%d" % n for n in range(VOCABULARY)])
spec.validate()
spec.optimize(quantization=None if quantisation == "none" else quantisation)
os.makedirs(folder)
spec.save(folder)
