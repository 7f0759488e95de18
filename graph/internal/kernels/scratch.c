#include "scratch.h"

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

struct forward_scratch rnnbin_forward_layout(const struct rnn_layer *l, int64_t rows, float *base) {
  const int64_t F = l->size.inputs, U = l->size.units, depth = rnn_round(F) + rnn_round(U);
  const int64_t stride = rnn_stride(rnn_columns(rnn_cells[l->kind].blocks, U));
  struct cursor c = {base, 0};
  struct forward_scratch m;
  m.lists = take(&c, RNN_LIST_LENGTH);
  m.order = take(&c, rows);
  m.columns = take(&c, F + U);
  m.in = take(&c, rows * rnn_stride(depth));
  m.pre = take(&c, rows * stride);
  m.carry = take(&c, rows * rnn_round(U));
  m.bias = take(&c, stride);
  m.w = take(&c, depth * stride);
  m.floats = c.used;
  return m;
}

struct backward_scratch rnnbin_backward_layout(const struct rnn_layer *l, int64_t rows, float *base) {
  const int64_t F = l->size.inputs, U = l->size.units;
  const int blocks = rnn_cells[l->kind].blocks;
  const int64_t wide = rnn_stride(l->dx ? rnn_round(U) + F : U), columns = rnn_columns(blocks, U);
  struct cursor c = {base, 0};
  struct backward_scratch m;
  int64_t steps = rows < chunk_rows(&l->size) ? chunk_rows(&l->size) / rows : 1;
  if (steps > l->size.steps) steps = l->size.steps;
  m.chunk = steps * rows;
  const int64_t pointers = rnn_round(m.chunk) > F + U + 4 ? rnn_round(m.chunk) : F + U + 4;
  m.lists = take(&c, RNN_LIST_LENGTH);
  m.order = take(&c, rows);
  m.columns = take(&c, blocks * U);
  m.left_order = take(&c, F + U + 1);
  m.count = take(&c, m.chunk);
  m.zeros = take(&c, U > F ? U : F);
  m.rows = take(&c, pointers * (int64_t)sizeof(void *) / (int64_t)sizeof(float));
  m.back = take(&c, rows * wide);
  m.carry = take(&c, rows * rnn_round(U));
  m.dpre = take(&c, rnn_round(m.chunk) * rnn_stride(columns));
  m.left = take(&c, (F + U + 1) * rnn_odd(m.chunk));
  m.w = take(&c, rnn_round(columns) * wide);
  m.floats = c.used;
  return m;
}
