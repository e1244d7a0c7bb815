"""nemo_ctc.py FILE: a Conformer with CTC as NeMo writes it, tiny and with seeded random weights. Needs nemo_toolkit[asr]."""
import sys
import torch
from nemo.collections.asr.models import EncDecCTCModel
from omegaconf import OmegaConf

MODULES = 'nemo.collections.asr.modules.'
labels = list(" abcdefghijklmnopqrstuvwxyz'")
torch.manual_seed(0)
EncDecCTCModel(cfg=OmegaConf.create({
    'sample_rate': 16000, 'labels': labels,
    'preprocessor': {'_target_': MODULES + 'AudioToMelSpectrogramPreprocessor', 'sample_rate': 16000, 'normalize': 'per_feature', 'window_size': 0.025, 'window_stride': 0.01, 'window': 'hann', 'features': 80, 'n_fft': 512, 'dither': 0.0},
    'encoder': {'_target_': MODULES + 'ConformerEncoder', 'feat_in': 80, 'n_layers': 2, 'd_model': 64, 'n_heads': 4, 'subsampling': 'striding', 'subsampling_factor': 4, 'subsampling_conv_channels': 64},
    'decoder': {'_target_': MODULES + 'ConvASRDecoder', 'feat_in': 64, 'num_classes': len(labels), 'vocabulary': labels},
})).save_to(sys.argv[1])
