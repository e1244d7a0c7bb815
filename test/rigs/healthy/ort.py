"""ort.py TIMES MODEL…: sessions made and run, one after another, with everything that ONNX Runtime has to say of them."""
import sys
import numpy as np
import onnxruntime as ort

ort.set_default_logger_severity(0)
options = ort.SessionOptions()
options.log_severity_level, options.intra_op_num_threads = 0, 1
for n in range(int(sys.argv[1])):
    session = ort.InferenceSession(sys.argv[2 + n % (len(sys.argv) - 2)], options, providers=['CPUExecutionProvider'])
    feed = {i.name: np.zeros([d if isinstance(d, int) else 40 for d in i.shape], 'int64' if 'int64' in i.type else 'f') for i in session.get_inputs()}
    session.run(None, feed)
