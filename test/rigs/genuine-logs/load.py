"""load.py SEVERITY MODEL [run]: loads a model with the CUDA provider, and runs it on nothing."""
import sys
import numpy as np
import onnxruntime as ort

ort.set_default_logger_severity(int(sys.argv[1]))
options = ort.SessionOptions()
options.log_severity_level = int(sys.argv[1])
session = ort.InferenceSession(sys.argv[2], options, providers=['CUDAExecutionProvider', 'CPUExecutionProvider'])
print(session.get_providers())
if len(sys.argv) > 3:
    session.run(None, {i.name: np.zeros([d if isinstance(d, int) else 4 for d in i.shape], 'f') for i in session.get_inputs()})
    print(session.get_providers())
