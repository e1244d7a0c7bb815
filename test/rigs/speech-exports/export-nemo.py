"""export-nemo.py FOLDER CLIP: transducers and a CTC network of tiny size and seeded random weights, exported by NeMo's own exporter.

FOLDER/nemo-rnnt, nemo-tdt  encoder.onnx decoder.onnx joiner.onnx tokens.txt: as sherpa-onnx's scripts/nemo/*/export*.py do it
FOLDER/onnx-asr-rnnt, -tdt  encoder-model.onnx decoder_joint-model.onnx vocab.txt config.json: as onnx-asr's docs/conversion.md says
FOLDER/nemo-ctc, onnx-asr-ctc  model.onnx with tokens.txt and metadata, or with vocab.txt and config.json

CLIP is some speech, 16 kHz, as bare float32: seconds 1 to 12 of the reference clip were taken. Needs: torch==2.8.0 onnx==1.19.1 onnxruntime==1.23.2 nemo_toolkit[asr]==2.5.3 datasets==3.6.0 pyarrow==17.0.0 (Python 3.11; the CPU is enough).
"""
import json, os, shutil, sys, tempfile
import numpy as np, onnx, torch
from omegaconf import OmegaConf
from onnxruntime.quantization import QuantType, quantize_dynamic
from nemo.collections.asr.models import EncDecCTCModel, EncDecRNNTModel

from weights import PIECES, blank_share, centred, grained, untied

out = sys.argv[1]
clip = torch.from_numpy(np.fromfile(sys.argv[2], dtype=np.float32))[None]
DURATIONS = [0, 1, 2, 3, 4]


def preprocessor(mels):
    return dict(_target_='nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor', sample_rate=16000, normalize='per_feature', window_size=0.025,
                window_stride=0.01, window='hann', features=mels, n_fft=512, log=True, frame_splicing=1, dither=0.0, pad_to=0)


def encoder(mels, width):
    return dict(_target_='nemo.collections.asr.modules.ConformerEncoder', feat_in=mels, feat_out=-1, n_layers=2, d_model=width, subsampling='dw_striding',
                subsampling_factor=8, subsampling_conv_channels=width, ff_expansion_factor=2, self_attention_model='rel_pos', n_heads=2, att_context_size=[-1, -1],
                xscaling=False, untie_biases=True, pos_emb_max_len=200, conv_kernel_size=9, conv_norm_type='batch_norm', dropout=0.0, dropout_pre_encoder=0.0,
                dropout_emb=0.0, dropout_att=0.0)


def transducer(labels, mels, tdt, width=24):
    n = len(labels)
    config = dict(
        sample_rate=16000, labels=labels, preprocessor=preprocessor(mels), encoder=encoder(mels, width), model_defaults=dict(enc_hidden=width, pred_hidden=width, joint_hidden=width),
        decoder=dict(_target_='nemo.collections.asr.modules.RNNTDecoder', normalization_mode=None, random_state_sampling=False, blank_as_pad=True, vocab_size=n,
                     prednet=dict(pred_hidden=width, pred_rnn_layers=1 if tdt else 2, t_max=None, dropout=0.0)),
        joint=dict(_target_='nemo.collections.asr.modules.RNNTJoint', log_softmax=None, preserve_memory=False, fuse_loss_wer=False, fused_batch_size=1, num_classes=n, vocabulary=labels,
                   num_extra_outputs=len(DURATIONS) if tdt else 0, jointnet=dict(joint_hidden=width, activation='relu', dropout=0.0, encoder_hidden=width, pred_hidden=width)),
        decoding=dict(strategy='greedy_batch', model_type='tdt' if tdt else 'rnnt', durations=DURATIONS, greedy=dict(max_symbols=10)) if tdt else dict(strategy='greedy_batch', greedy=dict(max_symbols=10)),
        loss=dict(loss_name='tdt', tdt_kwargs=dict(fastemit_lambda=0.0, clamp=-1.0, durations=DURATIONS, sigma=0.0, omega=0.1)) if tdt else dict(loss_name='default'),
        optim=dict(name='adamw', lr=1e-3))
    return EncDecRNNTModel(cfg=OmegaConf.create(config)).eval()


def ctc(labels, width=24):
    config = dict(sample_rate=16000, labels=labels, preprocessor=preprocessor(80), encoder=encoder(80, width),
                  decoder=dict(_target_='nemo.collections.asr.modules.ConvASRDecoder', feat_in=width, num_classes=len(labels), vocabulary=labels), optim=dict(name='adamw', lr=1e-3))
    return EncDecCTCModel(cfg=OmegaConf.create(config)).eval()


def meta(path, values):
    model = onnx.load(path)
    del model.metadata_props[:]
    for key, value in values.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    onnx.save(model, path)


def plain(folder):
    """Without the exporter's stack traces, which hold paths."""
    for name in os.listdir(folder):
        if not name.endswith('.onnx'):
            continue
        model = onnx.load(f'{folder}/{name}')
        model.doc_string = ''
        for node in model.graph.node:
            node.doc_string = ''
            if node.op_type not in ('If', 'Loop'):
                del node.metadata_props[:]
        onnx.save(model, f'{folder}/{name}')


def tokens(folder, name, labels):
    with open(f'{folder}/{name}', 'w', encoding='utf-8') as file:
        file.writelines(f'{label} {i}\n' for i, label in enumerate([*labels, '<blk>']))


@torch.no_grad()
def lively(model, kind):
    """Weights such that the clip gives many tokens, and blanks between them."""
    grained(model)
    features, lengths = model.preprocessor(input_signal=clip, length=torch.tensor([clip.shape[1]]))
    encoded = model.encoder(audio_signal=features, length=lengths)[0][0].T
    if kind == 'ctc':
        last = model.decoder.decoder_layers[0]
        untied(last)
        centred(last, encoded, 1)
        blank_share(last.bias, encoded @ last.weight[:, :, 0].T + last.bias, len(PIECES), 0.4, len(PIECES) + 1)
        return
    joint = model.joint
    centred(joint.enc, encoded, 2)
    said = [model.decoder.predict(torch.tensor([[i]]), state=None, add_sos=False, batch_size=1)[0][0, 0] for i in range(len(PIECES))]
    # Without durations a token leads to the next in the same frame, and only the blank ends that.
    centred(joint.pred, torch.stack(said), 1.5 if kind == 'tdt' else 0.8)
    last = joint.joint_net[-1]
    untied(last)
    last.weight *= 3
    said = torch.stack(said)[torch.randint(len(PIECES), (len(encoded),))]
    blank_share(last.bias, joint.joint_net(joint.enc(encoded) + joint.pred(said)), len(PIECES), 0.6 if kind == 'tdt' else 0.85, len(PIECES) + 1)


def make(kind, model, mels):
    lively(model, kind)
    # Positions are a table in the exported graph: 200 frames of 80 ms are enough for a clip of 16 s.
    del model.encoder.pos_enc.pe
    model.encoder.set_max_audio_length(200)
    labels = PIECES
    sherpa, asr = (tempfile.mkdtemp() for _ in range(2))
    normalise = dict(vocab_size=len(labels), normalize_type='per_feature', subsampling_factor=8, version=2, model_author='NeMo', comment='random weights')
    if kind == 'ctc':
        model.export(f'{sherpa}/model.onnx')
        shutil.copy(f'{sherpa}/model.onnx', f'{asr}/model.onnx')
        quantize_dynamic(f'{sherpa}/model.onnx', f'{asr}/model.int8.onnx', weight_type=QuantType.QUInt8)
        meta(f'{sherpa}/model.onnx', dict(normalise, model_type='EncDecCTCModel'))
    else:
        model.encoder.export(f'{sherpa}/encoder.onnx')
        model.decoder.export(f'{sherpa}/decoder.onnx')
        model.joint.export(f'{sherpa}/joiner.onnx')
        meta(f'{sherpa}/encoder.onnx', dict(normalise, pred_rnn_layers=model.decoder.pred_rnn_layers, pred_hidden=model.decoder.pred_hidden, model_type='EncDecRNNTModel',
                                            url=f'https://example.org/tiny-{kind}', feat_dim=mels))
        model.export(f'{asr}/model.onnx')
    tokens(sherpa, 'tokens.txt', labels)
    tokens(asr, 'vocab.txt', labels)
    with open(f'{asr}/config.json', 'w') as file:
        json.dump(dict(model_type=f'nemo-conformer-{kind}', features_size=mels, subsampling_factor=8), file)
    for folder, name in ((sherpa, f'nemo-{kind}'), (asr, f'onnx-asr-{kind}')):
        plain(folder)
        shutil.rmtree(f'{out}/{name}', ignore_errors=True)
        shutil.copytree(folder, f'{out}/{name}')


for seed, kind in enumerate(('rnnt', 'tdt', 'ctc')):
    torch.manual_seed(seed)
    mels = 128 if kind == 'tdt' else 80
    make(kind, ctc(PIECES) if kind == 'ctc' else transducer(PIECES, mels, kind == 'tdt'), mels)
