// The head's projection, in vectors. Included by each instruction set.
#ifndef RNNBIN_HEAD_VEC_H
#define RNNBIN_HEAD_VEC_H

#include "head.h"
#include "vector.h"

// A product that is rounded before it is added: the compiler may not fuse what it
// cannot see through.
INLINE vec rounded(vec product) {
#if defined(__AVX512F__)
  __asm__("" : "+v"(product));
#elif defined(__x86_64__)
  __asm__("" : "+x"(product));
#elif defined(__aarch64__)
  __asm__("" : "+w"(product));
#endif
  return product;
}

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

static void head_project(const struct rnn_head *p, float *scratch) {
  const int64_t n = p->steps * p->batch, U = p->units, O = p->outputs;
  for (int64_t first = 0; first < n; first += HEAD_BLOCK) {
    const int64_t count = smaller(HEAD_BLOCK, n - first);
    const float *rows[HEAD_BLOCK];
    for (int64_t r = 0; r < HEAD_BLOCK; r++) rows[r] = p->h + (first + smaller(r, count - 1)) * U;
    transpose(scratch, HEAD_BLOCK, rows, HEAD_BLOCK, U);
    for (int64_t o = 0; o < O; o += 2) {
      vec sum[2][2];
      const int64_t pair = smaller(2, O - o);
      if (pair == 2)
        project_block(scratch, U, O, p->kernel + o, 2, sum);
      else
        project_block(scratch, U, O, p->kernel + o, 1, sum);
      for (int64_t r = 0; r < count; r++)
        for (int64_t i = 0; i < pair; i++)
          p->logits[(first + r) * O + o + i] = sum[i][r / LANES][r % LANES] + p->bias[o + i];
    }
  }
}

// Vectors of units that go back side by side.
enum { HEAD_WIDTH = LANES == 16 ? 4 : 2 };

// Through all steps for count (1 or 2) outputs from o on and for n units from at
// on: width vectors, or part of a single one. Adds to dh unless these are the first
// outputs; leaves the kernel's gradient in total [count, stride].
INLINE void head_columns(const struct rnn_head *p, int64_t o, const int first, const int count, int64_t at,
                         const int width, int64_t n, const float *weights, float *total, int64_t stride) {
  const int64_t B = p->batch, U = p->units, O = p->outputs;
  vec w[2][HEAD_WIDTH], sum[2][HEAD_WIDTH];
  UNROLL
  for (int i = 0; i < count; i++)
    UNROLL
    for (int v = 0; v < width; v++) {
      w[i][v] = load(weights + i * stride + at + v * LANES);
      sum[i][v] = (vec){0};
    }
  for (int64_t t = p->steps - 1; t >= 0; t--) {
    vec part[2][HEAD_WIDTH] = {{{0}}};
    for (int64_t r = t * B; r < (t + 1) * B; r++) {
      const float *h = p->h + r * U + at, *d = p->dlogits + r * O + o;
      float *dh = p->dh + r * U + at;
      UNROLL
      for (int v = 0; v < width; v++) {
        const vec row = load_upto(h + v * LANES, n - v * LANES);
        vec g = first ? (vec){0} : load_upto(dh + v * LANES, n - v * LANES);
        UNROLL
        for (int i = 0; i < count; i++) {
          // TensorFlow has another product for one column, which does not fuse
          if (first && count == 1)
            part[i][v] += rounded(row * d[i]);
          else
            part[i][v] += row * d[i];
          g += w[i][v] * d[i];
        }
        store_upto(dh + v * LANES, g, n - v * LANES);
      }
    }
    UNROLL
    for (int i = 0; i < count; i++)
      UNROLL
      for (int v = 0; v < width; v++) sum[i][v] += part[i][v];
  }
  UNROLL
  for (int i = 0; i < count; i++)
    UNROLL
    for (int v = 0; v < width; v++) store(total + i * stride + at + v * LANES, sum[i][v]);
}

INLINE void head_outputs(const struct rnn_head *p, int64_t o, const int first, const int count, float *scratch) {
  const int64_t U = p->units, O = p->outputs, stride = whole(U);
  float *weights = scratch, *total = scratch + 2 * stride;
  for (int64_t i = 0; i < count; i++)
    for (int64_t k = 0; k < stride; k++) weights[i * stride + k] = k < U ? p->kernel[k * O + o + i] : 0;
  int64_t at = 0;
  for (; at + HEAD_WIDTH * LANES <= U; at += HEAD_WIDTH * LANES)
    head_columns(p, o, first, count, at, HEAD_WIDTH, HEAD_WIDTH * LANES, weights, total, stride);
  for (; at < U; at += LANES) head_columns(p, o, first, count, at, 1, U - at, weights, total, stride);
  for (int64_t i = 0; i < count; i++)
    for (int64_t k = 0; k < U; k++) p->dkernel[k * O + o + i] = total[i * stride + k];
}

static void head_backward(const struct rnn_head *p, float *scratch) {
  if (p->outputs == 1) {
    head_outputs(p, 0, 1, 1, scratch);
    return;
  }
  head_outputs(p, 0, 1, 2, scratch);
  int64_t o = 2;
  for (; o + 2 <= p->outputs; o += 2) head_outputs(p, o, 0, 2, scratch);
  if (o < p->outputs) head_outputs(p, o, 0, 1, scratch);
}

#endif
