"""place.py off|all MODEL...: loads each model with the CUDA provider; where its nodes go stands in the verbose log on stderr."""
import sys
import onnxruntime as ort

options = ort.SessionOptions()
options.log_severity_level = 0
options.graph_optimization_level = {'off': ort.GraphOptimizationLevel.ORT_DISABLE_ALL, 'all': ort.GraphOptimizationLevel.ORT_ENABLE_ALL}[sys.argv[1]]
for path in sys.argv[2:]:
    sys.stderr.write(f'=== {path}\n')
    sys.stderr.flush()
    try:
        ort.InferenceSession(path, options, providers=['CUDAExecutionProvider'])
    except Exception as error:  # after the assignment: a kernel that asks its stand-in library for more than "done"
        sys.stderr.write(f'failed: {str(error)[:200]}\n')
    sys.stderr.flush()
