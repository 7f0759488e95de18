#include "norm.h"

enum { LANES = 32, BLOCK = 1024 };

// Squares are added in float32, side by side so that the compiler may use vectors
// without reordering an addition, and a block's sums in float64, which keeps the
// error to that of a block.
static double block_squares(const float *v, int64_t n) {
  float sum[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int k = 0; k < LANES; k++) sum[k] += v[i + k] * v[i + k];
  double total = 0;
  for (int k = 0; k < LANES; k++) total += sum[k];
  for (; i < n; i++) total += (double)v[i] * v[i];
  return total;
}

double norm_squares(const float *values, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; i += BLOCK) total += block_squares(values + i, n - i < BLOCK ? n - i : BLOCK);
  return total;
}
