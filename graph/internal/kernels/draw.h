// Random numbers in vectors: TensorFlow's StatelessRandomUniform and StatelessRandomNormal.
// Included by each instruction set, which may define MULTIPLY_EVEN, the products of the
// even lanes of two vectors of 32 bits, as 64 bits each.
#ifndef RNNBIN_DRAW_H
#define RNNBIN_DRAW_H

#include "xent.h"

typedef uint32_t uvec __attribute__((vector_size(LANES * 4), may_alias));
typedef uint64_t wide __attribute__((vector_size(LANES * 4), may_alias));

#if !defined(MULTIPLY_EVEN)
#define MULTIPLY_EVEN(a, b) (((a) & UINT32_MAX) * (b))
#endif

INLINE void multiply(uvec a, uint32_t by, uvec *high, uvec *low) {
  const wide b = (wide){0} + by, lower = (wide){0} + UINT32_MAX;
  const wide even = (wide)MULTIPLY_EVEN((wide)a, b), odd = (wide)MULTIPLY_EVEN((wide)a >> 32, b);
  *high = (uvec)((even >> 32) | (odd & ~lower));
  *low = (uvec)((even & lower) | (odd << 32));
}

// Philox4x32-10 (Salmon and others, Parallel Random Numbers: As Easy as 1, 2, 3, 2011) of
// as many counters as there are lanes.
INLINE void philox(uint32_t key0, uint32_t key1, uvec c[4]) {
  uvec k0 = (uvec){0} + key0, k1 = (uvec){0} + key1;
  for (int round = 0; round < 10; round++) {
    uvec high0, low0, high2, low2;
    multiply(c[0], 0xd2511f53, &high0, &low0);
    multiply(c[2], 0xcd9e8d57, &high2, &low2);
    c[0] = high2 ^ c[1] ^ k0;
    c[1] = low2;
    c[2] = high0 ^ c[3] ^ k1;
    c[3] = low0;
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
}

// A multiple of 2^-23 in [0, 1) from 23 bits.
INLINE vec unit(uvec bits) { return (vec)((bits & 0x7fffff) | 0x3f800000) - 1; }

// The sine and the cosine of 2 pi turn, 0 <= turn < 1, errors at most 2e-7. The quarter
// turns that are taken off are exact; of the series, to the ninth power of at most pi/4, the
// next term of the sine is 2e-9 and that of the cosine 3e-8.
INLINE void sine_cosine(vec turn, vec *sine, vec *cosine) {
  const float magic = 12582912.f;  // as in expm1_reduced
  const vec quarters = turn * 4 + magic, a = (turn - (quarters - magic) * .25f) * 6.28318531f, z = a * a;
  vec s = z * (1.f / 362880) - 1.f / 5040;
  s = s * z + 1.f / 120;
  s = s * z - 1.f / 6;
  s = s * z * a + a;
  vec c = z * (1.f / 40320) - 1.f / 720;
  c = c * z + 1.f / 24;
  c = c * z - .5f;
  c = c * z + 1;
  const ivec n = (ivec)quarters, odd = -(n & 1);
  *sine = (vec)((ivec)choose(odd, c, s) ^ ((n & 2) << 30));
  *cosine = (vec)((ivec)choose(odd, s, c) ^ (((n + 1) & 2) << 30));
}

// Two normal numbers from two in [0, 1) (Box and Muller, A Note on the Generation of Random
// Normal Deviates, 1958).
INLINE void box_muller(vec *a, vec *b) {
  const vec radius = ROOT(log_positive(at_least(1e-7f, *a)) * -2);
  vec sine, cosine;
  sine_cosine(*b, &sine, &cosine);
  *a = radius * sine;
  *b = radius * cosine;
}

enum { DRAWN = 4 * LANES };

// Numbers first to first+DRAWN-1 of a draw, first a multiple of DRAWN. The upper half of
// mixed counts on from the seeds, the lower is Philox's key.
INLINE void draw_block(const uint32_t mixed[4], int64_t first, int normal, float *to) {
  const uint64_t counter = (uint64_t)first / 4;
  uvec c[4] = {(uvec)lane_numbers() + (uint32_t)counter, (uvec){0} + (uint32_t)(counter >> 32), (uvec){0} + mixed[2], (uvec){0} + mixed[3]};
  philox(mixed[0], mixed[1], c);
  vec v[4];
  for (int i = 0; i < 4; i++) v[i] = unit(c[i]);
  for (int i = 0; i < 4 && normal; i += 2) box_muller(&v[i], &v[i + 1]);
  const float *const rows[] = {(float *)&v[0], (float *)&v[1], (float *)&v[2], (float *)&v[3]};
  for (int64_t j = 0; j < LANES; j += 4) transpose_four(to + 4 * j, 4, rows, j);  // a counter's four numbers side by side
}

// What TensorFlow makes of two seeds, so that any are good ones.
INLINE void mix_seeds(const int64_t seeds[2], uint32_t mixed[4]) {
  uvec c[4];
  for (int i = 0; i < 4; i++) c[i] = (uvec){0} + (uint32_t)((uint64_t)seeds[i / 2] >> 32 * (i % 2));
  philox(0x3ec8f720, 0x02461e29, c);
  for (int i = 0; i < 4; i++) mixed[i] = c[i][0];
}

INLINE void draw_of(const struct rnn_draw *d, int normal, int64_t n, const float *x, float *y) {
  uint32_t mixed[4];
  mix_seeds(d->seeds, mixed);
  _Alignas(64) float drawn[DRAWN];
  for (int64_t first = 0; first < n; first += DRAWN) {
    draw_block(mixed, first, normal, drawn);
    for (int64_t i = first; i < smaller(n, first + DRAWN); i += LANES) {
      const vec v = load(drawn + i - first), from = load_upto(x + i, n - i);
      store_upto(y + i, normal ? from + v * d->size : from * choose(v >= d->rate, (vec){0} + d->size, (vec){0}), n - i);
    }
  }
}

// y = x + size * normal numbers.
static void noise(const struct rnn_draw *d, int64_t n, const float *x, float *y) { draw_of(d, 1, n, x, y); }

// y = size * x where a number in [0, 1) is at least rate, else 0 * x.
static void dropout(const struct rnn_draw *d, int64_t n, const float *x, float *y) { draw_of(d, 0, n, x, y); }

#endif
