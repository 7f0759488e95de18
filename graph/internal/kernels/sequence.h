// Forward and backward through all steps for one slice of the batch.
#ifndef RNNBIN_SEQUENCE_H
#define RNNBIN_SEQUENCE_H

#include "cell.h"
#include "order.h"
#include "product.h"
#include "scratch.h"

static void count_up(int32_t *order, int64_t n) {
  for (int64_t i = 0; i < n; i++) order[i] = (int32_t)i;
}

// A row of states [B,U], which are zeros when there are none, to a padded one.
static void copy_state(float *to, const float *states, int64_t row, int64_t units) {
  if (states)
    copy_padded(to, states + row * units, units);
  else
    memset(to, 0, (size_t)whole(units) * sizeof(float));
}

// ---- forward ----

// The kernel [F+U,U], padded, so that its rows are where the columns of [x, h] are.
static void copy_kernel(const struct rnn_size *z, const float *kernel, struct matrix w) {
  const int64_t F = z->inputs, U = z->units;
  for (int64_t k = 0; k < F; k++) copy_padded(w.at + k * w.stride, kernel + k * U, U);
  for (int64_t k = 0; k < U; k++) copy_padded(w.at + (rnn_round(F) + k) * w.stride, kernel + (F + k) * U, U);
}

INLINE void forward_with(enum rnn_activation activation, const struct rnn_forward *f, const struct rnn_slice *s) {
  const int64_t B = f->size.batch, F = f->size.inputs, U = f->size.units, rows = s->end - s->begin;
  const struct forward_scratch m = rnnbin_forward_layout(&f->size, rows, s->scratch);
  // a row is [x, h], each padded, so that one product with [Wx; Wh] does both
  const struct matrix in = {m.in, rnn_stride(rnn_round(F) + rnn_round(U))}, state = {m.in + rnn_round(F), in.stride};
  const struct matrix w = {m.w, rnn_stride(U)}, pre = {m.pre, rnn_stride(U)}, none = {NULL, 0};
  count_up(m.order, rows);
  copy_padded(m.bias, f->bias, U);
  copy_kernel(&f->size, f->kernel, w);
  for (int64_t r = 0; r < rows; r++) {
    memset(in.at + r * in.stride, 0, (size_t)rnn_round(F) * sizeof(float));
    copy_state(state.at + r * state.stride, f->h0, s->begin + r, U);
  }
  for (int64_t t = 0; t < f->size.steps; t++) {
    const int64_t first = t * B + s->begin;
    for (int64_t r = 0; r < rows; r++)
      for (int64_t k = 0; k < F; k++) in.at[r * in.stride + k] = f->x[(first + r) * F + k];
    product(rows, m.order, rnn_round(F) + whole(U), U, in, w, none, pre, m.lists);
    for (int64_t r = 0; r < rows; r++)
      cell_forward(activation, U, pre.at + r * pre.stride, m.bias, state.at + r * state.stride, f->h + (first + r) * U);
  }
  for (int64_t r = 0; r < rows; r++) copy_packed(f->last + (s->begin + r) * U, state.at + r * state.stride, U);
}

// ---- backward ----

static const float *state_before(const struct rnn_backward *b, int64_t t, int64_t row, const float *zeros) {
  const int64_t U = b->size.units;
  if (t > 0) return b->h + ((t - 1) * b->size.batch + row) * U;
  return b->h0 ? b->h0 + row * U : zeros;
}

// What the steps from begin to end add to the gradient of [kernel; bias]: [x, h
// before, 1] transposed, times the gradient with respect to the pre-activations.
static void add_weight_gradient(const struct rnn_backward *b, const struct rnn_slice *s, const struct backward_scratch *m,
                                int64_t begin, int64_t end, int more) {
  const int64_t B = b->size.batch, F = b->size.inputs, U = b->size.units;
  const int64_t count = (end - begin) * (s->end - s->begin), padded = rnn_round(count);
  const struct matrix left = {m->left, rnn_odd(m->chunk)}, dpre = {m->dpre, rnn_stride(U)};
  const struct matrix gradient = {s->gradient, rnn_stride(U)}, start = {more ? s->gradient : NULL, gradient.stride};
  for (int part = 0; part < 2; part++) {
    int64_t i = 0;
    for (int64_t t = begin; t < end; t++)
      for (int64_t row = s->begin; row < s->end; row++)
        m->rows[i++] = part == 0 ? b->x + (t * B + row) * F : state_before(b, t, row, m->zeros);
    while (i < padded) m->rows[i++] = m->zeros;
    transpose(left.at + (part == 0 ? 0 : F) * left.stride, left.stride, m->rows, padded, part == 0 ? F : U);
  }
  for (int64_t i = 0; i < padded; i++) left.at[(F + U) * left.stride + i] = i < count;
  product(F + U + 1, m->left_order, padded, U, left, dpre, start, gradient, m->lists);
}

// The order of the rows of left: x, then the units, then the ones of the bias.
static void order_left(enum rnn_activation activation, const struct rnn_size *z, const float *h, int32_t *order) {
  const int64_t F = z->inputs, U = z->units;
  count_up(order, F + U + 1);
  if (activation != RNN_RELU) return;
  order_units(order + F, h, U, z->steps * z->batch, U);
  for (int64_t k = F; k < F + U; k++) order[k] += (int32_t)F;
}

// The kernel transposed, the state's part first, for the products that go back.
static struct matrix begin_backward(const struct rnn_size *z, int64_t rows, const float *kernel, int input_gradient,
                                    const struct backward_scratch *m) {
  const int64_t F = z->inputs, U = z->units, width = input_gradient ? rnn_round(U) + F : U;
  const struct matrix w = {m->w, rnn_stride(width)};
  count_up(m->order, rows);
  memset(m->zeros, 0, (size_t)rnn_round(U > F ? U : F) * sizeof(float));
  clear_columns(w.at, w.stride, U, U, input_gradient ? rnn_round(U) : whole(U));
  clear_columns(w.at, w.stride, U, width, whole(width));
  for (int64_t k = 0; k < F + U; k++) m->rows[k] = kernel + k * U;
  for (int64_t k = F + U; k < F + U + 4; k++) m->rows[k] = m->zeros;
  transpose(w.at, w.stride, m->rows + F, (U + 3) / 4 * 4, U);
  if (input_gradient) transpose(w.at + rnn_round(U), w.stride, m->rows, (F + 3) / 4 * 4, U);
  return w;
}

INLINE void backward_with(enum rnn_activation activation, const struct rnn_backward *b, const struct rnn_slice *s) {
  const int64_t T = b->size.steps, B = b->size.batch, F = b->size.inputs, U = b->size.units, rows = s->end - s->begin;
  const struct backward_scratch m = rnnbin_backward_layout(&b->size, rows, b->dx != NULL, s->scratch);
  const struct matrix w = begin_backward(&b->size, rows, b->kernel, b->dx != NULL, &m), none = {NULL, 0};
  // a row sent back is [dh, dx], each padded
  const int64_t width = b->dx ? rnn_round(U) + F : U;
  const struct matrix back = {m.back, w.stride};
  order_left(activation, &b->size, b->h, m.left_order);
  for (int64_t r = 0; r < rows; r++) copy_state(back.at + r * back.stride, b->dlast, s->begin + r, U);
  if (T == 0) memset(s->gradient, 0, (size_t)((F + U + 1) * rnn_stride(U)) * sizeof(float));

  const int64_t steps = m.chunk / rows;
  for (int64_t end = T; end > 0; end -= smaller(steps, end)) {
    const int64_t begin = end > steps ? end - steps : 0;
    for (int64_t t = end - 1; t >= begin; t--) {
      const int64_t first = t * B + s->begin;
      const struct matrix dpre = {m.dpre + (t - begin) * rows * rnn_stride(U), rnn_stride(U)};
      for (int64_t r = 0; r < rows; r++)
        cell_backward(activation, U, b->h + (first + r) * U, b->dh + (first + r) * U, back.at + r * back.stride,
                      dpre.at + r * dpre.stride);
      product(rows, m.order, whole(U), width, dpre, w, none, back, m.lists);
      if (b->dx)
        for (int64_t r = 0; r < rows; r++)
          copy_packed(b->dx + (first + r) * F, back.at + r * back.stride + rnn_round(U), F);
    }
    add_weight_gradient(b, s, &m, begin, end, end < T);
  }
  for (int64_t r = 0; r < rows; r++) copy_packed(b->dh0 + (s->begin + r) * U, back.at + r * back.stride, U);
}

// The activation as a constant: the loops have no choice inside.
static void forward(const struct rnn_forward *f, const struct rnn_slice *s) {
  if (f->activation == RNN_RELU)
    forward_with(RNN_RELU, f, s);
  else
    forward_with(RNN_TANH, f, s);
}

static void backward(const struct rnn_backward *b, const struct rnn_slice *s) {
  if (b->activation == RNN_RELU)
    backward_with(RNN_RELU, b, s);
  else
    backward_with(RNN_TANH, b, s);
}

#endif
