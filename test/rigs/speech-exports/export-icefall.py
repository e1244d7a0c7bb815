"""export-icefall.py FOLDER ICEFALL CLIP: Zipformers of tiny size and seeded random weights, exported by icefall's own scripts, run as they are.

FOLDER/zipformer            zipformer/export-onnx.py            (and its int8 twins)
FOLDER/zipformer-streaming  zipformer/export-onnx-streaming.py
FOLDER/zipformer-ctc        zipformer/export-onnx-ctc.py

CLIP is some speech, 16 kHz, as bare float32: seconds 1 to 12 of the reference clip were taken. ICEFALL is a checkout of k2-fsa/icefall (36e0420c was used). k2 itself is a build for one torch and one CUDA; exporting takes of it no more
than its table of symbols and two activation functions, which stand in below. Needs: torch==2.8.0 onnx==1.19.1 onnxruntime==1.23.2 lhotse sentencepiece kaldialign pypinyin tensorboard.
"""
import os, runpy, shutil, subprocess, sys, tempfile
from unittest import mock

import numpy as np, torch, torchaudio

from weights import PIECES, blank_share, centred, grained, untied

out, icefall, clip = (os.path.abspath(each) for each in sys.argv[1:4])


class SymbolTable(dict):
    @staticmethod
    def from_file(path):
        with open(path, encoding='utf-8') as file:
            return SymbolTable((symbol, int(i)) for symbol, i in (line.split() for line in file))

    @property
    def symbols(self):
        return list(self)


def swoosh(shift, offset):
    return lambda x: torch.logaddexp(torch.zeros(()), x - shift) - 0.08 * x - offset


swooshes = {f'swoosh_{kind}{end}': function for kind, function in (('l', swoosh(4, 0.035)), ('r', swoosh(1, 0.313261687))) for end in ('', '_forward')}
k2 = mock.MagicMock(SymbolTable=SymbolTable, __file__=__file__, **swooshes)
k2.__spec__ = None
k2.version = mock.MagicMock(**dict.fromkeys(('__version__', '__build_type__', '__cuda_version__', '__git_sha1__', '__git_date__', '__with_cuda__'), 'none'))
for name in ('k2', 'k2.version', 'k2.ragged'):
    sys.modules[name] = k2
recipe = f'{icefall}/egs/librispeech/ASR/zipformer'
sys.path[:0] = [recipe, icefall]

SHAPE = {'num-encoder-layers': '1,1', 'downsampling-factor': '1,2', 'feedforward-dim': '32,32', 'num-heads': '2,2', 'encoder-dim': '16,24', 'query-head-dim': '4', 'value-head-dim': '4',
         'pos-head-dim': '2', 'pos-dim': '4', 'encoder-unmasked-dim': '16,16', 'cnn-module-kernel': '7,7', 'decoder-dim': '24', 'joiner-dim': '24'}


@torch.no_grad()
def lively(model):
    """Weights such that the clip gives many tokens, and blanks between them."""
    grained(model)
    model.eval()
    wave = torch.from_numpy(np.fromfile(clip, dtype=np.float32))[None]
    features = torchaudio.compliance.kaldi.fbank(wave, num_mel_bins=80, dither=0, snip_edges=False, high_freq=-400)
    encoded = model.forward_encoder(features[None], torch.tensor([len(features)]))[0][0]
    if model.use_ctc:
        last = model.ctc_output[1]
        untied(last)
        centred(last, encoded, 1)
        blank_share(last.bias, last(encoded), 0, 0.4, len(TOKENS))
        return
    joiner, last = model.joiner, model.joiner.output_linear
    centred(joiner.encoder_proj, encoded, 4)
    said = model.decoder(torch.randint(len(TOKENS), (len(encoded), 2)), need_pad=False)[:, 0]
    centred(joiner.decoder_proj, said, 2)
    untied(last)
    last.weight *= 3
    blank_share(last.bias, last(torch.tanh(joiner.encoder_proj(encoded) + joiner.decoder_proj(said))), 0, 0.5, len(TOKENS))


def make(name, script, seed, **more):
    import train
    folder = tempfile.mkdtemp()
    with open(f'{folder}/tokens.txt', 'w', encoding='utf-8') as file:
        file.writelines(f'{token} {i}\n' for i, token in enumerate(TOKENS))
    words = [word for key, value in {**SHAPE, **more}.items() for word in (f'--{key}', str(value))]
    params = train.get_params()
    params.update(vars(train.get_parser().parse_args(words)))
    params.blank_id, params.vocab_size = 0, len(TOKENS)
    torch.manual_seed(seed)
    model = train.get_model(params)
    lively(model)
    torch.save({'model': model.state_dict()}, f'{folder}/epoch-1.pt')
    sys.argv = [script, '--exp-dir', folder, '--tokens', f'{folder}/tokens.txt', '--epoch', '1', '--avg', '1', '--use-averaged-model', '0', *words]
    with torch.no_grad():
        runpy.run_path(f'{recipe}/{script}', run_name='__main__')
    shutil.rmtree(f'{out}/{name}', ignore_errors=True)
    os.makedirs(f'{out}/{name}')
    for file in sorted(os.listdir(folder)):
        if file.endswith(('.onnx', '.txt')):
            shutil.copy(f'{folder}/{file}', f'{out}/{name}/{file}')
            print(name, file, os.path.getsize(f'{folder}/{file}'), flush=True)


TOKENS = ['<blk>', '<sos/eos>', *PIECES]
MODELS = {
    'zipformer': ('export-onnx.py', 0, {'causal': 0}),
    'zipformer-streaming': ('export-onnx-streaming.py', 1, {'causal': 1, 'chunk-size': 16, 'left-context-frames': 64}),
    'zipformer-ctc': ('export-onnx-ctc.py', 2, {'causal': 0, 'use-ctc': 1, 'use-transducer': 0}),
}
if len(sys.argv) > 4:
    script, seed, more = MODELS[sys.argv[4]]
    make(sys.argv[4], script, seed, **more)
else:
    # The scripts change the classes that they export: a process for each.
    for name in MODELS:
        subprocess.run([sys.executable, __file__, *sys.argv[1:], name], check=True)
