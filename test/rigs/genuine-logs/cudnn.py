"""cudnn.py LIBCUDNN: what cuDNN does first."""
import ctypes, sys

cudnn, handle = ctypes.CDLL(sys.argv[1]), ctypes.c_void_p()
cudnn.cudnnGetVersion()
cudnn.cudnnCreate(ctypes.byref(handle))
cudnn.cudnnCreateTensorDescriptor(ctypes.byref(handle))
