"""pack.py FROM TO: what the two exporting scripts made in FROM, compressed, as the tests want it. Needs brotli.

Of an encoder or a CTC network of NeMo both layouts have the same graph, and sherpa-onnx's has metadata besides: it is kept once. Of the int8
twins that the exporters make one is kept.
"""
import os, shutil, sys
import brotli, onnx

source, target = sys.argv[1:3]
SAME = {'onnx-asr-rnnt/encoder-model.onnx': 'nemo-rnnt/encoder.onnx', 'onnx-asr-tdt/encoder-model.onnx': 'nemo-tdt/encoder.onnx', 'onnx-asr-ctc/model.onnx': 'nemo-ctc/model.onnx'}
KEPT_TWIN = 'onnx-asr-ctc/model.int8.onnx'

shutil.rmtree(target, ignore_errors=True)
for folder in sorted(os.listdir(source)):
    os.makedirs(f'{target}/{folder}')
    for name in sorted(os.listdir(f'{source}/{folder}')):
        file = f'{folder}/{name}'
        if not name.endswith('.onnx'):
            shutil.copy(f'{source}/{file}', f'{target}/{file}')
        elif file in SAME:
            assert onnx.load(f'{source}/{file}').graph == onnx.load(f'{source}/{SAME[file]}').graph, file
        elif not name.endswith('.int8.onnx') or file == KEPT_TWIN:
            with open(f'{source}/{file}', 'rb') as plain, open(f'{target}/{file}.br', 'wb') as packed:
                packed.write(brotli.compress(plain.read(), quality=11, lgwin=24))
