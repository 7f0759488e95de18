// Forward and backward through all steps, for one direction of a layer and one
// slice of the batch, whatever the cell.
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

// ---- steps and rows: the i-th step of the loop is the i-th in the layer's direction ----

INLINE int64_t time_of(const struct rnn_layer *l, int64_t i) { return l->reverse ? l->size.steps - 1 - i : i; }

INLINE int takes_part(const struct rnn_layer *l, int64_t t, int64_t row) { return !l->lengths || t < l->lengths[row]; }

// Lists the slice's rows that take part in step t and returns how many. Without
// lengths the list is as count_up left it.
static int64_t rows_at(const struct rnn_layer *l, const struct rnn_slice *s, int64_t t, int32_t *order) {
  const int64_t rows = s->end - s->begin;
  if (!l->lengths) return rows;
  int64_t n = 0;
  for (int64_t r = 0; r < rows; r++)
    if (takes_part(l, t, s->begin + r)) order[n++] = (int32_t)r;
  return n;
}

// A row of h before the i-th step, U floats.
INLINE const float *h_before(const struct rnn_layer *l, int64_t i, int64_t row, const float *zeros) {
  const float *initial = l->initial[rnn_cells[l->kind].states - 1];
  if (i > 0 && takes_part(l, time_of(l, i - 1), row))
    return l->h + (time_of(l, i - 1) * l->size.batch + row) * l->h_stride;
  return initial ? initial + row * l->size.units : zeros;
}

INLINE float *saved_row(const struct rnn_layer *l, int64_t t, int64_t row) {
  return l->saved + (t * l->size.batch + row) * rnn_cells[l->kind].saved * rnn_round(l->size.units);
}

// The same of the state that is not h, which is saved behind all else.
INLINE const float *carry_before(const struct rnn_layer *l, int64_t i, int64_t row, const float *zeros) {
  if (i > 0 && takes_part(l, time_of(l, i - 1), row))
    return saved_row(l, time_of(l, i - 1), row) + (rnn_cells[l->kind].saved - 1) * rnn_round(l->size.units);
  return l->initial[0] ? l->initial[0] + row * l->size.units : zeros;
}

// ---- forward ----

// A variable's row, block by block to the columns it is for.
static void copy_blocks(float *to, const float *from, const struct rnn_variable *v, int64_t units) {
  for (int64_t b = 0; b < v->blocks; b++) copy_padded(to + (v->first + b) * rnn_round(units), from + b * units, units);
}

// The kernels, padded, so that their rows are where the columns of [x, h] are, and the biases.
static void copy_weights(const struct rnn_layer *l, struct matrix w, float *bias) {
  const struct rnn_cell *cell = &rnn_cells[l->kind];
  const int64_t F = l->size.inputs, U = l->size.units;
  for (int i = 0; i < cell->variables; i++) {
    const struct rnn_variable *v = &cell->variable[i];
    const float *from = l->weights[i];
    for (int64_t k = 0; v->x && k < F; k++, from += v->blocks * U) copy_blocks(w.at + k * w.stride, from, v, U);
    for (int64_t k = 0; v->h && k < U; k++, from += v->blocks * U)
      copy_blocks(w.at + (rnn_round(F) + k) * w.stride, from, v, U);
    if (!v->x && !v->h) copy_blocks(bias, from, v, U);
  }
}

// pre = [x, h] w. A row of in is [x, h], each padded, so that mostly one product does
// both.
INLINE void multiply_in(enum rnn_kind kind, const struct rnn_size *z, const struct forward_scratch *m, int64_t rows,
                        struct matrix in, struct matrix w, struct matrix pre) {
  const struct rnn_cell *cell = &rnn_cells[kind];
  const int64_t F = z->inputs, U = z->units, first = cell->h_first * rnn_round(U), all = rnn_columns(cell->blocks, U);
  const struct matrix none = {NULL, 0};
  const struct columns nonzero = {rnn_round(F) + whole(U), NULL, m->lists}, both = {F + U, m->columns, NULL};
  if (first == 0) {
    product(rows, m->order, cell->sparse ? nonzero : both, all, in, w, none, pre);
    return;
  }
  const struct columns x = {F, m->columns, NULL}, h = {U, m->columns + F, NULL};
  product(rows, m->order, x, rnn_columns(cell->x_blocks, U), in, w, none, pre);
  for (int64_t k = 0; k < rows; k++)
    for (int64_t i = cell->x_blocks * rnn_round(U); i < all; i += LANES) store(pre.at + m->order[k] * pre.stride + i, (vec){0});
  product(rows, m->order, h, all - first, in, from_column(w, first), from_column(pre, first), from_column(pre, first));
}

INLINE void forward_with(enum rnn_kind kind, const struct rnn_layer *l, const struct rnn_slice *s) {
  const struct rnn_cell *cell = &rnn_cells[kind];
  const int64_t B = l->size.batch, F = l->size.inputs, U = l->size.units, P = rnn_round(U), rows = s->end - s->begin;
  const struct forward_scratch m = rnnbin_forward_layout(l, rows, s->scratch);
  const struct matrix in = {m.in, rnn_stride(rnn_round(F) + P)}, state = from_column(in, rnn_round(F));
  const struct matrix w = {m.w, rnn_stride(rnn_columns(cell->blocks, U))}, pre = {m.pre, w.stride};
  count_up(m.order, rows);
  count_up(m.columns, F);
  for (int64_t k = 0; k < U; k++) m.columns[F + k] = (int32_t)(rnn_round(F) + k);
  copy_weights(l, w, m.bias);
  for (int64_t r = 0; r < rows; r++) {
    memset(in.at + r * in.stride, 0, (size_t)rnn_round(F) * sizeof(float));
    copy_state(state.at + r * state.stride, l->initial[cell->states - 1], s->begin + r, U);
    if (cell->states > 1) copy_state(m.carry + r * P, l->initial[0], s->begin + r, U);
  }
  for (int64_t i = 0; i < l->size.steps; i++) {
    const int64_t t = time_of(l, i), first = t * B + s->begin, active = rows_at(l, s, t, m.order);
    for (int64_t r = 0; r < rows; r++)
      for (int64_t k = 0; k < F; k++) in.at[r * in.stride + k] = l->x[(first + r) * F + k];
    multiply_in(kind, &l->size, &m, active, in, w, pre);
    for (int64_t k = 0; k < active; k++) {
      const int64_t r = m.order[k];
      cell_forward(kind, &(struct row_forward){
          .units = U, .P = P, .pre = pre.at + r * pre.stride, .bias = m.bias, .state = state.at + r * state.stride,
          .carry = m.carry + r * P, .h = l->h + (first + r) * l->h_stride,
          .saved = l->saved ? saved_row(l, t, s->begin + r) : NULL});
    }
    for (int64_t r = 0; active < rows && r < rows; r++)
      if (!takes_part(l, t, s->begin + r)) memset(l->h + (first + r) * l->h_stride, 0, (size_t)U * sizeof(float));
  }
  for (int64_t r = 0; r < rows; r++) {
    copy_packed(l->last[cell->states - 1] + (s->begin + r) * U, state.at + r * state.stride, U);
    if (cell->states > 1) copy_packed(l->last[0] + (s->begin + r) * U, m.carry + r * P, U);
  }
}

// ---- backward ----

// The rows of x or of h before for the steps from begin to end, as columns of left.
// What takes no part is zeros: nobody knows what lies in x there.
static void copy_left(const struct rnn_layer *l, const struct rnn_slice *s, const struct backward_scratch *m,
                      int64_t begin, int64_t end, int states, float *left) {
  const int64_t B = l->size.batch, F = l->size.inputs;
  int64_t n = 0;
  for (int64_t i = begin; i < end; i++)
    for (int64_t row = s->begin, t = time_of(l, i); row < s->end; row++)
      m->rows[n++] = !takes_part(l, t, row) ? m->zeros : states ? h_before(l, i, row, m->zeros) : l->x + (t * B + row) * F;
  while (n % 16) m->rows[n++] = m->zeros;
  transpose(left, rnn_odd(m->chunk), m->rows, n, states ? l->size.units : F);
}

// What the steps from begin to end add to the gradient of the weights: [x, h before,
// 1] transposed, times the gradient with respect to the pre-activations.
INLINE void add_weight_gradient(enum rnn_kind kind, const struct rnn_layer *l, const struct rnn_slice *s,
                                const struct backward_scratch *m, int64_t begin, int64_t end, int more) {
  const struct rnn_cell *cell = &rnn_cells[kind];
  const int64_t F = l->size.inputs, U = l->size.units, all = rnn_columns(cell->blocks, U), first = cell->h_first * rnn_round(U);
  const int64_t count = (end - begin) * (s->end - s->begin), padded = rnn_round(count);
  const struct matrix left = {m->left, rnn_odd(m->chunk)}, dpre = {m->dpre, rnn_stride(all)};
  const struct matrix sum = {s->gradient, dpre.stride}, none = {NULL, 0}, start = more ? sum : none;
  copy_left(l, s, m, begin, end, 0, left.at);
  copy_left(l, s, m, begin, end, 1, left.at + F * left.stride);
  for (int64_t i = 0; i < padded; i++) left.at[(F + U) * left.stride + i] = i < count;
  const struct columns nonzero = {padded, NULL, m->lists}, steps = {count, m->count, NULL};
  if (first == 0) {
    product(F + U + 1, m->left_order, cell->sparse ? nonzero : steps, all, left, dpre, start, sum);
    return;
  }
  product(F, m->left_order, steps, rnn_columns(cell->x_blocks, U), left, dpre, start, sum);
  product(U, m->left_order + F, steps, all - first, left, from_column(dpre, first), more ? from_column(sum, first) : none,
          from_column(sum, first));
  product(1, m->left_order + F + U, steps, all, left, dpre, start, sum);
}

// The order of the rows of left: x, then the units, then the ones of the bias.
static void order_left(const struct rnn_layer *l, int32_t *order) {
  const int64_t F = l->size.inputs, U = l->size.units;
  count_up(order, F + U + 1);
  if (!rnn_cells[l->kind].sparse) return;
  order_units(order + F, l->h, l->h_stride, l->size.steps * l->size.batch, U);
  for (int64_t k = F; k < F + U; k++) order[k] += (int32_t)F;
}

// to[units of a block, n] = n rows of a variable for this block, transposed.
static void transpose_block(const struct backward_scratch *m, const float *from, int64_t row_length, int64_t n,
                            int64_t units, float *to, int64_t stride) {
  for (int64_t k = 0; k < n; k++) m->rows[k] = from + k * row_length;
  for (int64_t k = n; k < n + 4; k++) m->rows[k] = m->zeros;
  transpose(to, stride, m->rows, (n + 3) / 4 * 4, units);
}

// The weights transposed, the state's part first, for the products that go back.
static struct matrix begin_backward(const struct rnn_layer *l, int64_t rows, const struct backward_scratch *m) {
  const struct rnn_cell *cell = &rnn_cells[l->kind];
  const int64_t F = l->size.inputs, U = l->size.units, P = rnn_round(U), width = l->dx ? P + F : U;
  const struct matrix w = {m->w, rnn_stride(width)};
  count_up(m->order, rows);
  count_up(m->count, m->chunk);
  memset(m->zeros, 0, (size_t)rnn_round(U > F ? U : F) * sizeof(float));
  for (int64_t b = 0; b < cell->blocks; b++) {
    for (int64_t k = 0; k < U; k++) m->columns[b * U + k] = (int32_t)(b * P + k);
    clear_columns(w.at + b * P * w.stride, w.stride, U, U, l->dx ? P : whole(U));
    clear_columns(w.at + b * P * w.stride, w.stride, U, width, whole(width));
  }
  for (int i = 0; i < cell->variables; i++) {
    const struct rnn_variable *v = &cell->variable[i];
    const int64_t length = v->blocks * U;
    for (int64_t b = 0; b < v->blocks; b++) {
      const float *from = l->weights[i] + b * U;
      float *to = w.at + (v->first + b) * P * w.stride;
      if (v->h) transpose_block(m, from + v->x * F * length, length, U, U, to, w.stride);
      if (v->x && l->dx) transpose_block(m, from, length, F, U, to + P, w.stride);
    }
  }
  return w;
}

// back = dpre w, besides what is in back already. A row of back is [dh, dx], each
// padded, so that mostly one product does both.
INLINE void multiply_back(enum rnn_kind kind, const struct rnn_layer *l, const struct backward_scratch *m, int64_t rows,
                          struct matrix dpre, struct matrix w, struct matrix back) {
  const struct rnn_cell *cell = &rnn_cells[kind];
  const int64_t F = l->size.inputs, U = l->size.units, P = rnn_round(U);
  const struct matrix none = {NULL, 0};
  const struct columns nonzero = {whole(U), NULL, m->lists}, all = {cell->blocks * U, m->columns, NULL};
  if (cell->h_first == 0) {
    product(rows, m->order, cell->sparse ? nonzero : all, l->dx ? P + F : U, dpre, w, none, back);
    return;
  }
  const struct columns x = {cell->x_blocks * U, m->columns, NULL};
  const struct columns h = {(cell->blocks - cell->h_first) * U, m->columns + cell->h_first * U, NULL};
  product(rows, m->order, h, U, dpre, w, back, back);
  if (l->dx) product(rows, m->order, x, F, dpre, from_column(w, P), none, from_column(back, P));
}

// One step: the rows of back become the gradients of the step before.
INLINE void step_back(enum rnn_kind kind, const struct rnn_layer *l, const struct rnn_slice *s,
                      const struct backward_scratch *m, int64_t i, struct matrix dpre, struct matrix w, struct matrix back) {
  const struct rnn_cell *cell = &rnn_cells[kind];
  const int64_t F = l->size.inputs, U = l->size.units, P = rnn_round(U), rows = s->end - s->begin;
  const int64_t t = time_of(l, i), first = t * l->size.batch + s->begin, active = rows_at(l, s, t, m->order);
  for (int64_t k = 0; k < active; k++) {
    const int64_t r = m->order[k], row = s->begin + r, at = (first + r) * l->h_stride;
    cell_backward(kind, &(struct row_backward){
        .units = U, .P = P, .h = l->h + at, .dh = l->dh + at, .before = h_before(l, i, row, m->zeros),
        .carry = cell->states > 1 ? carry_before(l, i, row, m->zeros) : NULL, .saved = cell->saved ? saved_row(l, t, row) : NULL,
        .back = back.at + r * back.stride, .dcarry = m->carry + r * P, .dpre = dpre.at + r * dpre.stride});
  }
  multiply_back(kind, l, m, active, dpre, w, back);
  for (int64_t r = 0; r < rows && (l->dx || active < rows); r++) {
    const int takes = takes_part(l, t, s->begin + r);
    if (!takes) memset(dpre.at + r * dpre.stride, 0, (size_t)whole(rnn_columns(cell->blocks, U)) * sizeof(float));
    if (l->dx && takes) copy_packed(l->dx + (first + r) * F, back.at + r * back.stride + P, F);
    if (l->dx && !takes) memset(l->dx + (first + r) * F, 0, (size_t)F * sizeof(float));
  }
}

INLINE void backward_with(enum rnn_kind kind, const struct rnn_layer *l, const struct rnn_slice *s) {
  const struct rnn_cell *cell = &rnn_cells[kind];
  const int64_t T = l->size.steps, F = l->size.inputs, U = l->size.units, P = rnn_round(U), rows = s->end - s->begin;
  const int64_t stride = rnn_stride(rnn_columns(cell->blocks, U));
  const struct backward_scratch m = rnnbin_backward_layout(l, rows, s->scratch);
  const struct matrix w = begin_backward(l, rows, &m), back = {m.back, w.stride};
  order_left(l, m.left_order);
  for (int64_t r = 0; r < rows; r++) {
    copy_state(back.at + r * back.stride, l->dlast[cell->states - 1], s->begin + r, U);
    if (cell->states > 1) copy_state(m.carry + r * P, l->dlast[0], s->begin + r, U);
  }
  if (T == 0) memset(s->gradient, 0, (size_t)((F + U + 1) * stride) * sizeof(float));

  const int64_t steps = m.chunk / rows;
  for (int64_t end = T; end > 0; end -= smaller(steps, end)) {
    const int64_t begin = end > steps ? end - steps : 0;
    for (int64_t i = end - 1; i >= begin; i--)
      step_back(kind, l, s, &m, i, (struct matrix){m.dpre + (i - begin) * rows * stride, stride}, w, back);
    add_weight_gradient(kind, l, s, &m, begin, end, end < T);
  }
  for (int64_t r = 0; r < rows; r++) {
    copy_packed(l->dinitial[cell->states - 1] + (s->begin + r) * U, back.at + r * back.stride, U);
    if (cell->states > 1) copy_packed(l->dinitial[0] + (s->begin + r) * U, m.carry + r * P, U);
  }
}

// The kind as a constant: the loops have no choice inside.
#define OF_KIND(kind)                                                                                              \
  static void forward_##kind(const struct rnn_layer *l, const struct rnn_slice *s) { forward_with(kind, l, s); }   \
  static void backward_##kind(const struct rnn_layer *l, const struct rnn_slice *s) { backward_with(kind, l, s); }
OF_KIND(RNN_RELU)
OF_KIND(RNN_TANH)
OF_KIND(RNN_LSTM)
OF_KIND(RNN_GRU)

static void forward(const struct rnn_layer *l, const struct rnn_slice *s) {
  static void (*const of[RNN_KINDS])(const struct rnn_layer *, const struct rnn_slice *) = {
      forward_RNN_RELU, forward_RNN_TANH, forward_RNN_LSTM, forward_RNN_GRU};
  of[l->kind](l, s);
}

static void backward(const struct rnn_layer *l, const struct rnn_slice *s) {
  static void (*const of[RNN_KINDS])(const struct rnn_layer *, const struct rnn_slice *) = {
      backward_RNN_RELU, backward_RNN_TANH, backward_RNN_LSTM, backward_RNN_GRU};
  of[l->kind](l, s);
}

#endif
