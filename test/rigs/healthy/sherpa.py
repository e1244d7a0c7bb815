"""sherpa.py FOLDER TIMES: sherpa-onnx with its debug log, over a tiny CTC model (../genuine-logs/sherpa-model.py)."""
import sys
import numpy as np
import sherpa_onnx

folder, noise = sys.argv[1], (np.random.default_rng(0).standard_normal(16000) * 0.1).astype('f')
for _ in range(int(sys.argv[2])):
    recogniser = sherpa_onnx.OfflineRecognizer.from_nemo_ctc(model=f'{folder}/model.onnx', tokens=f'{folder}/tokens.txt', num_threads=1, debug=True)
    stream = recogniser.create_stream()
    stream.accept_waveform(16000, noise)
    recogniser.decode_stream(stream)
    print(stream.result.text, flush=True)
