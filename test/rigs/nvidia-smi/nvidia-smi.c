/*
 * A stand-in for nvidia-smi, for machines without a GPU. It replays a genuine report, or fails as the real one was seen to fail: its
 * words go to standard output. SMI_MODE: report (SMI_FILE) | say (SMI_FILE, exit SMI_CODE) | hang | half (SMI_FILE) | flood | warn (SMI_FILE)
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void replay(long most) {
  char block[65536];
  FILE *in = fopen(getenv("SMI_FILE"), "rb");
  if (!in) exit(255);
  for (size_t n; most > 0 && (n = fread(block, 1, sizeof block < (size_t)most ? sizeof block : (size_t)most, in)) > 0; most -= n) fwrite(block, 1, n, stdout);
  fclose(in);
  fflush(stdout);
}

int main(void) {
  const char *mode = getenv("SMI_MODE"), *code = getenv("SMI_CODE"), *log = getenv("SMI_LOG");
  if (log) { FILE *out = fopen(log, "a"); if (out) { fprintf(out, "%d\n", getpid()); fclose(out); } }
  if (!mode) mode = "report";
  if (!strcmp(mode, "hang")) { signal(SIGTERM, SIG_IGN); for (;;) pause(); }
  if (!strcmp(mode, "half")) { signal(SIGTERM, SIG_IGN); replay(1000); for (;;) pause(); }
  if (!strcmp(mode, "flood")) for (;;) puts("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
  if (!strcmp(mode, "warn")) fputs("WARNING: infoROM is corrupted at gpu 0000:01:00.0\n", stderr);
  replay(1L << 40);
  return code ? atoi(code) : 0;
}
