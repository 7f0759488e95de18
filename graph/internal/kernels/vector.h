// Vectors of LANES floats, by the compiler's vector types: one source for every
// instruction set. The including file defines LANES.
#ifndef RNNBIN_VECTOR_H
#define RNNBIN_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(LANES * 4), may_alias));
typedef int32_t ivec __attribute__((vector_size(LANES * 4), may_alias));
typedef float vec_unaligned __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef float vec4 __attribute__((vector_size(16), may_alias));
typedef float vec4_unaligned __attribute__((vector_size(16), aligned(4), may_alias));

INLINE vec load(const float *p) { return *(const vec_unaligned *)p; }
INLINE void store(float *p, vec v) { *(vec_unaligned *)p = v; }

// The first n lanes; the others are zero.
INLINE vec load_part(const float *p, int64_t n) {
  vec v = {0};
  memcpy(&v, p, n * sizeof *p);
  return v;
}

INLINE void store_part(float *p, vec v, int64_t n) { memcpy(p, &v, n * sizeof *p); }

INLINE vec load_upto(const float *p, int64_t n) { return n >= LANES ? load(p) : load_part(p, n); }
INLINE void store_upto(float *p, vec v, int64_t n) {
  if (n >= LANES)
    store(p, v);
  else
    store_part(p, v, n);
}

// yes where mask is all ones, no where it is zero.
INLINE vec choose(ivec mask, vec yes, vec no) {
  return (vec)((mask & (ivec)yes) | (~mask & (ivec)no));
}

// v with zeros behind the first n lanes.
INLINE vec keep_first(vec v, int64_t n) {
  if (n >= LANES) return v;
  ivec lane;
  for (int i = 0; i < LANES; i++) lane[i] = i;
  return choose(lane < (int32_t)n, v, (vec){0});
}

INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// n floats from a packed row to a padded one; the padding up to rnn_round(n)
// becomes zero.
static void copy_padded(float *to, const float *from, int64_t n) {
  int64_t i = 0;
  for (; i < n; i += LANES) store(to + i, load_upto(from + i, n - i));
  for (; i < rnn_round(n); i += LANES) store(to + i, (vec){0});
}

static void copy_packed(float *to, const float *from, int64_t n) {
  for (int64_t i = 0; i < n; i += LANES) store_upto(to + i, load(from + i), n - i);
}

static void clear(float *to, int64_t n) { memset(to, 0, n * sizeof *to); }

// to[j*stride+i] = rows[i][j] for i < count (a multiple of four) and j < n.
static void transpose(float *to, int64_t stride, const float *const *rows, int64_t count, int64_t n) {
  for (int64_t i = 0; i < count; i += 4) {
    const float *r0 = rows[i], *r1 = rows[i + 1], *r2 = rows[i + 2], *r3 = rows[i + 3];
    float *column = to + i;
    int64_t j = 0;
    for (; j + 4 <= n; j += 4, column += 4 * stride) {
      vec4 a = *(const vec4_unaligned *)(r0 + j), b = *(const vec4_unaligned *)(r1 + j);
      vec4 c = *(const vec4_unaligned *)(r2 + j), d = *(const vec4_unaligned *)(r3 + j);
      vec4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
      vec4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
      *(vec4 *)column = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
      *(vec4 *)(column + stride) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
      *(vec4 *)(column + 2 * stride) = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
      *(vec4 *)(column + 3 * stride) = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
    }
    for (; j < n; j++, column += stride) {
      *(vec4 *)column = (vec4){r0[j], r1[j], r2[j], r3[j]};
    }
  }
}

#endif
