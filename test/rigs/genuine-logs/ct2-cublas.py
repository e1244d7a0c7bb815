"""CTranslate2's first call of cuBLAS: its wrapper opens the library by then."""
import ctypes, glob, os
import ctranslate2

library = glob.glob(os.path.join(os.path.dirname(ctranslate2.__file__), '../ctranslate2.libs/libctranslate2*'))[0]
handle = ctypes.c_void_p()
print(ctypes.CDLL(library).cublasCreate_v2(ctypes.byref(handle)))
