#include "scratch.h"

#include <pthread.h>
#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

// Steps are taken together for the weight gradient until they have about so
// many rows: few while the sums fit into the first-level cache, otherwise enough
// to hide that the sums go in and out.
static int64_t chunk_rows(const struct rnn_size *s) { return s->units <= 128 ? 104 : 256; }

struct cursor {
  float *base;
  size_t used;
};

static void *take(struct cursor *c, int64_t floats) {
  void *at = c->base ? c->base + c->used : NULL;
  c->used += (size_t)rnn_round(floats);
  return at;
}

static struct forward_scratch lay_forward(const struct rnn_size *s, int64_t rows, int64_t in_rows, float *base) {
  const int64_t depth = rnn_round(s->inputs) + rnn_round(s->units), stride = rnn_stride(s->units);
  struct cursor c = {base, 0};
  struct forward_scratch m;
  m.lists = take(&c, RNN_LIST_LENGTH);
  m.order = take(&c, rows);
  m.in = take(&c, in_rows * rnn_stride(depth));
  m.pre = take(&c, rows * stride);
  m.bias = take(&c, stride);
  m.w = take(&c, depth * stride);
  m.floats = c.used;
  return m;
}

struct forward_scratch forward_layout(const struct rnn_size *s, int64_t rows, float *base) {
  return lay_forward(s, rows, rows, base);
}

struct backward_scratch backward_layout(const struct rnn_size *s, int64_t rows, int input_gradient, float *base) {
  const int64_t F = s->inputs, U = s->units;
  const int64_t wide = rnn_stride(input_gradient ? rnn_round(U) + F : U);
  struct cursor c = {base, 0};
  struct backward_scratch m;
  int64_t steps = rows < chunk_rows(s) ? chunk_rows(s) / rows : 1;
  if (steps > s->steps) steps = s->steps;
  m.chunk = steps * rows;
  const int64_t pointers = rnn_round(m.chunk) > F + U + 4 ? rnn_round(m.chunk) : F + U + 4;
  m.lists = take(&c, RNN_LIST_LENGTH);
  m.order = take(&c, rows);
  m.left_order = take(&c, F + U + 1);
  m.zeros = take(&c, U > F ? U : F);
  m.rows = take(&c, pointers * (int64_t)sizeof(void *) / (int64_t)sizeof(float));
  m.back = take(&c, rows * wide);
  m.dpre = take(&c, rnn_round(m.chunk) * rnn_stride(U));
  m.left = take(&c, (F + U + 1) * rnn_odd(m.chunk));
  m.w = take(&c, rnn_round(U) * wide);
  m.floats = c.used;
  return m;
}

struct train_scratch train_layout(const struct rnn_size *s, int64_t outputs, int64_t rows, float *base) {
  struct train_scratch m;
  m.forward = lay_forward(s, rows, (s->steps + 1) * rows, base);
  struct cursor c = {base, m.forward.floats};
  m.backward = backward_layout(s, rows, 0, base ? base + c.used : NULL);
  c.used += m.backward.floats;
  m.logits = take(&c, s->steps * rows * outputs);
  m.dlogits = take(&c, s->steps * rows * outputs);
  m.columns = take(&c, rnn_round(s->units) * 32);
  m.head = take(&c, outputs * rnn_stride(s->units));
  m.floats = c.used;
  return m;
}

// The store: as many blocks as calls ever ran side by side, up to a limit, each
// of the size its last call needed. The last one left is taken first, as it may
// still be in a cache.
enum { STORE_LIMIT = 16, HEADER = 16 };

struct block {
  size_t floats;
};

static pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *store[STORE_LIMIT];
static int stored;

// Long sequences are walked from end to end, which with pages of 2 MiB, where the
// system has them, misses fewer of the addresses that the processor remembers.
enum { HUGE_PAGE = 1 << 21 };

static void *new_block(size_t bytes) {
  if (bytes < HUGE_PAGE) return aligned_alloc(64, bytes);
  bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  void *memory = aligned_alloc(HUGE_PAGE, bytes);
#if defined(MADV_HUGEPAGE)
  if (memory) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

float *scratch_acquire(size_t floats) {
  struct block *b = NULL;
  pthread_mutex_lock(&store_lock);
  if (stored > 0) b = store[--stored];
  pthread_mutex_unlock(&store_lock);
  if (!b || b->floats < floats) {
    free(b);
    b = new_block((size_t)rnn_round((int64_t)floats + HEADER) * sizeof(float));
    if (!b) return NULL;
    b->floats = floats;
  }
  return (float *)b + HEADER;
}

void scratch_release(float *scratch) {
  struct block *b = (struct block *)(scratch - HEADER);
  pthread_mutex_lock(&store_lock);
  if (stored < STORE_LIMIT) {
    store[stored++] = b;
    b = NULL;
  }
  pthread_mutex_unlock(&store_lock);
  free(b);
}
