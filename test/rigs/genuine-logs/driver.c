/* A driver that does not start: libcuda.so.1 whose cuInit fails with the number of INIT_ERROR. */
#include <stdlib.h>
#include <string.h>
static int fails(void) { return atoi(getenv("INIT_ERROR")); }
int cuInit(unsigned flags) { return fails(); }
int cuDriverGetVersion(int *version) { *version = 12080; return 0; }
int cuGetProcAddress_v2(const char *name, void **found, int version, unsigned long flags, int *status) {
  *found = !strcmp(name, "cuInit") ? (void *)cuInit : !strcmp(name, "cuDriverGetVersion") ? (void *)cuDriverGetVersion : !strncmp(name, "cuGetProcAddress", 16) ? (void *)cuGetProcAddress_v2 : (void *)fails;
  if (status) *status = 0;
  return 0;
}
int cuGetProcAddress(const char *name, void **found, int version, unsigned long flags) { return cuGetProcAddress_v2(name, found, version, flags, 0); }
