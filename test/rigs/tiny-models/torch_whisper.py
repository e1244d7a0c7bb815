"""torch_whisper.py FOLDER: the same tiny random Whisper as a checkpoint of openai-whisper (tiny.pt) and as a folder of transformers (hf/).

Needs torch, openai-whisper and transformers. The tokenizer of the folder is made of the ranks that openai-whisper brings along.
"""
import json, os, sys
import torch, whisper
from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizer

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
torch.manual_seed(0)
WIDTH, HEADS, LAYERS, VOCABULARY, END = 64, 2, 2, 51864, 50256



def sure(tokens, positions, scale):
    """Sure of every token, so that the text is the same in each run; and from some position on it is at its end."""
    with torch.no_grad():
        tokens.normal_(), positions.normal_(std=10), scale.fill_(24 / WIDTH ** 0.5)
        positions[:, 0] = torch.where(torch.arange(len(positions)) < 24, -80, 80)
        tokens[END] = 0
        tokens[END, 0] = 4 * WIDTH ** 0.5


model = whisper.model.Whisper(whisper.ModelDimensions(80, 1500, WIDTH, HEADS, LAYERS, VOCABULARY, 448, WIDTH, HEADS, LAYERS))
sure(model.decoder.token_embedding.weight, model.decoder.positional_embedding, model.decoder.ln.weight)
torch.save({'dims': vars(model.dims), 'model_state_dict': model.state_dict()}, os.path.join(folder, 'tiny.pt'))

tokens = whisper.tokenizer.get_tokenizer(multilingual=False)
encoding = tokens.encoding
plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
letters = {byte: chr(byte) for byte in plain}
letters.update({byte: chr(256 + i) for i, byte in enumerate(byte for byte in range(256) if byte not in plain)})
vocabulary = {''.join(letters[byte] for byte in encoding.decode_single_token_bytes(i)): i for i in range(tokens.eot)}
os.makedirs(os.path.join(folder, 'hf'), exist_ok=True)
with open(os.path.join(folder, 'vocab.json'), 'w') as file:
    json.dump(vocabulary, file)
with open(os.path.join(folder, 'merges.txt'), 'w') as file:
    file.write('#version: 0.2\n')
tokenizer = WhisperTokenizer(os.path.join(folder, 'vocab.json'), os.path.join(folder, 'merges.txt'), unk_token='<|endoftext|>', bos_token='<|endoftext|>', eos_token='<|endoftext|>', pad_token='<|endoftext|>')
tokenizer.add_special_tokens({'additional_special_tokens': [name for name, _ in sorted(tokens.special_tokens.items(), key=lambda each: each[1]) if name != '<|endoftext|>' and not name[2].isdigit()]})
tokenizer.add_tokens([name for name, _ in sorted(tokens.special_tokens.items(), key=lambda each: each[1]) if name[2].isdigit()])
config = WhisperConfig(
    vocab_size=VOCABULARY, d_model=WIDTH, encoder_layers=LAYERS, decoder_layers=LAYERS, encoder_attention_heads=HEADS, decoder_attention_heads=HEADS, encoder_ffn_dim=4 * WIDTH, decoder_ffn_dim=4 * WIDTH,
    bos_token_id=tokens.eot, eos_token_id=tokens.eot, pad_token_id=tokens.eot, decoder_start_token_id=tokens.sot, begin_suppress_tokens=[220, tokens.eot],
)
network = WhisperForConditionalGeneration(config)
sure(network.model.decoder.embed_tokens.weight, network.model.decoder.embed_positions.weight, network.model.decoder.layer_norm.weight)
network.generation_config = GenerationConfig(
    no_timestamps_token_id=tokens.no_timestamps, max_length=448, is_multilingual=False, decoder_start_token_id=tokens.sot, bos_token_id=tokens.eot, eos_token_id=tokens.eot, pad_token_id=tokens.eot,
    begin_suppress_tokens=[220, tokens.eot],
)
for part in (network, tokenizer, WhisperFeatureExtractor()):
    part.save_pretrained(os.path.join(folder, 'hf'))
