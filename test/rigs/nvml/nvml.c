/* Stands in for libnvidia-ml.so.1: one GPU, on which the caller's first child process computes. Names, numbers and structures
 * follow NVIDIA's nvml.h as nvidia-ml-py 13.615.71 gives it (pynvml.py); the test compares the structures with that file.
 * ANSWERS chooses: unset = busy and slowed by its power limit, "full" = 100 MiB of memory free, "idle" = nothing of the child,
 * "stranger" = the pids after the caller's belong to others all the time, as in a container, "broken" = nvmlInit fails as with another driver (18), "two" = two
 * GPUs of one kind, GPU-a full and GPU-b free. BUSY_WHILE names a file: the child computes only while there is one. Build: gcc -shared -fPIC -o libnvidia-ml.so.1 nvml.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, INSUFFICIENT_SIZE = 7, LIB_RM_VERSION_MISMATCH = 18 };
typedef struct { unsigned pid; unsigned long long timeStamp; unsigned smUtil, memUtil, encUtil, decUtil; } ProcessUtilizationSample;
typedef struct { unsigned pid; unsigned long long usedGpuMemory; unsigned gpuInstanceId, computeInstanceId; } ProcessInfo_v2;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { unsigned long long total, free, used; } Memory;

static int is(const char *answer) { const char *set = getenv("ANSWERS"); return set != NULL && strcmp(set, answer) == 0; }

static unsigned child(void) {
  char path[64];
  unsigned pid = 0;
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%u", &pid) != 1) pid = 0;
  fclose(file);
  return pid;
}

int nvmlInit_v2(void) { return is("broken") ? LIB_RM_VERSION_MISMATCH : SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }
int nvmlSystemGetDriverVersion(char *version, unsigned length) { snprintf(version, length, "580.65.06"); return SUCCESS; }
static int devices[2];
static int second(void *device) { return device == &devices[1]; }
static int works(void) { const char *file = getenv("BUSY_WHILE"); return !is("idle") && (file == NULL || access(file, F_OK) == 0); }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = is("two") ? 2 : 1; return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) { if (index > 1) return INVALID_ARGUMENT; *device = &devices[index]; return SUCCESS; }
int nvmlDeviceGetUUID(void *device, char *uuid, unsigned length) { snprintf(uuid, length, second(device) ? "GPU-b" : "GPU-a"); return SUCCESS; }
int nvmlDeviceGetName(void *device, char *name, unsigned length) { snprintf(name, length, "stand-in"); return SUCCESS; }
int nvmlDeviceGetMemoryInfo(void *device, Memory *memory) { memory->total = 8ull << 30; memory->free = is("full") || (is("two") && !second(device)) ? 100ull << 20 : 7ull << 30; memory->used = memory->total - memory->free; return SUCCESS; }

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, ProcessInfo_v2 *infos) {
  unsigned pid = works() ? child() : 0, wanted = pid == 0 ? 1 : 2;
  if (is("stranger")) {
    if (*count < 100) { *count = 100; return INSUFFICIENT_SIZE; }
    *count = 100;
    for (unsigned at = 0; at < 100; at++) infos[at] = (ProcessInfo_v2){ (unsigned)getpid() + 1 + at, 123ull << 20, 0xffffffff, 0xffffffff };
    return SUCCESS;
  }
  if (*count < wanted) { *count = wanted; return INSUFFICIENT_SIZE; }
  *count = wanted;
  infos[0] = (ProcessInfo_v2){ 1, 123ull << 20, 0xffffffff, 0xffffffff };
  if (wanted == 2) infos[1] = (ProcessInfo_v2){ pid, 456ull << 20, 0xffffffff, 0xffffffff };
  return SUCCESS;
}

int nvmlDeviceGetProcessUtilization(void *device, ProcessUtilizationSample *samples, unsigned *count, unsigned long long since) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  unsigned pid = works() ? child() : 0, wanted = pid == 0 ? 1 : 3;
  if (samples == NULL || *count < wanted) { *count = wanted; return INSUFFICIENT_SIZE; }
  unsigned long long at = now.tv_sec * 1000000ull + now.tv_nsec / 1000;
  *count = wanted;
  samples[0] = (ProcessUtilizationSample){ 1, at, 99, 9, 0, 0 };
  if (wanted == 3) {
    samples[1] = (ProcessUtilizationSample){ pid, at, 61, 7, 0, 0 };
    samples[2] = (ProcessUtilizationSample){ pid, at, 83, 7, 0, 0 };
  }
  return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(void *device, Utilization *rates) { rates->gpu = 97; rates->memory = 12; return SUCCESS; }
int nvmlDeviceGetClockInfo(void *device, int type, unsigned *clock) { static unsigned seen; if (type != 1) return INVALID_ARGUMENT; *clock = seen++ == 0 ? 210 : 1410; return SUCCESS; }
int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *reasons) { *reasons = 0x1 | 0x4; return SUCCESS; }
