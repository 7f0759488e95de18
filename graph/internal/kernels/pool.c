#define _GNU_SOURCE  // sched_getaffinity
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "../denormal/denormal.h"

// How long a thread looks for work, or for the end of its job, before it
// sleeps. Waking a sleeper costs some ten microseconds, as long as a small job
// takes; training calls again within this time, anything slower can sleep.
enum { SPIN_NANOSECONDS = 50000, WORKERS_MAX = 256 };

// A job lives on the stack of its caller, who stays until done reaches parts.
struct job {
  void (*run)(void *, int);
  void *argument;
  int parts, begun;
  atomic_int done;
  struct job *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER, finished = PTHREAD_COND_INITIALIZER;
static struct job *jobs;       // those with parts nobody has begun; under lock, as are
static int workers, sleepers;  // these
static int waiting;            // callers asleep
static atomic_int open_parts;  // not begun, of all jobs: what spinning workers watch

static int64_t nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// The processors that this process may use: fewer than there are under taskset or
// in a cpuset.
static int count_processors(void) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (!sched_getaffinity(0, sizeof allowed, &allowed)) return CPU_COUNT(&allowed);
#endif
  return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

// Waits a while, at most, until (*value == number) is what is wanted.
static void spin(atomic_int *value, int number, bool wanted) {
  for (int64_t stop = nanoseconds() + SPIN_NANOSECONDS; nanoseconds() < stop;)
    for (int i = 0; i < 16; i++) {
      if ((atomic_load_explicit(value, memory_order_acquire) == number) == wanted) return;
      relax();
    }
}

// Begins a part of the job; -1 when all are begun. Under lock.
static int begin_part(struct job *j) {
  if (j->begun == j->parts) return -1;
  int part = j->begun++;
  atomic_fetch_sub(&open_parts, 1);
  if (j->begun == j->parts) {
    struct job **at = &jobs;
    while (*at != j) at = &(*at)->next;
    *at = j->next;
  }
  return part;
}

static void *worker(void *unused) {
  flush_denormals();
  pthread_mutex_lock(&lock);
  for (;;) {
    while (!jobs) {
      pthread_mutex_unlock(&lock);
      spin(&open_parts, 0, false);
      pthread_mutex_lock(&lock);
      if (jobs) break;
      sleepers++;
      pthread_cond_wait(&work, &lock);
      sleepers--;
    }
    struct job *j = jobs;
    int part = begin_part(j);
    pthread_mutex_unlock(&lock);
    j->run(j->argument, part);
    pthread_mutex_lock(&lock);
    atomic_fetch_add(&j->done, 1);  // the last use of j
    if (waiting) pthread_cond_broadcast(&finished);
  }
  return unused;
}

// Under lock. Returns 0, or -1 when the system allows no more.
static int start_worker(void) {
  pthread_t thread;
  pthread_attr_t attributes;
  sigset_t all, before;
  if (pthread_attr_init(&attributes)) return -1;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // signals are the Go runtime's business
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failed = pthread_create(&thread, &attributes, worker, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (failed) return -1;
  workers++;
  return 0;
}

// Under lock. As many workers as the parts need besides this thread and the
// processors allow: with a single one there are none, and nobody spins.
static void start_workers(int parts) {
  static int processors;
  if (!processors) processors = count_processors();
  while (workers < parts - 1 && workers < processors - 1 && workers < WORKERS_MAX && !start_worker()) {
  }
}

// The parts that this thread takes; then waits for the others.
static void run_job(struct job *j) {
  pthread_mutex_lock(&lock);
  start_workers(j->parts);
  j->next = jobs;
  jobs = j;
  atomic_fetch_add(&open_parts, j->parts);
  for (int i = 0; i < j->parts - 1 && i < sleepers; i++) pthread_cond_signal(&work);
  for (int part; (part = begin_part(j)) >= 0;) {
    pthread_mutex_unlock(&lock);
    j->run(j->argument, part);
    pthread_mutex_lock(&lock);
    atomic_fetch_add(&j->done, 1);
  }
  pthread_mutex_unlock(&lock);
  spin(&j->done, j->parts, true);
  if (atomic_load(&j->done) == j->parts) return;
  pthread_mutex_lock(&lock);
  waiting++;
  while (atomic_load(&j->done) < j->parts) pthread_cond_wait(&finished, &lock);
  waiting--;
  pthread_mutex_unlock(&lock);
}

void rnnbin_pool_run(void (*run)(void *, int), void *argument, int parts) {
  const uint64_t mode = flush_denormals();
  struct job j = {.run = run, .argument = argument, .parts = parts};
  if (parts == 1)
    run(argument, 0);
  else
    run_job(&j);
  set_denormal_mode(mode);
}
