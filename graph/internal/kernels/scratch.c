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

struct forward_scratch rnnbin_forward_layout(const struct rnn_size *s, int64_t rows, float *base) {
  const int64_t depth = rnn_round(s->inputs) + rnn_round(s->units), stride = rnn_stride(s->units);
  struct cursor c = {base, 0};
  struct forward_scratch m;
  m.lists = take(&c, RNN_LIST_LENGTH);
  m.order = take(&c, rows);
  m.in = take(&c, rows * rnn_stride(depth));
  m.pre = take(&c, rows * stride);
  m.bias = take(&c, stride);
  m.w = take(&c, depth * stride);
  m.floats = c.used;
  return m;
}

struct backward_scratch rnnbin_backward_layout(const struct rnn_size *s, int64_t rows, int input_gradient, float *base) {
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
