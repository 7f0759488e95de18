// Softmax cross-entropy in vectors of one class of as many rows as there are lanes.
// Included by each instruction set.
#ifndef RNNBIN_XENT_H
#define RNNBIN_XENT_H

#include "cell.h"

// exp(x) for x <= 0, relative error 2e-7; 0 below -87.
INLINE vec exp_below(vec x) {
  vec power, p = expm1_reduced(at_least(-87, x), &power);
  return choose(x < -87.f, (vec){0}, p * power + power);
}

// log(v) for finite v > 0 that is no denormal, relative error 2e-7. v = 2^n (1 + f), |f| <= sqrt(2) - 1.
// With s = f / (2 + f), log(1 + f) = 2 atanh(s) = f - s (f - r): f is exact and counts
// most. The series of r to 2 s^10 / 11 leaves 3e-10.
INLINE vec log_positive(vec v) {
  const ivec n = ((ivec)v - 0x3f3504f3) >> 23;  // bits of sqrt(1/2)
  const vec f = (vec)((ivec)v - (n << 23)) - 1, s = f / (f + 2), z = s * s;
  vec r = z * (2.f / 11) + 2.f / 9;
  r = r * z + 2.f / 7;
  r = r * z + 2.f / 5;
  r = r * z + 2.f / 3;
  const vec exponent = (vec)(n + 0x4b400000) - 12582912.f;  // as in expm1_reduced
  return exponent * 0.693359375f + (f - s * (f - r * z) + exponent * -2.12194440e-4f);
}

// to[k*LANES+i] = from[i*classes+k] for n rows; the last stands in for those behind it.
INLINE void turn_rows(float *to, const float *from, int64_t classes, int64_t n) {
  for (int64_t i = 0; i < LANES; i++)
    for (int64_t k = 0; k < classes; k++) to[k * LANES + i] = from[smaller(i, n - 1) * classes + k];
}

// The way back.
INLINE void turn_back(float *to, const float *from, int64_t classes, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t k = 0; k < classes; k++) to[i * classes + k] = from[k * LANES + i];
}

INLINE void turn_labels(float *to, const int32_t *labels, int64_t classes, int64_t n) {
  for (int64_t k = 0; k < classes; k++) store(to + k * LANES, (vec){0});
  for (int64_t i = 0; i < n; i++) to[labels[i] * LANES + i] = 1;
}

// n rows from one on, at most LANES. As in TensorFlow, a target of 0 times an infinite
// loss is not a number, but a label has no part in other classes' losses.
INLINE void xent_rows(const struct rnn_xent *x, int64_t first, int64_t n, int64_t classes) {
  float *z = x->scratch, *y = z + classes * LANES, *e = y + classes * LANES;
  turn_rows(z, x->logits + first * classes, classes, n);
  if (x->targets)
    turn_rows(y, x->targets + first * classes, classes, n);
  else
    turn_labels(y, x->labels + first, classes, n);

  vec most = load(z), sum = {0}, loss = {0};
  for (int64_t k = 1; k < classes; k++) most = choose(load(z + k * LANES) > most, load(z + k * LANES), most);
  for (int64_t k = 0; k < classes; k++) {
    const vec shifted = load(z + k * LANES) - most, power = exp_below(shifted);
    store(z + k * LANES, shifted);
    store(e + k * LANES, power);
    sum += power;
  }
  const vec log_sum = choose(sum >= 1.f, log_positive(sum), sum);
  for (int64_t k = 0; k < classes; k++) {
    const vec target = load(y + k * LANES), own = log_sum - load(z + k * LANES);
    if (x->targets)
      loss += target * own;
    else
      loss += choose(target > 0.f, own, (vec){0});
    store(e + k * LANES, load(e + k * LANES) / sum - target);
  }
  store_upto(x->loss + first, loss, n);
  turn_back(x->gradient + first * classes, e, classes, n);
}

INLINE void xent_of(const struct rnn_xent *x, int64_t classes) {
  int64_t first = 0;
  for (; first + LANES <= x->rows; first += LANES) xent_rows(x, first, LANES, classes);
  if (first < x->rows) xent_rows(x, first, x->rows - first, classes);
}

// Two classes, the most frequent, as a constant: they stay in registers.
static void xent(const struct rnn_xent *x) {
  if (x->classes == 2)
    xent_of(x, 2);
  else
    xent_of(x, x->classes);
}

#endif
