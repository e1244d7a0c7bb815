"""libraries.py PROVIDER.so FOLDER: the CUDA libraries that PROVIDER.so asks for, with every call answered "done"."""
import collections, os, re, subprocess, sys

provider, folder = sys.argv[1:3]
os.makedirs(folder, exist_ok=True)

# What must be more than a 0. Device properties: the offsets of cudaDeviceProp in CUDA 11 and 12; an sm_86 card of 8 GiB.
PROPERTIES = '''int %s(char *p, int d) {
  memset(p, 0, 744); strcpy(p, "stand-in"); *(size_t *)(p + 288) = 8ull << 30; *(size_t *)(p + 296) = 49152; *(int *)(p + 304) = 65536; *(int *)(p + 308) = 32;
  for (int at = 320; at <= 344; at += 4) *(int *)(p + at) = 1024;
  *(int *)(p + 360) = 8; *(int *)(p + 364) = 6; *(int *)(p + 388) = 28; return 0; }'''
MADE = 'int %s(void **p) { *p = malloc(64); return 0; }'
ANSWERS = {
    'cudaGetDeviceCount': 'int %s(int *n) { *n = 1; return 0; }',
    'cudaGetDevice': 'int %s(int *n) { *n = 0; return 0; }',
    'cudaGetDeviceProperties': PROPERTIES, 'cudaGetDeviceProperties_v2': PROPERTIES,
    'cudaDeviceGetAttribute': 'int %s(int *v, int a, int d) { *v = a == 75 ? 8 : a == 76 ? 6 : a == 16 ? 28 : 49152; return 0; }',
    'cudaMemGetInfo': 'int %s(size_t *f, size_t *t) { *f = 7ull << 30; *t = 8ull << 30; return 0; }',
    'cudaMalloc': 'int %s(void **p, size_t n) { n = (n + 256) & ~255ull; *p = aligned_alloc(256, n); return *p ? memset(*p, 0, n), 0 : 2; }',
    'cudaMallocHost': 'int %s(void **p, size_t n) { *p = calloc(1, n ? n : 1); return 0; }',
    'cudaHostAlloc': 'int %s(void **p, size_t n, unsigned f) { *p = calloc(1, n ? n : 1); return 0; }',
    'cudaFree': 'int %s(void *p) { free(p); return 0; }', 'cudaFreeHost': 'int %s(void *p) { free(p); return 0; }',
    'cudaMemcpy': 'int %s(void *d, void *s, size_t n) { memcpy(d, s, n); return 0; }',
    'cudaMemcpyAsync': 'int %s(void *d, void *s, size_t n) { memcpy(d, s, n); return 0; }',
    'cudaDriverGetVersion': 'int %s(int *v) { *v = 12080; return 0; }', 'cudaRuntimeGetVersion': 'int %s(int *v) { *v = 12080; return 0; }',
    'cudnnGetVersion': 'size_t %s(void) { return 91000; }', 'cudnnGetCudartVersion': 'size_t %s(void) { return 12080; }',
    '__cudaRegisterFatBinary': 'void *%s(void *p) { return malloc(8); }',
    **{name: 'const char *%s(int e) { return "stand-in"; }' for name in ('cudaGetErrorString', 'cudaGetErrorName', 'cudnnGetErrorString')},
    **{name: MADE for name in ('cudaStreamCreate', 'cudaStreamCreateWithFlags', 'cudaEventCreate', 'cudaEventCreateWithFlags', 'cublasCreate_v2', 'cublasLtCreate', 'cudnnCreate')},
}
# Looked up with dlsym(3) while the provider is loaded, up to ONNX Runtime 1.22; since 1.28 some are linked to, without a version.
DRIVER = '''cuInit cuDriverGetVersion cuDeviceGetAttribute cuFuncSetAttribute cuFuncSetCacheConfig cuGetErrorName cuGetErrorString cuLaunchCooperativeKernel
cuLaunchKernel cuLinkComplete cuLinkDestroy cuLinkCreate_v2 cuLinkAddData_v2 cuLinkAddFile_v2 cuModuleGetFunction cuModuleLoadData cuModuleUnload'''.split()


def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def make(library, symbols):
    source, versions = f'{folder}/{library}.c', f'{folder}/{library}.map'
    with open(source, 'w') as file:
        file.write('#include <stdlib.h>\n#include <string.h>\n' + '\n'.join(ANSWERS.get(name, 'int %s(void) { return 0; }') % name for name in sorted(symbols)) + '\n')
    with open(versions, 'w') as file:
        file.write(library + ' { global: *; };\n')
    subprocess.run(['gcc', '-w', '-fno-builtin', '-shared', '-fPIC', '-o', f'{folder}/{library}', source, f'-Wl,-soname,{library}', f'-Wl,--version-script={versions}'], check=True)


symbols = collections.defaultdict(set)
for line in said('readelf', '--dyn-syms', '-W', provider).splitlines():
    fields = line.split()
    if len(fields) >= 8 and fields[6] == 'UND' and re.match(r'(__)?(cu|nvrtc)', fields[7]):
        name, _, version = fields[7].partition('@')
        symbols[version].add(name)
for library in re.findall(r'NEEDED.*\[(lib(?:cu|nvrtc)[^\]]*)\]', said('readelf', '-d', provider)):
    make(library, symbols[library])
make('libcuda.so.1', {*DRIVER, *symbols['']})
