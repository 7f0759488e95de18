#include "pool.h"
#include "recurrence.h"
#include "scratch.h"

#include <string.h>

extern const struct rnn_isa rnn_generic;
#if defined(__x86_64__)
extern const struct rnn_isa rnn_avx2, rnn_avx512;
const struct rnn_isa *const rnn_isas[] = {&rnn_avx512, &rnn_avx2, &rnn_generic};
#elif defined(__aarch64__)
extern const struct rnn_isa rnn_neon;
const struct rnn_isa *const rnn_isas[] = {&rnn_neon, &rnn_generic};
#else
const struct rnn_isa *const rnn_isas[] = {&rnn_generic};
#endif
const int rnn_isa_count = sizeof rnn_isas / sizeof *rnn_isas;

// The batch in parts, each with its own scratch and sums of gradients.
struct division {
  const struct rnn_isa *isa;
  const struct rnn_forward *forward;
  const struct rnn_backward *backward;
  int64_t batch;
  int parts;
  float *memory;
  size_t scratch, gradient;  // floats of each part
};

static void run_part(void *job, int part) {
  const struct division *d = job;
  struct rnn_slice s = {
      .begin = part * d->batch / d->parts,
      .end = (part + 1) * d->batch / d->parts,
      .scratch = d->memory + (size_t)part * (d->scratch + d->gradient),
  };
  s.gradient = s.scratch + d->scratch;
  if (d->forward)
    d->isa->forward(d->forward, &s);
  else
    d->isa->backward(d->backward, &s);
}

static struct division divide(const struct rnn_isa *isa, const struct rnn_size *size, int threads) {
  return (struct division){
      .isa = isa, .batch = size->batch, .parts = threads < size->batch ? threads : (int)size->batch};
}

int rnn_run_forward(const struct rnn_isa *isa, const struct rnn_forward *f, int threads) {
  struct division d = divide(isa, &f->size, threads);
  if (d.parts == 0) return 0;
  d.forward = f;
  d.scratch = forward_layout(&f->size, (d.batch + d.parts - 1) / d.parts, NULL).floats;
  if (!(d.memory = scratch_acquire(d.parts * d.scratch))) return -1;
  pool_run(run_part, &d, d.parts);
  scratch_release(d.memory);
  return 0;
}

// to = the sum of the parts' rows, always in the same order.
static void sum_rows(const struct division *d, int64_t row, int64_t n, float *to) {
  const float *from = d->memory + d->scratch + row * rnn_stride(n);
  memcpy(to, from, (size_t)n * sizeof *to);
  for (int p = 1; p < d->parts; p++) {
    from += d->scratch + d->gradient;
    for (int64_t i = 0; i < n; i++) to[i] += from[i];
  }
}

int rnn_run_backward(const struct rnn_isa *isa, const struct rnn_backward *b, int threads) {
  const int64_t F = b->size.inputs, U = b->size.units;
  struct division d = divide(isa, &b->size, threads);
  if (d.parts == 0) {
    memset(b->dkernel, 0, (size_t)((F + U) * U) * sizeof(float));
    memset(b->dbias, 0, (size_t)U * sizeof(float));
    return 0;
  }
  d.backward = b;
  // a slice of fewer rows may take more steps at a time, and so need more
  for (int64_t rows = d.batch / d.parts; rows * d.parts < d.batch + d.parts; rows++) {
    size_t floats = backward_layout(&b->size, rows, b->dx != NULL, NULL).floats;
    if (floats > d.scratch) d.scratch = floats;
  }
  d.gradient = (size_t)((F + U + 1) * rnn_stride(U));
  if (!(d.memory = scratch_acquire(d.parts * (d.scratch + d.gradient)))) return -1;
  pool_run(run_part, &d, d.parts);
  for (int64_t k = 0; k < F + U; k++) sum_rows(&d, k, U, b->dkernel + k * U);
  sum_rows(&d, F + U, U, b->dbias);
  scratch_release(d.memory);
  return 0;
}
