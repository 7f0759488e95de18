// The arithmetic of the cells, apart from the products: for each a function of one
// row forward and one backward.
#ifndef RNNBIN_CELL_H
#define RNNBIN_CELL_H

#include "recurrence.h"
#include "vector.h"

// exp(x) = power (1 + result) for -87 <= x <= 87, relative error 2e-7. x = n ln 2 + r,
// power = 2^n, |r| <= ln 2 / 2; the series to r^7/7! leaves 5e-9.
INLINE vec expm1_reduced(vec x, vec *power) {
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
  *power = (vec)(exponent << 23);
  return p;
}

// Relative error at most 2e-7, three units in the last place.
INLINE vec tanh_vec(vec x) {
  ivec negative = (ivec)x & INT32_MIN;
  const vec size = at_most(10, (vec)((ivec)x & INT32_MAX));
  vec power, p = expm1_reduced(size + size, &power);
  vec e = p * power + (power - 1);
  return (vec)((ivec)(e / (e + 2)) | negative);
}

// 1/(1+exp(-x)), relative error at most 2e-7 from -87 on; below it stays at 2e-38.
INLINE vec sigmoid_vec(vec x) {
  vec power, p = expm1_reduced(-at_least(-87, at_most(87, x)), &power);
  return 1 / (p * power + power + 1);
}

// ---- relu and tanh: h = activation(a) ----

// A NaN stays one.
INLINE vec activate(enum rnn_kind kind, vec a) {
  if (kind == RNN_RELU) return at_least(0, a);
  return tanh_vec(a);
}

// The activation's derivative times g, by the activation's value h. ReLU's is
// zero at zero and where h is NaN, as TensorFlow's.
INLINE vec activation_gradient(enum rnn_kind kind, vec h, vec g) {
  if (kind == RNN_RELU) return choose(h > 0, g, (vec){0});
  return g * (1 - h * h);
}

// One row of a step. Arrays of scratch memory are padded, and so is saved: blocks of
// P floats. The others are packed.
struct row_forward {
  int64_t units, P;
  const float *pre, *bias;  // pre [blocks] are the products; the bias comes last, as in
                            // TensorFlow's cells: so the sums are the same bits
  float *state;             // in: h before, out: h
  float *carry;             // the state that is not h, likewise
  float *h;
  float *saved;             // or NULL
};

struct row_backward {
  int64_t units, P;
  const float *h, *dh;           // of this step; dh is what comes from above
  const float *before, *carry;   // the states before it: h, and the one that is not h
  const float *saved;
  float *back;                   // in: the gradient with respect to h from the steps behind; out: the part
                                 // of the gradient with respect to h before that is no product
  float *dcarry;                 // the gradient with respect to the other state, in and out
  float *dpre;                   // [blocks], the gradient with respect to the pre-activations
};

// The padding must be zeros whatever the row holds, or products would walk it.
INLINE void plain_forward(enum rnn_kind kind, const struct row_forward *r) {
  for (int64_t i = 0; i < r->units; i += LANES) {
    const vec y = activate(kind, load(r->pre + i) + load(r->bias + i));
    store(r->state + i, keep_first(y, r->units - i));
    store_upto(r->h + i, y, r->units - i);
  }
}

INLINE void plain_backward(enum rnn_kind kind, const struct row_backward *r) {
  for (int64_t i = 0; i < r->units; i += LANES) {
    const int64_t n = r->units - i;
    const vec g = load(r->back + i) + load_upto(r->dh + i, n);
    store(r->dpre + i, keep_first(activation_gradient(kind, load_upto(r->h + i, n), g), n));
  }
}

// ---- lstm: c' = c sigmoid(f + 1) + sigmoid(i) tanh(j), h = tanh(c') sigmoid(o), as
// TensorFlow 1's BasicLSTMCell ----

// c first, for all units: what waits for it then has others to wait with.
INLINE void lstm_forward(const struct row_forward *r) {
  const int64_t P = r->P;
  for (int64_t k = 0; k < r->units; k += LANES) {
    const float *pre = r->pre + k, *bias = r->bias + k;
    const vec i = sigmoid_vec(load(pre) + load(bias)), j = tanh_vec(load(pre + P) + load(bias + P));
    const vec f = sigmoid_vec(load(pre + 2 * P) + load(bias + 2 * P) + 1), c = load(r->carry + k) * f + i * j;
    store(r->carry + k, c);
    if (!r->saved) continue;
    float *saved = r->saved + k;
    store(saved, i);
    store(saved + P, j);
    store(saved + 2 * P, f);
    store(saved + 4 * P, c);
  }
  for (int64_t k = 0; k < r->units; k += LANES) {
    const vec o = sigmoid_vec(load(r->pre + 3 * P + k) + load(r->bias + 3 * P + k)), h = tanh_vec(load(r->carry + k)) * o;
    store(r->state + k, h);
    store_upto(r->h + k, h, r->units - k);
    if (r->saved) store(r->saved + 3 * P + k, o);
  }
}

INLINE void lstm_backward(const struct row_backward *r) {
  const int64_t P = r->P;
  for (int64_t k = 0; k < r->units; k += LANES) {
    const int64_t n = r->units - k;
    const float *saved = r->saved + k;
    const vec i = load(saved), j = load(saved + P), f = load(saved + 2 * P), o = load(saved + 3 * P);
    const vec squashed = tanh_vec(load(saved + 4 * P)), dh = load(r->back + k) + load_upto(r->dh + k, n);
    const vec dc = load(r->dcarry + k) + dh * o * (1 - squashed * squashed);
    float *dpre = r->dpre + k;
    store(dpre, dc * j * (i * (1 - i)));
    store(dpre + P, dc * i * (1 - j * j));
    store(dpre + 2 * P, dc * load_upto(r->carry + k, n) * (f * (1 - f)));
    store(dpre + 3 * P, dh * squashed * (o * (1 - o)));
    store(r->dcarry + k, dc * f);
  }
}

// ---- gru: n = tanh(n_x + r n_h), h = (1-u) n + u h, as TensorFlow 1's
// CudnnCompatibleGRUCell ----

INLINE void gru_forward(const struct row_forward *r) {
  const int64_t P = r->P;
  for (int64_t k = 0; k < r->units; k += LANES) {
    const float *pre = r->pre + k, *bias = r->bias + k;
    const vec reset = sigmoid_vec(load(pre + P) + load(bias + P));
    const vec u = sigmoid_vec(load(pre + 2 * P) + load(bias + 2 * P)), nh = load(pre + 3 * P) + load(bias + 3 * P);
    const vec n = tanh_vec(load(pre) + load(bias) + reset * nh), h = (1 - u) * n + u * load(r->state + k);
    store(r->state + k, h);
    store_upto(r->h + k, h, r->units - k);
    if (!r->saved) continue;
    float *saved = r->saved + k;
    store(saved, reset);
    store(saved + P, u);
    store(saved + 2 * P, n);
    store(saved + 3 * P, nh);
  }
}

INLINE void gru_backward(const struct row_backward *r) {
  const int64_t P = r->P;
  for (int64_t k = 0; k < r->units; k += LANES) {
    const int64_t left = r->units - k;
    const float *saved = r->saved + k;
    const vec reset = load(saved), u = load(saved + P), n = load(saved + 2 * P), nh = load(saved + 3 * P);
    const vec dh = load(r->back + k) + load_upto(r->dh + k, left);
    const vec dn = dh * (1 - u) * (1 - n * n);
    float *dpre = r->dpre + k;
    store(dpre, dn);
    store(dpre + P, dn * nh * (reset * (1 - reset)));
    store(dpre + 2 * P, dh * (load_upto(r->before + k, left) - n) * (u * (1 - u)));
    store(dpre + 3 * P, dn * reset);
    store(r->back + k, dh * u);
  }
}

// ---- all of them: the kind is a constant, so that no choice is left ----

INLINE void cell_forward(enum rnn_kind kind, const struct row_forward *r) {
  switch (kind) {
    case RNN_LSTM: lstm_forward(r); break;
    case RNN_GRU: gru_forward(r); break;
    default: plain_forward(kind, r);
  }
}

INLINE void cell_backward(enum rnn_kind kind, const struct row_backward *r) {
  switch (kind) {
    case RNN_LSTM: lstm_backward(r); break;
    case RNN_GRU: gru_backward(r); break;
    default: plain_backward(kind, r);
  }
}

#endif
