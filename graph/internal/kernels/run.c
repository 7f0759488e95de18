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

// Each direction's batch in slices: parts that share nothing that is written, each
// with its own scratch and sums of gradients. A thread runs some of them in turn.
struct division {
  const struct rnn_isa *isa;
  const struct rnn_layer *layer;  // [directions]
  void (*run)(const struct rnn_layer *, const struct rnn_slice *);
  int64_t batch;
  int slices, parts, threads;
  float *memory;
  size_t scratch, gradient;  // floats of each part
};

static size_t part_floats(const struct division *d) { return d->scratch + d->gradient; }

static void run_part(const struct division *d, int part) {
  const int slice = part % d->slices;
  float *memory = d->memory + (size_t)part * part_floats(d);
  const struct rnn_slice s = {
      .begin = slice * d->batch / d->slices,
      .end = (slice + 1) * d->batch / d->slices,
      .scratch = memory,
      .gradient = memory + d->scratch,
  };
  d->run(&d->layer[part / d->slices], &s);
}

static void run_thread(void *job, int thread) {
  const struct division *d = job;
  for (int part = thread * d->parts / d->threads; part < (thread + 1) * d->parts / d->threads; part++) run_part(d, part);
}

// As few slices as give every thread equally many parts.
static struct division divide(const struct rnn_isa *isa, const struct rnn_layer *l, int directions, int threads) {
  const int64_t batch = l->size.batch;
  const int most = threads % directions == 0 ? threads / directions : threads;
  struct division d = {.isa = isa, .layer = l, .batch = batch, .slices = most < batch ? most : (int)batch};
  d.parts = directions * d.slices;
  d.threads = threads < d.parts ? threads : d.parts;
  return d;
}

// Takes the memory and runs the parts; 0, or -1 when there is none.
static int run_parts(struct division *d) {
  if (!(d->memory = rnnbin_store_take(d->parts * part_floats(d)))) return -1;
  rnnbin_pool_run(run_thread, d, d->threads);
  return 0;
}

// Rows of the largest slice.
static int64_t most_rows(const struct division *d) { return (d->batch + d->slices - 1) / d->slices; }

int rnnbin_run_forward(const struct rnn_isa *isa, const struct rnn_layer *l, int directions, int threads) {
  struct division d = divide(isa, l, directions, threads);
  if (d.parts == 0) return 0;
  d.run = isa->forward;
  d.scratch = rnnbin_forward_layout(l, most_rows(&d), NULL).floats;
  if (run_parts(&d)) return -1;
  rnnbin_store_give(d.memory);
  return 0;
}

// to = the sum of the parts' rows, n floats from one on in the first part's memory,
// always in the same order.
static void sum_slices(const struct division *d, const float *from, int64_t n, float *to) {
  memcpy(to, from, (size_t)n * sizeof *to);
  for (int p = 1; p < d->slices; p++) {
    from += part_floats(d);
    for (int64_t i = 0; i < n; i++) to[i] += from[i];
  }
}

// The gradient of one direction's variables from what its slices have summed, whose
// rows are those of [x, h, 1].
static void sum_gradients(const struct division *d, int direction) {
  const struct rnn_layer *l = &d->layer[direction];
  const struct rnn_cell *cell = &rnn_cells[l->kind];
  const int64_t F = l->size.inputs, U = l->size.units, stride = rnn_stride(rnn_columns(cell->blocks, U));
  const float *sums = d->memory + (size_t)(direction * d->slices) * part_floats(d) + d->scratch;
  for (int i = 0; i < cell->variables; i++) {
    const struct rnn_variable *v = &cell->variable[i];
    const int bias = !v->x && !v->h;
    float *to = l->dweights[i];
    for (int64_t k = v->x ? 0 : v->h ? F : F + U; k < F + U + 1; k++)
      if (k < F ? v->x : k < F + U ? v->h : bias)
        for (int64_t b = v->first; b < v->first + v->blocks; b++, to += U)
          sum_slices(d, sums + k * stride + b * rnn_round(U), U, to);
  }
}

static void clear_gradients(const struct rnn_layer *l) {
  const struct rnn_cell *cell = &rnn_cells[l->kind];
  for (int i = 0; i < cell->variables; i++)
    memset(l->dweights[i], 0, (size_t)(rnn_rows(&cell->variable[i], &l->size) * cell->variable[i].blocks * l->size.units) * sizeof(float));
}

static int run_backward(struct division *d) {
  const struct rnn_layer *l = d->layer;
  // a slice of fewer rows may take more steps at a time, and so need more memory
  const size_t few = rnnbin_backward_layout(l, d->batch / d->slices, NULL).floats;
  const size_t many = rnnbin_backward_layout(l, most_rows(d), NULL).floats;
  d->run = d->isa->backward;
  d->scratch = few > many ? few : many;
  d->gradient = (size_t)((l->size.inputs + l->size.units + 1) * rnn_stride(rnn_columns(rnn_cells[l->kind].blocks, l->size.units)));
  if (run_parts(d)) return -1;
  for (int i = 0; i < d->parts / d->slices; i++) sum_gradients(d, i);
  rnnbin_store_give(d->memory);
  return 0;
}

int rnnbin_run_backward(const struct rnn_isa *isa, const struct rnn_layer *l, int directions, int threads) {
  struct rnn_layer own[RNN_DIRECTIONS];
  memcpy(own, l, (size_t)directions * sizeof *l);
  struct division d = divide(isa, own, directions, threads);
  for (int i = 0; i < directions && d.parts == 0; i++) clear_gradients(&l[i]);
  if (d.parts == 0) return 0;
  if (directions == 1 || !l->dx) return run_backward(&d);
  // the directions run side by side: what the second sends to x is added afterwards
  const int64_t n = l->size.steps * l->size.batch * l->size.inputs;
  if (!(own[1].dx = rnnbin_store_take((size_t)n))) return -1;
  const int failed = run_backward(&d);
  for (int64_t i = 0; i < n && !failed; i++) l->dx[i] += own[1].dx[i];
  rnnbin_store_give(own[1].dx);
  return failed;
}
