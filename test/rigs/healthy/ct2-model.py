"""ct2-model.py FOLDER: makes that Whisper (with transformers 4.57.1, torch 2.8.0 and ctranslate2 4.6.2)."""
import sys, tempfile
import ctranslate2, torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizerFast

torch.manual_seed(0)
folder = tempfile.mkdtemp()
words = Tokenizer(models.BPE({each: n for n, each in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, []))
words.add_special_tokens(['<|endoftext|>', '<|startoftranscript|>', '<|en|>', '<|translate|>', '<|transcribe|>', '<|startoflm|>', '<|startofprev|>', '<|nospeech|>', '<|notimestamps|>'])
WhisperTokenizerFast(tokenizer_object=words, unk_token='<|endoftext|>', bos_token='<|endoftext|>', eos_token='<|endoftext|>').save_pretrained(folder)
sizes = dict(d_model=4, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=8, decoder_ffn_dim=8)
model = WhisperForConditionalGeneration(WhisperConfig(vocab_size=words.get_vocab_size(), pad_token_id=256, bos_token_id=256, eos_token_id=256, decoder_start_token_id=257, suppress_tokens=[], begin_suppress_tokens=[256], **sizes))
model.generation_config.suppress_tokens, model.generation_config.begin_suppress_tokens, model.generation_config.alignment_heads = [], [256], [[0, 0]]
model.save_pretrained(folder)
WhisperFeatureExtractor().save_pretrained(folder)
ctranslate2.converters.TransformersConverter(folder).convert(sys.argv[1], quantization='int8', force=True)
