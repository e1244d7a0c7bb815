"""ort-capi.py LIBONNXRUNTIME VERSION: a program built for an API of that version asks the library for it."""
import ctypes, sys


class Base(ctypes.Structure):
    _fields_ = [('api', ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)), ('version', ctypes.CFUNCTYPE(ctypes.c_char_p))]


get = ctypes.CDLL(sys.argv[1]).OrtGetApiBase
get.restype = ctypes.POINTER(Base)
print(get().contents.version().decode(), get().contents.api(int(sys.argv[2])))
