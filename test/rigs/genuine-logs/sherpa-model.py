"""sherpa-model.py FOLDER: a CTC model as sherpa-onnx takes NeMo's, with random weights, its tokens, and five seconds of noise."""
import sys, wave
import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper as nh

folder, random = sys.argv[1], np.random.default_rng(0)
weights = [nh.from_array((random.standard_normal((80, 30)) * 0.1).astype('f'), 'w'), nh.from_array(np.array([4], 'int64'), 'four')]
nodes = [h.make_node('AveragePool', ['audio_signal'], ['pooled'], kernel_shape=[4], strides=[4]), h.make_node('Transpose', ['pooled'], ['frames'], perm=[0, 2, 1]),
         h.make_node('MatMul', ['frames', 'w'], ['scores']), h.make_node('LogSoftmax', ['scores'], ['logprobs'], axis=-1), h.make_node('Div', ['length', 'four'], ['out_length'])]
graph = h.make_graph(nodes, 'ctc', [h.make_tensor_value_info('audio_signal', T.FLOAT, ['n', 80, 't']), h.make_tensor_value_info('length', T.INT64, ['n'])],
                     [h.make_tensor_value_info('logprobs', T.FLOAT, ['n', 'u', 30]), h.make_tensor_value_info('out_length', T.INT64, ['n'])], weights)
model = h.make_model(graph, opset_imports=[h.make_opsetid('', 17)], ir_version=8)
h.set_model_props(model, dict(vocab_size='29', subsampling_factor='4', normalize_type='per_feature', model_type='EncDecCTCModelBPE'))
onnx.save(model, f'{folder}/model.onnx')
with open(f'{folder}/tokens.txt', 'w') as file:
    file.writelines(f'{token} {n}\n' for n, token in enumerate([*(chr(97 + n) for n in range(26)), '_', "'", '.', '<blk>']))
with wave.open(f'{folder}/noise.wav', 'wb') as file:
    file.setparams((1, 2, 16000, 0, 'NONE', ''))
    file.writeframes((random.standard_normal(80000) * 3000).astype('int16').tobytes())
