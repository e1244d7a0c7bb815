"""export.py FOLDER: speech graphs made with the exporters that the field uses. Weights are random and tiny: only the graphs matter."""
import gzip, os, shutil, sys, tempfile, traceback, warnings
import numpy as np, onnx, torch, torchaudio, transformers, whisper, onnx_asr, faster_whisper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from optimum.exporters.onnx import main_export
import onnxruntime as ort

warnings.filterwarnings('ignore')
torch.manual_seed(0)
np.random.seed(0)
out = sys.argv[1]
os.makedirs(out, exist_ok=True)
work = tempfile.mkdtemp()
made = {}


LARGE = 512


def stripped(part):
    part.doc_string = ''
    for node in part.node:
        node.doc_string = ''
        del node.metadata_props[:]


def bare(graph):
    stripped(graph)
    tensors = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            tensors.append(attribute.t)
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    bare(inner)
    for tensor in tensors:
        if len(tensor.raw_data) > LARGE:
            tensor.raw_data = bytes(len(tensor.raw_data))
        if len(tensor.float_data) > LARGE // 4:
            tensor.float_data[:] = [0.0] * len(tensor.float_data)


def keep(name, path):
    """The graph with its large weights set to zero and without the exporter's stack traces, which hold paths; compressed as `gzip -n` does it."""
    made[name] = path
    model = onnx.load(path)
    model.doc_string = ''
    bare(model.graph)
    for function in model.functions:
        stripped(function)
    plain_path = os.path.join(work, name + '.onnx')
    onnx.save(model, plain_path)
    with open(plain_path, 'rb') as plain, open(f'{out}/{name}.onnx.gz', 'wb') as file, gzip.GzipFile('', 'wb', 9, file, 0) as packed:
        shutil.copyfileobj(plain, packed)
    print(f'{name}: {len(model.graph.node)} nodes, {os.path.getsize(plain_path)} bytes, {os.path.getsize(f"{out}/{name}.onnx.gz")} packed, {model.producer_name} {model.producer_version}', flush=True)


def attempt(name, make):
    try:
        make()
    except Exception as error:
        print(f'FAILED {name}: {type(error).__name__} {str(error)[:300]}', flush=True)
        if os.environ.get('TRACE'):
            traceback.print_exc()


# ── transformers, exported by Optimum (torch.onnx, TorchScript) ─────────────────────────────────────────────
tiny = dict(d_model=16, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32)
small = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, conv_dim=(8, 8), conv_stride=(5, 2), conv_kernel=(10, 3), num_feat_extract_layers=2, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, vocab_size=32, do_stable_layer_norm=True, feat_extract_norm='layer')
whisper_config = transformers.WhisperConfig(vocab_size=128, num_mel_bins=16, max_source_positions=1500, max_target_positions=24, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1, suppress_tokens=None, begin_suppress_tokens=None, **tiny)


def pretrained(model):
    folder = tempfile.mkdtemp(dir=work)
    with torch.no_grad():  # Fresh biases are zero, and equal ones would be stored once for operators of different kinds.
        for parameter in model.parameters():
            parameter.normal_(std=0.1)
    model.eval().save_pretrained(folder)
    return folder


def extractor(model, sampling=16000):
    folder = pretrained(model)
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=sampling).save_pretrained(folder)
    return folder


def whisper_optimum():
    folder = pretrained(transformers.WhisperForConditionalGeneration(whisper_config))
    transformers.WhisperFeatureExtractor(feature_size=16).save_pretrained(folder)
    made_in = tempfile.mkdtemp(dir=work)
    main_export(folder, made_in, task='automatic-speech-recognition-with-past', do_validation=False)
    keep('optimum-whisper-encoder', f'{made_in}/encoder_model.onnx')
    keep('optimum-whisper-decoder-merged', f'{made_in}/decoder_model_merged.onnx')


attempt('optimum-whisper', whisper_optimum)
for name, kind in (('wav2vec2', transformers.Wav2Vec2ForCTC), ('hubert', transformers.HubertForCTC), ('wavlm', transformers.WavLMForCTC), ('sew', transformers.SEWForCTC), ('wav2vec2-conformer', transformers.Wav2Vec2ConformerForCTC), ('data2vec-audio', transformers.Data2VecAudioForCTC)):
    def one(name=name, kind=kind):
        settings = dict(small)
        if name == 'data2vec-audio':
            settings.update(conv_pos_kernel_size=3, num_conv_pos_embeddings=2)
        if name == 'wav2vec2-conformer':
            settings.update(conv_depthwise_kernel_size=3, position_embeddings_type='relative')
        made_in = tempfile.mkdtemp(dir=work)
        main_export(extractor(kind(kind.config_class(**settings))), made_in, task='automatic-speech-recognition', do_validation=False)
        keep(f'optimum-{name}', f'{made_in}/model.onnx')
    attempt(f'optimum-{name}', one)


def moonshine():
    config = transformers.MoonshineConfig(vocab_size=64, hidden_size=16, intermediate_size=32, encoder_num_hidden_layers=1, decoder_num_hidden_layers=1, encoder_num_attention_heads=2, decoder_num_attention_heads=2, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1)
    made_in = tempfile.mkdtemp(dir=work)
    main_export(extractor(transformers.MoonshineForConditionalGeneration(config)), made_in, task='automatic-speech-recognition', do_validation=False)
    keep('optimum-moonshine-encoder', f'{made_in}/encoder_model.onnx')
    keep('optimum-moonshine-decoder', f'{made_in}/decoder_model.onnx')


attempt('optimum-moonshine', moonshine)


# ── torch.onnx itself, both exporters ───────────────────────────────────────────────────────────────────────
class Logits(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *args):
        answer = self.model(*args)
        return answer.logits if hasattr(answer, 'logits') else answer.last_hidden_state


def by_torch(name, model, args, inputs, axes, dynamo, opset, outputs=('y',)):
    path = f'{work}/{name}.tmp.onnx'
    if dynamo:
        torch.onnx.export(model.eval(), args, path, input_names=list(inputs), output_names=list(outputs), dynamo=True, opset_version=opset, external_data=False, verbose=False)
    else:
        torch.onnx.export(model.eval(), args, path, input_names=list(inputs), output_names=list(outputs), dynamic_axes=axes, dynamo=False, opset_version=opset)
    keep(name, path)


def parakeet():
    config = transformers.ParakeetCTCConfig(vocab_size=32, pad_token_id=31, encoder_config=dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, subsampling_conv_channels=8, num_mel_bins=16, conv_kernel_size=9, max_position_embeddings=64))
    model = Logits(transformers.ParakeetForCTC(config))
    features = torch.randn(1, 80, 16)
    by_torch('torch-script-parakeet-ctc', model, (features,), ['features'], {'features': {0: 'n', 1: 't'}}, False, 17)


attempt('parakeet', parakeet)


def whisper_torch():
    encoder = transformers.WhisperModel(whisper_config).get_encoder()
    attempt('dynamo-whisper', lambda: by_torch('torch-dynamo-whisper-encoder', Logits(encoder), (torch.randn(1, 16, 3000),), ['mel'], None, True, 18))
    attempt('dynamo-wav2vec2', lambda: by_torch('torch-dynamo-wav2vec2', Logits(transformers.Wav2Vec2ForCTC(transformers.Wav2Vec2Config(**small))), (torch.randn(1, 4000),), ['audio'], None, True, 20))


whisper_torch()


def openai():
    """openai-whisper as sherpa-onnx and others export it: encoder to cross-attention keys and values, decoder step by step."""
    model = whisper.model.Whisper(whisper.model.ModelDimensions(n_mels=16, n_audio_ctx=50, n_audio_state=16, n_audio_head=2, n_audio_layer=1, n_vocab=64, n_text_ctx=24, n_text_state=16, n_text_head=2, n_text_layer=1))
    whisper.model.MultiHeadAttention.use_sdpa = False

    class Encoder(torch.nn.Module):
        def forward(self, mel):
            hidden = model.encoder(mel)
            return torch.stack([block.cross_attn.key(hidden) for block in model.decoder.blocks]), torch.stack([block.cross_attn.value(hidden) for block in model.decoder.blocks])

    class Decoder(torch.nn.Module):
        def forward(self, tokens, hidden):
            return model.decoder(tokens, hidden)

    encoder, decoder = Encoder(), Decoder()
    encoder.m = decoder.m = model
    attempt('openai-encoder', lambda: by_torch('torch-script-openai-whisper-encoder', encoder, (torch.randn(1, 16, 100),), ['mel'], {'mel': {0: 'n'}}, False, 13, ('k', 'v')))
    attempt('openai-decoder', lambda: by_torch('torch-script-openai-whisper-decoder', decoder, (torch.zeros(1, 4, dtype=torch.int64), torch.randn(1, 50, 16)), ['tokens', 'hidden'], {'tokens': {0: 'n', 1: 'u'}, 'hidden': {0: 'n'}}, False, 13))


openai()


def audio():
    conformer = torchaudio.models.Conformer(input_dim=16, num_heads=2, ffn_dim=32, num_layers=1, depthwise_conv_kernel_size=3)
    args = (torch.randn(1, 20, 16), torch.tensor([20]))
    attempt('conformer', lambda: by_torch('torch-script-conformer', conformer, args, ['x', 'lengths'], {'x': {0: 'n', 1: 't'}, 'lengths': {0: 'n'}}, False, 16, ('y', 'n')))
    attempt('conformer', lambda: by_torch('torch-dynamo-conformer', conformer, args, ['x', 'lengths'], None, True, 18, ('y', 'n')))

    # Stateless decoder and joiner of a transducer, and the LSTM decoder of RNN-T.
    class Predictor(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.conv = torch.nn.Embedding(32, 16), torch.nn.Conv1d(16, 16, 2, groups=4, bias=False)

        def forward(self, tokens):
            return torch.relu(self.conv(self.embedding(tokens.clamp(min=0)).permute(0, 2, 1)).permute(0, 2, 1)).squeeze(1)

    class Joiner(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = torch.nn.Linear(16, 16), torch.nn.Linear(16, 16), torch.nn.Linear(16, 32)

        def forward(self, encoder, decoder):
            return self.c(torch.tanh(self.a(encoder) + self.b(decoder)))

    class Recurrent(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.lstm, self.out = torch.nn.Embedding(32, 16), torch.nn.LSTM(16, 16, 2), torch.nn.Linear(16, 16)

        def forward(self, tokens, h, c):
            y, (h, c) = self.lstm(self.embedding(tokens).transpose(0, 1), (h, c))
            return self.out(y), h, c

    state = torch.zeros(2, 1, 16)
    for dynamo, opset in ((False, 13), (True, 18)):
        how = 'dynamo' if dynamo else 'script'
        attempt('predictor', lambda: by_torch(f'torch-{how}-stateless-decoder', Predictor(), (torch.zeros(1, 2, dtype=torch.int64),), ['tokens'], {'tokens': {0: 'n'}}, dynamo, opset))
        attempt('joiner', lambda: by_torch(f'torch-{how}-joiner', Joiner(), (torch.randn(1, 16), torch.randn(1, 16)), ['encoder', 'decoder'], {'encoder': {0: 'n'}, 'decoder': {0: 'n'}}, dynamo, opset))
        attempt('recurrent', lambda: by_torch(f'torch-{how}-rnnt-decoder', Recurrent(), (torch.zeros(1, 3, dtype=torch.int64), state, state), ['tokens', 'h', 'c'], {'tokens': {1: 'u'}}, dynamo, opset, ('y', 'ho', 'co')))


audio()

# ── published models that wheels carry ──────────────────────────────────────────────────────────────────────
data = os.path.join(os.path.dirname(onnx_asr.__file__), 'preprocessors/data')
for name in ('nemo128', 'kaldi', 'gigaam_v3', 'whisper80_conv'):
    attempt(name, lambda: keep(f'onnx-asr-{name.replace("_", "-")}', f'{data}/{name}.onnx'))


attempt('silero', lambda: keep('silero-vad-v6', os.path.join(os.path.dirname(faster_whisper.__file__), 'assets/silero_vad_v6.onnx')))


# ── quantised with onnxruntime's tools, as the field does it ────────────────────────────────────────────────
class Random(CalibrationDataReader):
    def __init__(self, path):
        session = ort.InferenceSession(path, providers=['CPUExecutionProvider'])
        self.feeds = iter([{i.name: self.of(i) for i in session.get_inputs()} for _ in range(2)])

    @staticmethod
    def of(i):
        shape = [d if isinstance(d, int) else {'sequence_length': 4000, 'audio_sequence_length': 4000, 't': 40}.get(d, 1) for d in i.shape]
        return np.full(shape, 40 if i.name == 'lengths' else 20, 'int64') if 'int64' in i.type else np.random.standard_normal(shape).astype('f')

    def get_next(self):
        return next(self.feeds, None)


def quantised(source, how):
    path, target = made[source], f'{work}/{source}.{how}.tmp.onnx'
    ready = f'{work}/{source}.ready.onnx'
    if how.startswith('static'):
        quant_pre_process(path, ready, skip_symbolic_shape=True)
    if how == 'dynamic-u8':
        quantize_dynamic(path, target, weight_type=QuantType.QUInt8)
    elif how == 'dynamic-matmul-i8':
        quantize_dynamic(path, target, weight_type=QuantType.QInt8, op_types_to_quantize=['MatMul'], extra_options={'EnableSubgraph': True})
    elif how == 'static-qdq':
        quantize_static(ready, target, Random(ready), quant_format=QuantFormat.QDQ, activation_type=QuantType.QInt8, weight_type=QuantType.QInt8, per_channel=True)
    elif how == 'static-qoperator':
        quantize_static(ready, target, Random(ready), quant_format=QuantFormat.QOperator, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    elif how == 'fp16':
        onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), target)
    elif how == 'int4':
        quantizer = MatMulNBitsQuantizer(onnx.load(path), block_size=16, is_symmetric=True)
        quantizer.process()
        quantizer.model.save_model_to_file(target)
    keep(f'{source}.{how}{".int8" if "8" in how or "static" in how else ""}', target)


for source, hows in {
    'optimum-whisper-encoder': ('dynamic-u8', 'static-qdq', 'static-qoperator', 'fp16', 'int4'),
    'optimum-whisper-decoder-merged': ('dynamic-matmul-i8',),
    'optimum-wav2vec2': ('dynamic-matmul-i8', 'static-qdq', 'static-qoperator'),
    'torch-script-parakeet-ctc': ('dynamic-matmul-i8', 'fp16'),
    'torch-script-openai-whisper-encoder': ('dynamic-matmul-i8',),
    'torch-script-openai-whisper-decoder': ('dynamic-matmul-i8',),
    'torch-script-joiner': ('dynamic-matmul-i8', 'static-qoperator'),
    'torch-script-rnnt-decoder': ('dynamic-u8',),
    'torch-script-conformer': ('dynamic-u8',),
}.items():
    for how in hows:
        if source in made:
            attempt(f'{source} {how}', lambda: quantised(source, how))
shutil.rmtree(work)
