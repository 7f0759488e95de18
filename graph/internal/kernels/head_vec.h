// The head's projection, in vectors. Included by each instruction set.
#ifndef RNNBIN_HEAD_VEC_H
#define RNNBIN_HEAD_VEC_H

#include "head.h"
#include "vector.h"

enum { HEAD_BLOCK = 2 * LANES }; // rows that are projected side by side

// Two vectors of rows, [U, HEAD_BLOCK] transposed, by the weights of count (1 or
// 2) outputs: so many sums side by side hide the time that each addition takes.
INLINE void project_block(const float *columns, int64_t units, int64_t outputs, const float *weights, const int count,
                          vec sum[2][2]) {
  vec s[2][2] = {{{0}}};
  for (int64_t k = 0; k < units; k++)
#pragma GCC unroll 2
    for (int o = 0; o < count; o++) {
      const float w = weights[k * outputs + o];
      s[o][0] += load(columns + k * HEAD_BLOCK) * w;
      s[o][1] += load(columns + k * HEAD_BLOCK + LANES) * w;
    }
  memcpy(sum, s, sizeof s);
}

// logits [n,O] of n rows of h, which are stride apart. Columns is memory for
// [U, HEAD_BLOCK].
static void head_project(const struct rnn_head *p, int64_t units, int64_t n, const float *h, int64_t stride,
                         float *columns, float *logits) {
  const int64_t O = p->outputs;
  for (int64_t first = 0; first < n; first += HEAD_BLOCK) {
    const int64_t count = smaller(HEAD_BLOCK, n - first);
    const float *rows[HEAD_BLOCK];
    for (int64_t r = 0; r < HEAD_BLOCK; r++) rows[r] = h + (first + smaller(r, count - 1)) * stride;
    transpose(columns, HEAD_BLOCK, rows, HEAD_BLOCK, units);
    for (int64_t o = 0; o < O; o += 2) {
      vec sum[2][2];
      const int64_t pair = smaller(2, O - o);
      if (pair == 2)
        project_block(columns, units, O, p->kernel + o, 2, sum);
      else
        project_block(columns, units, O, p->kernel + o, 1, sum);
      for (int64_t r = 0; r < count; r++)
        for (int64_t i = 0; i < pair; i++)
          logits[(first + r) * O + o + i] = sum[i][r / LANES][r % LANES] + p->bias[o + i];
    }
  }
}

// The projection's kernel [O, stride], transposed and padded with zeros.
static void head_weights(const struct rnn_head *p, int64_t units, float *weights, int64_t stride) {
  for (int64_t o = 0; o < p->outputs; o++)
    for (int64_t k = 0; k < stride; k++) weights[o * stride + k] = k < units ? p->kernel[k * p->outputs + o] : 0;
}

// What the loss sends back into a row of the layer, one vector of units from at
// on: the row of dlogits [O] by the weights [O, stride].
INLINE vec head_gradient(const float *weights, int64_t stride, int64_t at, const int64_t outputs, const float *dlogits) {
  vec g = {0};
  for (int64_t o = 0; o < outputs; o++) g += load(weights + o * stride + at) * dlogits[o];
  return g;
}

// Vectors of units whose gradients are summed side by side.
enum { HEAD_WIDTH = LANES == 16 ? 4 : 2 };

// Adds rows of h by dlogits [rows,O] to the kernel's gradient [O, stride], for
// count (1 or 2) outputs from o on and width vectors of units from at on.
INLINE void head_columns(int64_t rows, const float *h, int64_t h_stride, const float *dlogits, int64_t outputs, int64_t o,
                         const int count, int64_t at, const int width, float *gradient, int64_t stride) {
  vec part[2][HEAD_WIDTH] = {{{0}}};
  for (int64_t r = 0; r < rows; r++) {
    const float *d = dlogits + r * outputs + o;
    UNROLL
    for (int v = 0; v < width; v++) {
      const vec row = load(h + r * h_stride + at + v * LANES);
      UNROLL
      for (int i = 0; i < count; i++)
        // TensorFlow has another product for one column, which does not fuse
        if (count == 1)
          part[i][v] += rounded(row * d[i]);
        else
          part[i][v] += row * d[i];
    }
  }
  UNROLL
  for (int i = 0; i < count; i++)
    UNROLL
    for (int v = 0; v < width; v++) {
      float *to = gradient + (o + i) * stride + at + v * LANES;
      store(to, load(to) + part[i][v]);
    }
}

INLINE void head_outputs(int64_t rows, const float *h, int64_t h_stride, int64_t units, const float *dlogits,
                         int64_t outputs, int64_t o, const int count, float *gradient, int64_t stride) {
  int64_t at = 0;
  for (; at + HEAD_WIDTH * LANES <= units; at += HEAD_WIDTH * LANES)
    head_columns(rows, h, h_stride, dlogits, outputs, o, count, at, HEAD_WIDTH, gradient, stride);
  for (; at < units; at += LANES) head_columns(rows, h, h_stride, dlogits, outputs, o, count, at, 1, gradient, stride);
}

// Adds a step's rows of h (padded) by dlogits [rows,O] to the kernel's gradient
// [O, stride].
static void head_kernel_gradient(int64_t rows, const float *h, int64_t h_stride, int64_t units, const float *dlogits,
                                 int64_t outputs, float *gradient, int64_t stride) {
  int64_t o = 0;
  for (; o + 2 <= outputs; o += 2)
    head_outputs(rows, h, h_stride, units, dlogits, outputs, o, 2, gradient, stride);
  if (o < outputs) head_outputs(rows, h, h_stride, units, dlogits, outputs, o, 1, gradient, stride);
}

#endif
