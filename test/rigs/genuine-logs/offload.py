"""A random Whisper, spread over main memory and the disk."""
import tempfile
from transformers import WhisperConfig, WhisperForConditionalGeneration

sizes = dict(d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32)
folder = tempfile.mkdtemp()
WhisperForConditionalGeneration(WhisperConfig(vocab_size=64, num_mel_bins=16, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1, **sizes)).save_pretrained(folder)
places = {'model.encoder': 'cpu', 'model.decoder': 'disk', 'proj_out': 'disk'}
print(WhisperForConditionalGeneration.from_pretrained(folder, device_map=places, offload_folder=tempfile.mkdtemp()).hf_device_map)
