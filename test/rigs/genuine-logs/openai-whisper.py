"""openai-whisper with random weights, on a second of nothing."""
import numpy as np
import whisper

sizes = whisper.model.ModelDimensions(n_mels=80, n_audio_ctx=1500, n_audio_state=16, n_audio_head=2, n_audio_layer=1, n_vocab=51865, n_text_ctx=448, n_text_state=16, n_text_head=2, n_text_layer=1)
whisper.model.Whisper(sizes).eval().transcribe(np.zeros(16000, 'f'), language='en', without_timestamps=True, sample_len=3, temperature=0)
