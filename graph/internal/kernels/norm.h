// The sum of squares. Included by each instruction set.
#ifndef RNNBIN_NORM_H
#define RNNBIN_NORM_H

#include <stdint.h>

enum { NORM_LANES = 32, NORM_BLOCK = 1024 };

// Squares are added in float32, side by side so that the compiler may use vectors
// without reordering an addition, and a block's sums in float64, which keeps the
// error to that of a block.
static double block_squares(const float *v, int64_t n) {
  float sum[NORM_LANES] = {0};
  int64_t i = 0;
  for (; i + NORM_LANES <= n; i += NORM_LANES)
    for (int k = 0; k < NORM_LANES; k++) sum[k] += v[i + k] * v[i + k];
  double total = 0;
  for (int k = 0; k < NORM_LANES; k++) total += sum[k];
  for (; i < n; i++) total += (double)v[i] * v[i];
  return total;
}

// The sum of the squares of n values.
static double squares(const float *values, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; i += NORM_BLOCK) total += block_squares(values + i, n - i < NORM_BLOCK ? n - i : NORM_BLOCK);
  return total;
}

#endif
