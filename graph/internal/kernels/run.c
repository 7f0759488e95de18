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
  const struct rnn_forward *forward;  // one of these three
  const struct rnn_backward *backward;
  const struct rnn_train *train;
  int64_t batch;
  int parts;
  float *memory;
  size_t scratch, gradient, head;  // floats of each part
};

// A part's loss has a cache line behind its sums.
enum { LOSS_FLOATS = 16 };

static size_t part_floats(const struct division *d) { return d->scratch + d->gradient + d->head + LOSS_FLOATS; }

static float *part_memory(const struct division *d, int part) { return d->memory + (size_t)part * part_floats(d); }

static void run_part(void *job, int part) {
  const struct division *d = job;
  struct rnn_slice s = {
      .begin = part * d->batch / d->parts,
      .end = (part + 1) * d->batch / d->parts,
      .scratch = part_memory(d, part),
  };
  s.gradient = s.scratch + d->scratch;
  s.head_gradient = s.gradient + d->gradient;
  if (d->forward) d->isa->forward(d->forward, &s);
  if (d->backward) d->isa->backward(d->backward, &s);
  s.loss = (double *)(s.head_gradient + d->head);
  if (d->train) d->isa->train(d->train, &s);
}

static struct division divide(const struct rnn_isa *isa, const struct rnn_size *size, int threads) {
  return (struct division){
      .isa = isa, .batch = size->batch, .parts = threads < size->batch ? threads : (int)size->batch};
}

// Takes the memory and runs the parts; 0, or -1 when there is none.
static int run_parts(struct division *d) {
  if (!(d->memory = scratch_acquire(d->parts * part_floats(d)))) return -1;
  pool_run(run_part, d, d->parts);
  return 0;
}

int rnn_run_forward(const struct rnn_isa *isa, const struct rnn_forward *f, int threads) {
  struct division d = divide(isa, &f->size, threads);
  if (d.parts == 0) return 0;
  d.forward = f;
  d.scratch = forward_layout(&f->size, (d.batch + d.parts - 1) / d.parts, NULL).floats;
  if (run_parts(&d)) return -1;
  scratch_release(d.memory);
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

static void sum_gradient(const struct division *d, const struct rnn_size *z, float *dkernel, float *dbias) {
  const int64_t F = z->inputs, U = z->units;
  for (int64_t k = 0; k <= F + U; k++)
    sum_parts(d, d->scratch + (size_t)(k * rnn_stride(U)), U, k < F + U ? dkernel + k * U : dbias);
}

static size_t gradient_floats(const struct rnn_size *z) { return (size_t)((z->inputs + z->units + 1) * rnn_stride(z->units)); }

// A slice of fewer rows may take more steps at a time, and so need more memory.
static size_t most_floats(const struct division *d, const void *job, size_t (*floats)(const void *, int64_t)) {
  const int64_t few = d->batch / d->parts, many = (d->batch + d->parts - 1) / d->parts;
  const size_t a = floats(job, few), b = floats(job, many);
  return a > b ? a : b;
}

static size_t backward_floats(const void *job, int64_t rows) {
  const struct rnn_backward *b = job;
  return backward_layout(&b->size, rows, b->dx != NULL, NULL).floats;
}

int rnn_run_backward(const struct rnn_isa *isa, const struct rnn_backward *b, int threads) {
  struct division d = divide(isa, &b->size, threads);
  if (d.parts == 0) {
    memset(b->dkernel, 0, (size_t)((b->size.inputs + b->size.units) * b->size.units) * sizeof(float));
    memset(b->dbias, 0, (size_t)b->size.units * sizeof(float));
    return 0;
  }
  d.backward = b;
  d.scratch = most_floats(&d, b, backward_floats);
  d.gradient = gradient_floats(&b->size);
  if (run_parts(&d)) return -1;
  sum_gradient(&d, &b->size, b->dkernel, b->dbias);
  scratch_release(d.memory);
  return 0;
}

static size_t train_floats(const void *job, int64_t rows) {
  const struct rnn_train *f = job;
  return train_layout(&f->size, f->head.outputs, rows, NULL).floats;
}

// The head's sums: the loss, and the gradients, whose kernel is transposed there.
static void sum_head(const struct division *d, const struct rnn_train *f) {
  const int64_t U = f->size.units, O = f->head.outputs, stride = (int64_t)d->head / (O + 1);
  double loss = 0;
  memset(f->head.dkernel, 0, (size_t)(U * O) * sizeof(float));
  memset(f->head.dbias, 0, (size_t)O * sizeof(float));
  for (int p = 0; p < d->parts; p++) {
    const float *from = part_memory(d, p) + d->scratch + d->gradient;
    loss += *(const double *)(from + d->head);
    for (int64_t o = 0; o < O; o++) {
      for (int64_t k = 0; k < U; k++) f->head.dkernel[k * O + o] += from[o * stride + k];
      f->head.dbias[o] += from[O * stride + o];
    }
  }
  *f->head.mean = f->head.total > 0 ? (float)(loss / f->head.total) : 0;
}

int rnn_run_train(const struct rnn_isa *isa, const struct rnn_train *f, int threads) {
  const int64_t U = f->size.units, O = f->head.outputs;
  struct division d = divide(isa, &f->size, threads);
  d.train = f;
  d.scratch = most_floats(&d, f, train_floats);
  d.gradient = gradient_floats(&f->size);
  d.head = (size_t)((O + 1) * rnn_stride(U > O ? U : O));
  if (run_parts(&d)) return -1;
  sum_gradient(&d, &f->size, f->dkernel, f->dbias);
  sum_head(&d, f);
  scratch_release(d.memory);
  return 0;
}
