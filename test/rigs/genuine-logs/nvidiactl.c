/* The kernel's side of /dev/nvidiactl in front of libnvidia-ml.so.1: a module of version MODULE, which knows no other. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
static int device = -1;
static int nvidia(const char *path) { return !strncmp(path, "/dev/nvidia", 11); }
static int opened(const char *name, const char *path, int flags, mode_t mode) {
  int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
  return nvidia(path) ? (device = real("/dev/null", O_RDWR)) : real(path, flags, mode);
}
#define MODE va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest)
int open(const char *path, int flags, ...) { MODE; return opened("open", path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE; return opened("open64", path, flags, mode); }
FILE *fopen(const char *path, const char *how) {
  static char params[] = "ModifyDeviceFiles: 0\nDeviceFileUID: 0\nDeviceFileGID: 0\nDeviceFileMode: 438\n";
  FILE *(*real)(const char *, const char *) = dlsym(RTLD_NEXT, "fopen");
  return strcmp(path, "/proc/driver/nvidia/params") ? real(path, how) : fmemopen(params, sizeof params - 1, "r");
}
int stat(const char *path, struct stat *s) {
  int (*real)(const char *, struct stat *) = dlsym(RTLD_NEXT, "stat");
  if (!nvidia(path)) return real(path, s);
  memset(s, 0, sizeof *s); s->st_mode = S_IFCHR | 0666; s->st_rdev = makedev(195, 255); return 0;
}
int __xstat(int version, const char *path, struct stat *s) { return stat(path, s); }
int ioctl(int fd, unsigned long request, ...) {
  va_list rest; va_start(rest, request); void *arg = va_arg(rest, void *); va_end(rest);
  int (*real)(int, unsigned long, void *) = dlsym(RTLD_NEXT, "ioctl");
  if (fd != device) return real(fd, request, arg);
  /* NV_ESC_CHECK_VERSION_STR: command, reply, version. */
  if ((request & 0xff) == 0xd2) { ((unsigned *)arg)[1] = 0; strcpy((char *)arg + 8, getenv("MODULE")); }
  errno = EINVAL; return -1;
}
