/* A card, or its failure, in front of the CUDA runtime: what torch asks before it does any work. */
#include <stdlib.h>
#include <string.h>
static int is(const char *name, int usual) { const char *value = getenv(name); return value ? atoi(value) : usual; }
int cudaGetDeviceCount(int *n) { *n = is("COUNT_ERROR", 0) ? 0 : 1; return is("COUNT_ERROR", 0); }
int cudaDriverGetVersion(int *v) { *v = is("DRIVER", 12080); return 0; }
int cudaGetDevice(int *d) { *d = 0; return 0; }
int cudaSetDevice(int d) { return 0; }
int cudaGetLastError(void) { return 0; }
int cudaPeekAtLastError(void) { return 0; }
int cudaMemGetInfo(size_t *f, size_t *t) { *f = 7ull << 30; *t = 8ull << 30; return 0; }
int cudaMalloc(void **p, size_t n) { if (!is("MALLOC_ERROR", 0)) *p = calloc(1, n); return is("MALLOC_ERROR", 0); }
int cudaFree(void *p) { return 0; }
int cudaDeviceGetStreamPriorityRange(int *a, int *b) { *a = 0; *b = -5; return 0; }
int cudaStreamIsCapturing(void *s, int *c) { *c = 0; return 0; }
int cudaThreadExchangeStreamCaptureMode(int *m) { return 0; }
int cudaMemsetAsync(void *d, int v, size_t n) { memset(d, v, n); return 0; }
int cudaDeviceGetAttribute(int *v, int a, int d) { *v = a == 75 ? is("MAJOR", 8) : a == 76 ? is("MINOR", 6) : a == 16 ? 28 : 1024; return 0; }
int cudaFuncGetAttributes(void *a, void *f) { memset(a, 0, 64); return is("LAUNCH_ERROR", 0); }
int cudaLaunchKernel(void) { return is("LAUNCH_ERROR", 0); }
int cudaGetDeviceProperties_v2(char *p, int d) {
  memset(p, 0, 1032); strcpy(p, "stand-in"); *(size_t *)(p + 288) = 8ull << 30; *(size_t *)(p + 296) = 49152; *(int *)(p + 304) = 65536; *(int *)(p + 308) = 32;
  for (int at = 320; at <= 344; at += 4) *(int *)(p + at) = 1024;
  *(int *)(p + 360) = is("MAJOR", 8); *(int *)(p + 364) = is("MINOR", 6); *(int *)(p + 388) = 28; return 0;
}
