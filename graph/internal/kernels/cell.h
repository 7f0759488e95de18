// The arithmetic of the plain RNN cell, apart from the products.
//
// The products know nothing of cells. A cell of several gates widens the
// pre-activations to one padded block of columns a gate, and adds its functions
// here.
#ifndef RNNBIN_CELL_H
#define RNNBIN_CELL_H

#include "recurrence.h"
#include "vector.h"

// exp(x)-1 for 0 <= x <= 20, relative error 2e-7. x = n ln 2 + r, |r| <= ln 2 / 2;
// the series to r^7/7! leaves 5e-9.
INLINE vec expm1_positive(vec x) {
  const float magic = 12582912.f;  // 1.5 * 2^23: adding it rounds to an integer
  vec rounded = x * 1.44269504f + magic;
  vec n = rounded - magic;
  // ln 2 in two parts, the first with so few digits that its products are exact
  vec r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  vec p = r * (1.f / 5040) + 1.f / 720;
  p = p * r + 1.f / 120;
  p = p * r + 1.f / 24;
  p = p * r + 1.f / 6;
  p = p * r + .5f;
  p = p * r * r + r;
  ivec exponent = (ivec)rounded - 0x4b400000 + 127;
  vec power = (vec)(exponent << 23);
  return p * power + (power - 1);
}

INLINE vec tanh_vec(vec x) {
  ivec negative = (ivec)x & INT32_MIN;
  vec size = (vec)((ivec)x & INT32_MAX);
  size = choose(size > 10, (vec){0} + 10, size);
  vec e = expm1_positive(size + size);
  return (vec)((ivec)(e / (e + 2)) | negative);
}

// A NaN stays one.
INLINE vec activate(enum rnn_activation activation, vec a) {
  if (activation == RNN_RELU) return choose(a < 0, (vec){0}, a);
  return tanh_vec(a);
}

// The activation's derivative times g, by the activation's value h. ReLU's is
// zero at zero and where h is NaN, as TensorFlow's.
INLINE vec activation_gradient(enum rnn_activation activation, vec h, vec g) {
  if (activation == RNN_RELU) return choose(h > 0, g, (vec){0});
  return g * (1 - h * h);
}

// One row: products [U] and bias [U] -> state [U] (padded) and h [U] (packed). The
// padding must be zeros whatever the row holds, or products would walk it. The bias
// comes last, as in TensorFlow's BasicRNNCell: so the sums are the same bits.
INLINE void cell_forward(enum rnn_activation activation, int64_t units, const float *pre, const float *bias,
                         float *state, float *h) {
  for (int64_t i = 0; i < units; i += LANES) {
    const vec y = activate(activation, load(pre + i) + load(bias + i));
    store(state + i, keep_first(y, units - i));
    store_upto(h + i, y, units - i);
  }
}

// One row: the gradient with respect to h is what the next step sends back, back [U]
// (padded), plus what comes from above, dh [U]. Leaves the gradient with respect to
// the pre-activations in dpre (padded).
INLINE void cell_backward(enum rnn_activation activation, int64_t units, const float *h, const float *dh,
                          const float *back, float *dpre) {
  for (int64_t i = 0; i < units; i += LANES) {
    const vec g = load(back + i) + load_upto(dh + i, units - i);
    store(dpre + i, keep_first(activation_gradient(activation, load_upto(h + i, units - i), g), units - i));
  }
}

#endif
