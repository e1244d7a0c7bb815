"""faster-whisper.py FOLDER TIMES: a random Whisper, converted for CTranslate2, transcribes noise and says all that it has to say."""
import logging, os, sys
import ctranslate2, numpy as np
from faster_whisper import WhisperModel
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizerFast

folder, times = sys.argv[1], int(sys.argv[2])
if not os.path.exists(f'{folder}/ct2'):
    words = {character: n for n, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    special = ['<|endoftext|>', '<|startoftranscript|>', '<|en|>', '<|translate|>', '<|transcribe|>', '<|startoflm|>', '<|startofprev|>', '<|nospeech|>', '<|notimestamps|>', *(f'<|{n * 0.02:.2f}|>' for n in range(1501))]
    tokenizer = Tokenizer(models.BPE(words, []))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    WhisperTokenizerFast(tokenizer_object=tokenizer, unk_token='<|endoftext|>', bos_token='<|endoftext|>', eos_token='<|endoftext|>').save_pretrained(folder)
    tokenizer.save(f'{folder}/tokenizer.json')
    end, start = tokenizer.token_to_id('<|endoftext|>'), tokenizer.token_to_id('<|startoftranscript|>')
    sizes = dict(d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32)
    config = WhisperConfig(vocab_size=tokenizer.get_vocab_size(), pad_token_id=end, bos_token_id=end, eos_token_id=end, decoder_start_token_id=start, suppress_tokens=[], begin_suppress_tokens=[end], **sizes)
    model = WhisperForConditionalGeneration(config)
    model.generation_config.suppress_tokens, model.generation_config.begin_suppress_tokens, model.generation_config.alignment_heads = [], [end], [[0, 0]]
    model.save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    ctranslate2.converters.TransformersConverter(folder, copy_files=['tokenizer.json', 'preprocessor_config.json']).convert(f'{folder}/ct2')

logging.basicConfig(format='%(asctime)s %(levelname)s %(name)s: %(message)s', level=logging.DEBUG)
model = WhisperModel(f'{folder}/ct2', device='cpu', compute_type='float32', cpu_threads=1)
noise = (np.random.default_rng(0).standard_normal(80000) * 0.1).astype('f')
for _ in range(times):
    segments, info = model.transcribe(noise, language='en', temperature=0, max_new_tokens=20, condition_on_previous_text=False, log_prob_threshold=None)
    print(f'{info.duration} s of {info.language}: {len(list(segments))} segments', flush=True)
