"""ct2.py FOLDER TIMES: CTranslate2 with its log switched on, over a tiny random Whisper (ct2-model.py)."""
import sys
import ctranslate2
import numpy as np

features = np.zeros((1, 80, 3000), 'f')
for _ in range(int(sys.argv[2])):
    model = ctranslate2.models.Whisper(sys.argv[1], device='cpu', compute_type='default', intra_threads=1)
    answer = model.generate(ctranslate2.StorageView.from_array(features), [[257, 258]], max_length=8, suppress_tokens=None)
    print(len(answer[0].sequences_ids[0]), 'tokens', flush=True)
