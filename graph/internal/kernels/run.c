#include "pool.h"
#include "recurrence.h"
#include "scratch.h"
#include "store.h"

#include <string.h>

extern const struct rnn_isa rnnbin_generic;
#if defined(__x86_64__)
extern const struct rnn_isa rnnbin_avx2, rnnbin_avx512;
const struct rnn_isa *const rnnbin_isas[] = {&rnnbin_avx512, &rnnbin_avx2, &rnnbin_generic};
#elif defined(__aarch64__)
extern const struct rnn_isa rnnbin_neon;
const struct rnn_isa *const rnnbin_isas[] = {&rnnbin_neon, &rnnbin_generic};
#else
const struct rnn_isa *const rnnbin_isas[] = {&rnnbin_generic};
#endif
const int rnnbin_isa_count = sizeof rnnbin_isas / sizeof *rnnbin_isas;

// The batch in parts, each with its own scratch and sums of gradients.
struct division {
  const struct rnn_isa *isa;
  const struct rnn_forward *forward;  // one of these two
  const struct rnn_backward *backward;
  int64_t batch;
  int parts;
  float *memory;
  size_t scratch, gradient;  // floats of each part
};

static size_t part_floats(const struct division *d) { return d->scratch + d->gradient; }

static void run_part(void *job, int part) {
  const struct division *d = job;
  float *memory = d->memory + (size_t)part * part_floats(d);
  const struct rnn_slice s = {
      .begin = part * d->batch / d->parts,
      .end = (part + 1) * d->batch / d->parts,
      .scratch = memory,
      .gradient = memory + d->scratch,
  };
  if (d->forward)
    d->isa->forward(d->forward, &s);
  else
    d->isa->backward(d->backward, &s);
}

static struct division divide(const struct rnn_isa *isa, const struct rnn_size *size, int threads) {
  return (struct division){
      .isa = isa, .batch = size->batch, .parts = threads < size->batch ? threads : (int)size->batch};
}

// Takes the memory and runs the parts; 0, or -1 when there is none.
static int run_parts(struct division *d) {
  if (!(d->memory = rnnbin_store_take(d->parts * part_floats(d)))) return -1;
  rnnbin_pool_run(run_part, d, d->parts);
  return 0;
}

// Rows of the largest slice.
static int64_t most_rows(const struct division *d) { return (d->batch + d->parts - 1) / d->parts; }

int rnnbin_run_forward(const struct rnn_isa *isa, const struct rnn_forward *f, int threads) {
  struct division d = divide(isa, &f->size, threads);
  if (d.parts == 0) return 0;
  d.forward = f;
  d.scratch = rnnbin_forward_layout(&f->size, most_rows(&d), NULL).floats;
  if (run_parts(&d)) return -1;
  rnnbin_store_give(d.memory);
  return 0;
}

// to = the sum of the parts' rows, n floats at an offset into a part's memory,
// always in the same order.
static void sum_parts(const struct division *d, size_t offset, int64_t n, float *to) {
  const float *from = d->memory + offset;
  memcpy(to, from, (size_t)n * sizeof *to);
  for (int p = 1; p < d->parts; p++) {
    from += part_floats(d);
    for (int64_t i = 0; i < n; i++) to[i] += from[i];
  }
}

int rnnbin_run_backward(const struct rnn_isa *isa, const struct rnn_backward *b, int threads) {
  const int64_t F = b->size.inputs, U = b->size.units, stride = rnn_stride(U);
  struct division d = divide(isa, &b->size, threads);
  if (d.parts == 0) {
    memset(b->dkernel, 0, (size_t)((F + U) * U) * sizeof(float));
    memset(b->dbias, 0, (size_t)U * sizeof(float));
    return 0;
  }
  d.backward = b;
  // a slice of fewer rows may take more steps at a time, and so need more memory
  const size_t few = rnnbin_backward_layout(&b->size, d.batch / d.parts, b->dx != NULL, NULL).floats;
  const size_t many = rnnbin_backward_layout(&b->size, most_rows(&d), b->dx != NULL, NULL).floats;
  d.scratch = few > many ? few : many;
  d.gradient = (size_t)((F + U + 1) * stride);
  if (run_parts(&d)) return -1;
  for (int64_t k = 0; k <= F + U; k++)
    sum_parts(&d, d.scratch + (size_t)(k * stride), U, k < F + U ? b->dkernel + k * U : b->dbias);
  rnnbin_store_give(d.memory);
  return 0;
}
