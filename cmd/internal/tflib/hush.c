#define _GNU_SOURCE
#include "hush.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int standard_error = -1; // the real one, while it is diverted
static int diverted = -1;       // where it goes

static int nameless_file(void) {
#ifdef __linux__
  int fd = memfd_create("stderr", MFD_CLOEXEC);
#else
  char name[] = "/tmp/rnnbin-XXXXXX";
  int fd = mkstemp(name);
  if (fd >= 0) {
    unlink(name);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
#endif
  if (fd < 0) return open("/dev/null", O_WRONLY | O_CLOEXEC);
  fcntl(fd, F_SETFL, O_APPEND); // otherwise threads may write over each other's lines
  return fd;
}

void hush(void) {
  if (standard_error >= 0) return;
  diverted = nameless_file();
  if (diverted < 0) return;
  standard_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (standard_error >= 0) dup2(diverted, STDERR_FILENO);
}

void unhush(void) {
  if (standard_error >= 0) {
    dup2(standard_error, STDERR_FILENO);
    close(standard_error);
  }
  if (diverted >= 0) close(diverted);
  standard_error = diverted = -1;
}

long hushed(void) {
  struct stat info;
  return fstat(diverted, &info) == 0 ? (long)info.st_size : 0;
}

long hushed_tail(long from, char *text, size_t n) {
  long end = hushed();
  if (end - from > (long)n) from = end - (long)n;
  ssize_t got = end > from ? pread(diverted, text, (size_t)(end - from), from) : 0;
  return got > 0 ? (long)got : 0;
}

static const int fatal[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
enum { FATAL = sizeof fatal / sizeof *fatal };
static struct sigaction before[FATAL];

// Only calls that a signal handler may make.
static void last_words(int signal, siginfo_t *info, void *context) {
  (void)context;
  char text[2048];
  long n = hushed_tail(0, text, sizeof text);
  if (n > 0 && write(standard_error, text, (size_t)n) < 0) n = 0;
  speak_no_more();
  if (info->si_code <= 0) raise(signal); // sent, so no instruction will bring it about again
}

void speak_last(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  sigemptyset(&action.sa_mask);
  action.sa_sigaction = last_words;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK; // which Go asks of every handler
  for (int i = 0; i < FATAL; i++) sigaction(fatal[i], &action, &before[i]);
}

void speak_no_more(void) {
  for (int i = 0; i < FATAL; i++) sigaction(fatal[i], &before[i], NULL);
}

#ifdef __linux__
// Go's and TensorFlow's threads and heaps reserve much of the address space, most of which they
// never use. With less than this, either ends the process amid its work and prints its stacks.
static unsigned long reserved(void) {
  return (2ul << 30) + (128ul << 20) * (unsigned long)sysconf(_SC_NPROCESSORS_ONLN);
}

static void need_address_space(void) {
  struct rlimit limit;
  char text[64] = "";
  int statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || statm < 0 || read(statm, text, sizeof text - 1) <= 0) return;
  close(statm);
  unsigned long pages = 0;
  for (const char *c = text; *c >= '0' && *c <= '9'; c++) pages = 10 * pages + (unsigned long)(*c - '0');
  unsigned long need = pages * (unsigned long)getpagesize() + reserved();
  if (limit.rlim_cur >= need) return;
  dprintf(STDERR_FILENO, "rnnbin: the limit on address space (ulimit -v) is %lu kB, at least %lu are needed\n",
          (unsigned long)limit.rlim_cur / 1024, need / 1024);
  _exit(1);
}

// libtensorflow logs while it is loaded. Only an entry of this section runs
// before that: nothing is initialised yet, so this makes system calls alone.
static void before_libraries(int argc, char **argv, char **envp) {
  (void)argc, (void)argv;
  need_address_space();
  for (; *envp; envp++)
    if (strncmp(*envp, "TF_CPP_MIN_LOG_LEVEL=", 21) == 0) return;
  hush();
}
__attribute__((section(".preinit_array"), used))
static void (*const entry)(int, char **, char **) = before_libraries;
#endif
