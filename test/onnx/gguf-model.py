# gguf-model.py FILE TYPE: a GGUF file of random weights, by the package gguf of llama.cpp.
import sys

import numpy
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize

file, name = sys.argv[1:3]
kind = GGMLQuantizationType[name]
random = numpy.random.default_rng(7)
writer = GGUFWriter(file, "whisper")
writer.add_array("tokenizer.ggml.tokens", ["t%d" % n for n in range(5000)])
writer.add_array("some.numbers", [1.0, 2.0])
writer.add_bool("some.switch", True)
for n in range(3):
    plain = random.standard_normal((64, 256)).astype(numpy.float32)
    if kind == GGMLQuantizationType.F32:
        writer.add_tensor("weight%d" % n, plain)
    else:
        writer.add_tensor("weight%d" % n, quantize(plain, kind), raw_dtype=kind)
writer.add_tensor("bias", random.standard_normal(31).astype(numpy.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
