"""NeMo's transducer decoder asks whether it may use CUDA graphs, on a machine without a GPU."""
from nemo.collections.asr.parts.submodules.transducer_decoding.label_looping_base import GreedyBatchedLabelLoopingComputerBase as Decoder

Decoder.__abstractmethods__ = frozenset()
decoder = Decoder.__new__(Decoder)
decoder.allow_cuda_graphs, decoder.max_symbols, decoder.cuda_graphs_mode = True, 10, None
decoder.reset_cuda_graphs_state = lambda: None
decoder.maybe_enable_cuda_graphs()
