/* probe FILE: dlopen it, as ONNX Runtime does, and print what the loader has in memory, in its own order; or its error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
static int each(struct dl_phdr_info *i, size_t n, void *p) {
  (void)n; (void)p;
  if (i->dlpi_name[0] && strncmp(i->dlpi_name, "linux-vdso", 10)) printf("LOADED %s\n", i->dlpi_name);
  return 0;
}
int main(int c, char **v) {
  if (c > 1 && !dlopen(v[1], RTLD_NOW)) { printf("FAIL %s\n", dlerror()); return 1; }
  dl_iterate_phdr(each, 0);
  return 0;
}
