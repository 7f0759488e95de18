#include "norm.h"

// Eight sums side by side, so that the compiler may use vectors without
// reordering an addition. In float64: squares of float32 cannot overflow there.
double norm_squares(const float *v, int64_t n) {
  double sum[8] = {0};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int k = 0; k < 8; k++) sum[k] += (double)v[i + k] * v[i + k];
  for (; i < n; i++) sum[0] += (double)v[i] * v[i];
  return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}
