#define _GNU_SOURCE
#include "hush.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int standard_error = -1; // the real one, while it is diverted

void hush(void) {
  if (standard_error >= 0) return;
  int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere < 0) return;
  standard_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (standard_error >= 0) dup2(nowhere, STDERR_FILENO);
  close(nowhere);
}

void unhush(void) {
  if (standard_error < 0) return;
  dup2(standard_error, STDERR_FILENO);
  close(standard_error);
  standard_error = -1;
}

#ifdef __linux__
// libtensorflow logs while it is loaded. Only an entry of this section runs
// before that: nothing is initialised yet, so this makes system calls alone.
static void before_libraries(int argc, char **argv, char **envp) {
  (void)argc, (void)argv;
  for (; *envp; envp++)
    if (strncmp(*envp, "TF_CPP_MIN_LOG_LEVEL=", 21) == 0) return;
  hush();
}
__attribute__((section(".preinit_array"), used))
static void (*const entry)(int, char **, char **) = before_libraries;
#endif
