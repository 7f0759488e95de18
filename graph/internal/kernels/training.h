// A training step for one slice of the batch, but for the update: forward, the head
// and backward. As one they need no states [T,B,U] and no gradients of them outside
// of scratch memory, and what comes from above is computed where it is used.
#ifndef RNNBIN_TRAINING_H
#define RNNBIN_TRAINING_H

#include "sequence.h"

// Steps are brought to the head together until they have so many rows: enough to
// fill its blocks, and few enough to be in a cache still.
enum { HEAD_ROWS = 256 };

// The head over the rows of some steps, but for its gradients.
static void train_head(const struct rnn_train *f, const struct rnn_slice *s, const struct layer *l,
                       const struct train_scratch *m, int64_t begin, int64_t end) {
  const int64_t O = f->head.outputs, rows = s->end - s->begin;
  head_project(&f->head, f->size.units, (end - begin) * rows, l->h + begin * l->h_step, l->h_row, m->columns,
               m->logits + begin * rows * O);
  head_score(&f->head, f->starts + s->begin, begin, end, rows, m->logits + begin * rows * O,
             m->dlogits + begin * rows * O, s->loss);
}

// Row r of A for step t is [x, h before t]: a step leaves its state in the next
// one's.
INLINE void train_forward(enum rnn_activation activation, const struct rnn_train *f, const struct rnn_slice *s,
                          const struct layer *l, const struct train_scratch *all) {
  const int64_t T = f->size.steps, F = f->size.inputs, U = f->size.units, rows = s->end - s->begin;
  const struct forward_scratch *m = &all->forward;
  const struct forward_steps steps = begin_forward(&f->size, rows, f->kernel, f->bias, m);
  const int64_t stride = l->h_row;
  for (int64_t r = 0; r < rows; r++) copy_state(m->in + r * stride + rnn_round(F), NULL, 0, U);
  *s->loss = 0;
  for (int64_t t = 0, scored = 0; t < T; t++) {
    const struct matrix in = {m->in + t * rows * stride, stride};
    for (int64_t r = 0; r < rows; r++) {
      memset(in.at + r * stride, 0, (size_t)rnn_round(F) * sizeof(float));
      put_input(&steps, in, r, f->x + (f->starts[s->begin + r] + t) * F);
    }
    multiply_forward(&steps, in);
    for (int64_t r = 0; r < rows; r++)
      cell_forward(activation, U, m->pre + r * steps.pre.stride, m->bias, in.at + (rows + r) * stride + rnn_round(F), NULL);
    if ((t + 1 - scored) * rows < HEAD_ROWS && t + 1 < T) continue;
    train_head(f, s, l, all, scored, t + 1);
    scored = t + 1;
  }
}

INLINE void train_backward(enum rnn_activation activation, enum through through, const struct rnn_train *f,
                           const struct rnn_slice *s, const struct layer *l, const struct train_scratch *all) {
  const int64_t T = f->size.steps, U = f->size.units, O = f->head.outputs, rows = s->end - s->begin;
  const int64_t stride = rnn_stride(U), head_stride = rnn_stride(U > O ? U : O);
  const struct backward_scratch m = all->backward;
  const struct matrix w = begin_backward(&f->size, rows, f->kernel, 0, &m), none = {NULL, 0}, back = {m.back, w.stride};
  const struct above a = {all->dlogits, rows * O, O, all->head, stride, O};
  head_weights(&f->head, U, all->head, stride);
  order_left(activation, &f->size, l->h, l->h_row, T * rows, m.left_order);
  for (int64_t r = 0; r < rows; r++) copy_state(back.at + r * back.stride, NULL, 0, U);
  memset(s->head_gradient, 0, (size_t)((O + 1) * head_stride) * sizeof(float));

  const int64_t steps = m.chunk / rows;
  for (int64_t end = T; end > 0; end -= smaller(steps, end)) {
    const int64_t begin = end > steps ? end - steps : 0;
    for (int64_t t = end - 1; t >= begin; t--) {
      const struct matrix dpre = {m.dpre + (t - begin) * rows * stride, stride};
      const float *dlogits = all->dlogits + t * rows * O;
      head_kernel_gradient(rows, l->h + t * l->h_step, l->h_row, U, dlogits, O, s->head_gradient, head_stride);
      head_bias_gradient(rows, O, dlogits, s->head_gradient + O * head_stride);
      cells_backward(activation, through, rows, U, l, &a, t, back, dpre);
      product(rows, m.order, whole(U), U, dpre, w, none, back, m.lists);
    }
    add_weight_gradient(&f->size, l, rows, &m, begin, end, s->gradient, end < T);
  }
}

INLINE void train_with(enum rnn_activation activation, const struct rnn_train *f, const struct rnn_slice *s) {
  const int64_t rows = s->end - s->begin, inputs = rnn_round(f->size.inputs);
  const struct train_scratch m = train_layout(&f->size, f->head.outputs, rows, s->scratch);
  const int64_t row = rnn_stride(inputs + rnn_round(f->size.units)), step = rows * row;
  const struct layer l = {m.forward.in, step, row, m.forward.in + step + inputs, step, row, NULL};
  train_forward(activation, f, s, &l, &m);
  if (f->head.outputs == 2)
    train_backward(activation, TWO, f, s, &l, &m);
  else
    train_backward(activation, ANY, f, s, &l, &m);
}

static void train(const struct rnn_train *f, const struct rnn_slice *s) {
  if (f->activation == RNN_RELU)
    train_with(RNN_RELU, f, s);
  else
    train_with(RNN_TANH, f, s);
}

#endif
