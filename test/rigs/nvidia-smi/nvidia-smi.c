/*
 * A stand-in for nvidia-smi, for machines without a GPU. It replays a genuine report, or fails as the real one was seen to fail: its
 * words go to standard output. SMI_MODE: report (SMI_FILE) | say (SMI_FILE, exit SMI_CODE) | hang | half (SMI_FILE) | flood | warn (SMI_FILE)
 * | loop (the lines of SMI_FILE one after another and again, as with -lms; SMI_APPS answers --query-compute-apps; with SMI_OLD a driver
 * before 535, which does not know event reasons; SMI_PMON answers pmon once a second, SMI_PMON_BUSY from the
 * moment there is a file SMI_GO, and then nothing else is answered without -lms)
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

static int pmon(void) {
  char block[65536];
  for (;;) {
    const char *go = getenv("SMI_GO");
    FILE *in = fopen(getenv(go && !access(go, F_OK) ? "SMI_PMON_BUSY" : "SMI_PMON"), "rb");
    if (!in) return 255;
    fwrite(block, 1, fread(block, 1, sizeof block, in), stdout);
    fclose(in);
    if (fflush(stdout)) return 1;
    sleep(1);
  }
}

static int loop(int argc, char **argv) {
  char line[4096];
  int goes_on = !getenv("SMI_PMON");
  if (argc > 1 && !strcmp(argv[1], "pmon") && getenv("SMI_PMON")) return pmon();
  for (int i = 1; i < argc; i++) {
    if (!strncmp(argv[i], "--query-compute-apps", 20)) {
      FILE *apps = getenv("SMI_APPS") ? fopen(getenv("SMI_APPS"), "rb") : NULL;
      while (apps && fgets(line, sizeof line, apps)) fputs(line, stdout);
      return 0;
    }
    if (!strcmp(argv[i], "-lms")) goes_on = 1;
    if (getenv("SMI_OLD") && strstr(argv[i], "clocks_event_reasons")) {
      puts("Field \"clocks_event_reasons.active\" is not a valid field to query.\n");
      return 2;
    }
  }
  if (!goes_on) return 6;
  for (;;) {
    FILE *in = fopen(getenv("SMI_FILE"), "rb");
    if (!in) return 255;
    while (fgets(line, sizeof line, in)) {
      fputs(line, stdout);
      if (fflush(stdout)) return 1;
      usleep(40000);
    }
    fclose(in);
  }
}

int main(int argc, char **argv) {
  const char *mode = getenv("SMI_MODE"), *code = getenv("SMI_CODE"), *log = getenv("SMI_LOG");
  if (log) { FILE *out = fopen(log, "a"); if (out) { fprintf(out, "%d\n", getpid()); fclose(out); } }
  if (!mode) mode = "report";
  if (!strcmp(mode, "hang")) { signal(SIGTERM, SIG_IGN); for (;;) pause(); }
  if (!strcmp(mode, "half")) { signal(SIGTERM, SIG_IGN); replay(1000); for (;;) pause(); }
  if (!strcmp(mode, "loop")) return loop(argc, argv);
  if (!strcmp(mode, "flood")) for (;;) puts("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
  if (!strcmp(mode, "warn")) fputs("WARNING: infoROM is corrupted at gpu 0000:01:00.0\n", stderr);
  replay(1L << 40);
  return code ? atoi(code) : 0;
}
