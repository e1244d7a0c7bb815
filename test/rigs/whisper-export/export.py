"""
export.py FOLDER: two tiny Whispers with random weights, exported by Optimum as for Hugging Face, each in a folder with
expected.json: what the reference pipeline hears in CLIP (a file of 32-bit floats at 16 kHz), window by window of 30 s.

  multilingual   80 mel channels; the model hears the language
  english        128 mel channels, no languages; also in half precision

The reference is generate() of transformers, greedy, in PyTorch; where Optimum can run its own export, that has to say the
same. TEXT is a file of text that the vocabulary is made of.

The seeds are chosen so that the tokens vary (23 to 52 different ones in a window) and depend on the sound, that one window ends by itself
before the limit, and that the best token is never nearer than 0.002 to the second, which 32-bit arithmetic in another order
does not reach. In half precision it is: there the first `sure` tokens count, before two are nearer than 0.02.
"""
import json, os, shutil, sys, tempfile, warnings

import numpy as np, onnx, torch, transformers
from optimum.exporters.onnx import main_export
from tokenizers import AddedToken, ByteLevelBPETokenizer

warnings.filterwarnings('ignore')
transformers.logging.set_verbosity_error()
torch.set_num_threads(1)
out, clip = sys.argv[1], np.fromfile(os.environ['CLIP'], '<f4')
LANGUAGES = ['en', 'zh', 'de', 'es', 'ru']
# Characters of two, three and four bytes, most too rare for tokens of their own.
TEXT = open(os.environ['TEXT'], encoding='utf8').read() + '\nGrüße aus Zürich, 語音識別, распознавание речи, 🎙️🙂\n'
WINDOW = 30 * 16000


def tokenizer_in(folder, languages):
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator([TEXT], vocab_size=480, min_frequency=2, show_progress=False)
    bpe.save_model(folder)
    special = ['<|endoftext|>', '<|startoftranscript|>', *[f'<|{each}|>' for each in languages], '<|translate|>', '<|transcribe|>', '<|startoflm|>', '<|startofprev|>', '<|nospeech|>', '<|notimestamps|>']
    bpe.add_special_tokens(special)
    bpe.add_tokens([AddedToken(f'<|{0.02 * each:.2f}|>', special=False) for each in range(11)])
    bpe.save(f'{folder}/tokenizer.json')
    tokenizer = transformers.WhisperTokenizerFast(f'{folder}/vocab.json', f'{folder}/merges.txt', tokenizer_file=f'{folder}/tokenizer.json', additional_special_tokens=special)
    tokenizer.save_pretrained(folder)
    return tokenizer


def weights(model, seed):
    """Larger than a trained model starts with, so that the tokens depend on the sound and on each other."""
    torch.manual_seed(seed)
    for name, p in model.named_parameters():
        if 'layer_norm' in name or 'encoder.embed_positions' in name:
            continue
        scale = 2.0 if 'embed_positions' in name else 1.0 if 'embed' in name else 2.5 / p[0].numel() ** 0.5 if p.dim() > 1 else 0.1
        with torch.no_grad():
            p.copy_(torch.randn(p.shape) * scale)
    model.tie_weights()


def export(name, mels, languages, seed):
    work, folder = tempfile.mkdtemp(), f'{out}/{name}'
    tokenizer = tokenizer_in(work, languages)
    id = tokenizer.convert_tokens_to_ids
    signs = tokenizer.additional_special_tokens
    ends = dict(bos_token_id=id('<|endoftext|>'), eos_token_id=id('<|endoftext|>'), pad_token_id=id('<|endoftext|>'), decoder_start_token_id=id('<|startoftranscript|>'))
    model = transformers.WhisperForConditionalGeneration(transformers.WhisperConfig(
        vocab_size=len(tokenizer), num_mel_bins=mels, d_model=16, encoder_layers=1, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
        max_target_positions=224, suppress_tokens=None, begin_suppress_tokens=None, **ends)).eval()
    weights(model, seed)
    settings = dict(
        ends, max_length=224, no_timestamps_token_id=id('<|notimestamps|>'), return_timestamps=False, is_multilingual=bool(languages), begin_suppress_tokens=[id('Ġ'), id('<|endoftext|>')],
        suppress_tokens=[id(each) for each in '"#()*+/:;<=>'] + [id(each) for each in signs if each != '<|endoftext|>'])
    if languages:
        settings.update(lang_to_id={f'<|{each}|>': id(f'<|{each}|>') for each in languages}, task_to_id={each: id(f'<|{each}|>') for each in ('translate', 'transcribe')}, forced_decoder_ids=[[1, None], [2, id('<|transcribe|>')]])
    model.generation_config = transformers.GenerationConfig(**settings)
    extractor = transformers.WhisperFeatureExtractor(feature_size=mels)
    for each in (model, tokenizer, extractor):
        each.save_pretrained(work)
    windows = heard(model, extractor, tokenizer)
    main_export(work, folder, task='automatic-speech-recognition-with-past', do_validation=False)
    # Before transformers 5 the configuration of the generation is not always copied along.
    shutil.copy(f'{work}/generation_config.json', folder)
    json.dump({'windows': windows}, open(f'{folder}/expected.json', 'w'), ensure_ascii=False)
    again(name, windows, folder, extractor, tokenizer)
    shutil.rmtree(work)
    for window in windows:
        print(name, 'seed', seed, 'prompt', window['prompt'], len(window['tokens']), 'tokens', len(set(window['tokens'])), 'different, least distance', round(window['distance'], 5), repr(window['text'][:60]), flush=True)
    return folder, extractor, tokenizer


def heard(model, extractor, tokenizer):
    windows = []
    for at in range(0, len(clip), WINDOW):
        features = extractor(clip[at:at + WINDOW], sampling_rate=16000, return_tensors='pt').input_features
        with torch.no_grad():
            made = model.generate(features, num_beams=1, do_sample=False, return_dict_in_generate=True, output_scores=True)
        sequence, scores = made['sequences'][0], made['scores']
        tokens = sequence[-len(scores):].tolist()
        distances = [float(np.subtract(*score[0].topk(2).values.tolist())) for score in scores]
        windows.append({
            'prompt': sequence[:-len(scores)].tolist(), 'tokens': tokens, 'text': tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False),
            'distance': min(distances), 'sure': next((i for i, each in enumerate(distances) if each < 0.02), len(tokens))})
    return windows


def again(name, windows, folder, extractor, tokenizer, **files):
    """Optimum on ONNX Runtime with the same files."""
    from optimum.onnxruntime import ORTModelForSpeechSeq2Seq
    theirs = heard(ORTModelForSpeechSeq2Seq.from_pretrained(folder, **files), extractor, tokenizer)
    assert windows is None or [each['tokens'] for each in theirs] == [each['tokens'] for each in windows], f'{name}: ONNX Runtime and PyTorch differ'
    return theirs


print('torch', torch.__version__, 'transformers', transformers.__version__, flush=True)
export('multilingual', 80, LANGUAGES, 13)
folder, extractor, tokenizer = export('english', 128, [], 1)
if 'HALF' in os.environ:
    from onnxruntime.transformers.float16 import convert_float_to_float16
    for part in ('encoder_model', 'decoder_model', 'decoder_with_past_model'):
        onnx.save(convert_float_to_float16(onnx.load(f'{folder}/{part}.onnx')), f'{folder}/{part}_fp16.onnx')
    windows = again('english', None, folder, extractor, tokenizer, encoder_file_name='encoder_model_fp16.onnx', decoder_file_name='decoder_model_fp16.onnx', decoder_with_past_file_name='decoder_with_past_model_fp16.onnx', use_merged=False)
    json.dump({'windows': windows}, open(f'{folder}/expected-fp16.json', 'w'), ensure_ascii=False)
