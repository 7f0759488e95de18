// Forward and backward through all steps for one slice of the batch.
#ifndef RNNBIN_SEQUENCE_H
#define RNNBIN_SEQUENCE_H

#include "cell.h"
#include "head_loss.h"
#include "head_vec.h"
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

// What every step needs: a row of A is [x, h], each padded, so that one product
// with [Wx; Wh] does both.
struct forward_steps {
  int64_t rows, inputs, units;
  struct matrix w, pre;
  const struct forward_scratch *m;
};

static struct forward_steps begin_forward(const struct rnn_size *z, int64_t rows, const float *kernel,
                                          const float *bias, const struct forward_scratch *m) {
  const int64_t F = z->inputs, U = z->units;
  const struct forward_steps s = {rows, F, U, {m->w, rnn_stride(U)}, {m->pre, rnn_stride(U)}, m};
  count_up(m->order, rows);
  copy_padded(m->bias, bias, U);
  for (int64_t k = 0; k < F; k++) copy_padded(s.w.at + k * s.w.stride, kernel + k * U, U);
  for (int64_t k = 0; k < U; k++) copy_padded(s.w.at + (rnn_round(F) + k) * s.w.stride, kernel + (F + k) * U, U);
  return s;
}

// A row of x [F] into one of A.
static void put_input(const struct forward_steps *s, struct matrix in, int64_t row, const float *x) {
  for (int64_t k = 0; k < s->inputs; k++) in.at[row * in.stride + k] = x[k];
}

static void multiply_forward(const struct forward_steps *s, struct matrix in) {
  product(s->rows, s->m->order, rnn_round(s->inputs) + whole(s->units), s->units, in, s->w, (struct matrix){NULL, 0},
          s->pre, s->m->lists);
}

INLINE void forward_with(enum rnn_activation activation, const struct rnn_forward *f, const struct rnn_slice *s) {
  const int64_t B = f->size.batch, F = f->size.inputs, U = f->size.units, rows = s->end - s->begin;
  const struct forward_scratch m = forward_layout(&f->size, rows, s->scratch);
  const struct forward_steps steps = begin_forward(&f->size, rows, f->kernel, f->bias, &m);
  const struct matrix in = {m.in, rnn_stride(rnn_round(F) + rnn_round(U))}, state = {m.in + rnn_round(F), in.stride};
  for (int64_t r = 0; r < rows; r++) {
    memset(in.at + r * in.stride, 0, (size_t)rnn_round(F) * sizeof(float));
    copy_state(state.at + r * state.stride, f->h0, s->begin + r, U);
  }
  for (int64_t t = 0; t < f->size.steps; t++) {
    const int64_t first = t * B + s->begin;
    for (int64_t r = 0; r < rows; r++) put_input(&steps, in, r, f->x + (first + r) * F);
    multiply_forward(&steps, in);
    for (int64_t r = 0; r < rows; r++)
      cell_forward(activation, U, m.pre + r * steps.pre.stride, m.bias, state.at + r * state.stride, f->h + (first + r) * U);
  }
  for (int64_t r = 0; r < rows; r++) copy_packed(f->last + (s->begin + r) * U, state.at + r * state.stride, U);
}

// ---- backward ----

// What a layer was given and made, for the rows of a slice: row r of step t is at
// t*step + r*row.
struct layer {
  const float *x;
  int64_t x_step, x_row;
  const float *h;  // after each step
  int64_t h_step, h_row;
  const float *h0;  // before the first, rows h_row apart; NULL for zeros
};

// What comes to the states from above: gradients themselves, or those of a
// projection's outputs.
struct above {
  const float *rows;  // [T, rows, U or O], row r of step t is at t*step + r*row
  int64_t step, row;
  const float *weights;  // [O, stride], the projection's kernel transposed
  int64_t stride, outputs;
};

// How the compiler is told which: no projection, a projection to two outputs, or
// to any number.
enum through { DIRECT, TWO, ANY };

INLINE vec gradient_above(enum through through, const struct above *a, const float *row, int64_t at, int64_t n) {
  if (through == DIRECT) return load_upto(row + at, n);
  return head_gradient(a->weights, a->stride, at, through == TWO ? 2 : a->outputs, row);
}

// One row: the gradient to h is what the next step sends back, plus what comes
// from above. Leaves that to the pre-activations in dpre (padded).
INLINE void cell_backward(enum rnn_activation activation, enum through through, int64_t units, const float *h,
                          const struct above *a, const float *row, const float *back, float *dpre) {
  int64_t i = 0;
  for (; i + LANES <= units; i += LANES) {
    vec g = load(back + i) + gradient_above(through, a, row, i, LANES);
    store(dpre + i, activation_gradient(activation, load(h + i), g));
  }
  if (i < units) {
    vec g = load(back + i) + gradient_above(through, a, row, i, units - i);
    g = activation_gradient(activation, load_part(h + i, units - i), g);
    store(dpre + i, keep_first(g, units - i));
  }
}

INLINE void cells_backward(enum rnn_activation activation, enum through through, int64_t rows, int64_t units,
                           const struct layer *l, const struct above *a, int64_t t, struct matrix back,
                           struct matrix dpre) {
  for (int64_t r = 0; r < rows; r++)
    cell_backward(activation, through, units, l->h + t * l->h_step + r * l->h_row, a, a->rows + t * a->step + r * a->row,
                  back.at + r * back.stride, dpre.at + r * dpre.stride);
}

static const float *state_before(const struct layer *l, int64_t t, int64_t r, const float *zeros) {
  if (t > 0) return l->h + (t - 1) * l->h_step + r * l->h_row;
  return l->h0 ? l->h0 + r * l->h_row : zeros;
}

// What the steps from begin to end add to the gradient of [kernel; bias]: [x, h
// before, 1] transposed, times the gradient to the pre-activations.
static void add_weight_gradient(const struct rnn_size *z, const struct layer *l, int64_t rows,
                                const struct backward_scratch *m, int64_t begin, int64_t end, float *sums, int more) {
  const int64_t F = z->inputs, U = z->units, count = (end - begin) * rows, padded = rnn_round(count);
  const struct matrix left = {m->left, rnn_odd(m->chunk)}, dpre = {m->dpre, rnn_stride(U)};
  const struct matrix gradient = {sums, rnn_stride(U)}, start = {more ? sums : NULL, gradient.stride};
  for (int part = 0; part < 2; part++) {
    int64_t i = 0;
    for (int64_t t = begin; t < end; t++)
      for (int64_t r = 0; r < rows; r++)
        m->rows[i++] = part == 0 ? l->x + t * l->x_step + r * l->x_row : state_before(l, t, r, m->zeros);
    while (i < padded) m->rows[i++] = m->zeros;
    transpose(left.at + (part == 0 ? 0 : F) * left.stride, left.stride, m->rows, padded, part == 0 ? F : U);
  }
  for (int64_t i = 0; i < padded; i++) left.at[(F + U) * left.stride + i] = i < count;
  product(F + U + 1, m->left_order, padded, U, left, dpre, start, gradient, m->lists);
}

// The order of the rows of left: x, then the units, then the ones of the bias.
static void order_left(enum rnn_activation activation, const struct rnn_size *z, const float *h, int64_t stride,
                       int64_t rows, int32_t *order) {
  const int64_t F = z->inputs, U = z->units;
  count_up(order, F + U + 1);
  if (activation != RNN_RELU) return;
  order_units(order + F, h, stride, rows, U);
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
  const struct backward_scratch m = backward_layout(&b->size, rows, b->dx != NULL, s->scratch);
  const struct matrix w = begin_backward(&b->size, rows, b->kernel, b->dx != NULL, &m), none = {NULL, 0};
  const struct layer l = {b->x + s->begin * F, B * F, F, b->h + s->begin * U, B * U, U, b->h0 ? b->h0 + s->begin * U : NULL};
  const struct above a = {.rows = b->dh + s->begin * U, .step = B * U, .row = U};
  // a row sent back is [dh, dx], each padded
  const int64_t width = b->dx ? rnn_round(U) + F : U;
  const struct matrix back = {m.back, w.stride};
  order_left(activation, &b->size, b->h, U, T * B, m.left_order);
  for (int64_t r = 0; r < rows; r++) copy_state(back.at + r * back.stride, b->dlast, s->begin + r, U);
  if (T == 0) memset(s->gradient, 0, (size_t)((F + U + 1) * rnn_stride(U)) * sizeof(float));

  const int64_t steps = m.chunk / rows;
  for (int64_t end = T; end > 0; end -= smaller(steps, end)) {
    const int64_t begin = end > steps ? end - steps : 0;
    for (int64_t t = end - 1; t >= begin; t--) {
      const struct matrix dpre = {m.dpre + (t - begin) * rows * rnn_stride(U), rnn_stride(U)};
      cells_backward(activation, DIRECT, rows, U, &l, &a, t, back, dpre);
      product(rows, m.order, whole(U), width, dpre, w, none, back, m.lists);
      if (b->dx)
        for (int64_t r = 0; r < rows; r++)
          copy_packed(b->dx + (t * B + s->begin + r) * F, back.at + r * back.stride + rnn_round(U), F);
    }
    add_weight_gradient(&b->size, &l, rows, &m, begin, end, s->gradient, end < T);
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
