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

// One step and one vector of units: dh of each row, and what the step adds to
// the kernel's gradient, total[o*stride].
INLINE void head_step(const struct rnn_head *p, int64_t t, int64_t at, const int64_t outputs, const float *weights,
                      float *total, int64_t stride) {
  const int64_t B = p->batch, U = p->units, n = smaller(LANES, U - at);
  for (int64_t o = 0; o < outputs; o++) {
    vec part = {0};
    for (int64_t r = t * B; r < (t + 1) * B; r++) {
      const vec term = load_upto(p->h + r * U + at, n);
      const float d = p->dlogits[r * outputs + o];
      // TensorFlow has another product for one column, which does not fuse
      if (outputs == 1)
        part += rounded(term * d);
      else
        part += term * d;
    }
    store(total + o * stride + at, load(total + o * stride + at) + part);
  }
  for (int64_t r = t * B; r < (t + 1) * B; r++) {
    vec g = {0};
    for (int64_t o = 0; o < outputs; o++) g += load(weights + o * stride + at) * p->dlogits[r * outputs + o];
    store_upto(p->dh + r * U + at, g, n);
  }
}

static void head_backward(const struct rnn_head *p, float *scratch) {
  const int64_t U = p->units, O = p->outputs, stride = whole(U);
  float *weights = scratch, *total = scratch + O * stride;
  for (int64_t o = 0; o < O; o++)
    for (int64_t k = 0; k < stride; k++) {
      weights[o * stride + k] = k < U ? p->kernel[k * O + o] : 0;
      total[o * stride + k] = 0;
    }
  for (int64_t t = p->steps - 1; t >= 0; t--)
    for (int64_t at = 0; at < U; at += LANES) switch (O) {
        case 1: head_step(p, t, at, 1, weights, total, stride); break;
        case 2: head_step(p, t, at, 2, weights, total, stride); break;
        default: head_step(p, t, at, O, weights, total, stride);
      }
  for (int64_t o = 0; o < O; o++)
    for (int64_t k = 0; k < U; k++) p->dkernel[k * O + o] = total[o * stride + k];
}

#endif
