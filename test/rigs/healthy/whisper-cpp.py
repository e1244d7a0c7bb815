"""whisper-cpp.py MODEL TIMES: libwhisper of the pywhispercpp wheel, over a model without tensors (../genuine-logs/ggml-model.py)."""
import sys
import _pywhispercpp as whisper

for _ in range(int(sys.argv[2])):
    whisper.whisper_free(whisper.whisper_init_from_file_with_params(sys.argv[1], whisper.whisper_context_default_params()))
