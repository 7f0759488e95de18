// Vectors of LANES floats, by the compiler's vector types: one source for every
// instruction set. The including file defines LANES.
#ifndef RNNBIN_VECTOR_H
#define RNNBIN_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// A product and the sum that it goes into are rounded once, where the processor can.
#if defined(__clang__)
#pragma clang fp contract(fast)
#else
#pragma GCC optimize("fp-contract=fast")
#endif

#define INLINE static inline __attribute__((always_inline))

// Before a loop of a few constant rounds: leave no loop.
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef float vec __attribute__((vector_size(LANES * 4), may_alias));
typedef int32_t ivec __attribute__((vector_size(LANES * 4), may_alias));
typedef float vec_unaligned __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t ivec_unaligned __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef float vec4 __attribute__((vector_size(16), may_alias));
typedef float vec4_unaligned __attribute__((vector_size(16), aligned(4), may_alias));

INLINE vec load(const float *p) { return *(const vec_unaligned *)p; }
INLINE ivec load_bits(const float *p) { return *(const ivec_unaligned *)p; }
INLINE void store(float *p, vec v) { *(vec_unaligned *)p = v; }

// The first n < LANES lanes; the others are zero, or stay as they are in memory.
// An instruction set with masks defines LOAD_PART and STORE_PART.
#if defined(LOAD_PART)
INLINE vec load_part(const float *p, int64_t n) { return (vec)LOAD_PART(p, n); }
INLINE void store_part(float *p, vec v, int64_t n) { STORE_PART(p, v, n); }
#else
INLINE vec load_part(const float *p, int64_t n) {
  vec v = {0};
  for (int64_t i = 0; i < n; i++) v[i] = p[i];
  return v;
}
INLINE void store_part(float *p, vec v, int64_t n) {
  for (int64_t i = 0; i < n; i++) p[i] = v[i];
}
#endif

INLINE vec load_upto(const float *p, int64_t n) { return n >= LANES ? load(p) : load_part(p, n); }
INLINE void store_upto(float *p, vec v, int64_t n) {
  if (n >= LANES)
    store(p, v);
  else
    store_part(p, v, n);
}

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

// yes where mask is all ones, no where it is zero.
INLINE vec choose(ivec mask, vec yes, vec no) {
  return (vec)((mask & (ivec)yes) | (~mask & (ivec)no));
}

// The smaller or the larger of the two; v where that is a NaN. An instruction set with
// an instruction for each defines LEAST and GREATEST.
#if defined(LEAST)
INLINE vec at_most(float limit, vec v) { return (vec)LEAST((vec){0} + limit, v); }
INLINE vec at_least(float limit, vec v) { return (vec)GREATEST((vec){0} + limit, v); }
#else
INLINE vec at_most(float limit, vec v) { return choose(v > limit, (vec){0} + limit, v); }
INLINE vec at_least(float limit, vec v) { return choose(v < limit, (vec){0} + limit, v); }
#endif

// Adds to list[n...] the columns of the lanes whose bits are not those of 0 or
// -0, in order and without a branch (it would be mispredicted every second
// time); returns the new n. May write anything to LANES entries behind it.
#if !defined(APPEND_LANES)
INLINE int append_lanes(int32_t *list, int n, ivec columns, ivec bits) {
  for (int lane = 0; lane < LANES; lane++) {
    list[n] = columns[lane];
    n += (bits[lane] & INT32_MAX) != 0;
  }
  return n;
}
#else
INLINE int append_lanes(int32_t *list, int n, ivec columns, ivec bits) {
  return APPEND_LANES(list, n, columns, bits);
}
#endif

INLINE ivec lane_numbers(void) {
  ivec v;
  for (int lane = 0; lane < LANES; lane++) v[lane] = lane;
  return v;
}

// v with zeros behind the first n lanes.
INLINE vec keep_first(vec v, int64_t n) {
  return n >= LANES ? v : choose(lane_numbers() < (int32_t)n, v, (vec){0});
}

INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// n rounded up to whole vectors.
INLINE int64_t whole(int64_t n) { return (n + LANES - 1) / LANES * LANES; }

// n floats from a packed row to a padded one, with zeros up to whole(n).
static void copy_padded(float *to, const float *from, int64_t n) {
  for (int64_t i = 0; i < n; i += LANES) store(to + i, load_upto(from + i, n - i));
}

static void copy_packed(float *to, const float *from, int64_t n) {
  for (int64_t i = 0; i < n; i += LANES) store_upto(to + i, load(from + i), n - i);
}

// Zeros in columns from n to end, whole vectors, of each row; columns of the
// vector that n falls into go with them.
static void clear_columns(float *at, int64_t stride, int64_t rows, int64_t n, int64_t end) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = n / LANES * LANES; i < end; i += LANES) store(at + r * stride + i, (vec){0});
}

// to[j*stride+i] = rows[i][j] for four i and four j.
INLINE void transpose_four(float *to, int64_t stride, const float *const *rows, int64_t j) {
  vec4 a = *(const vec4_unaligned *)(rows[0] + j), b = *(const vec4_unaligned *)(rows[1] + j);
  vec4 c = *(const vec4_unaligned *)(rows[2] + j), d = *(const vec4_unaligned *)(rows[3] + j);
  vec4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  vec4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  *(vec4 *)to = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  *(vec4 *)(to + stride) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  *(vec4 *)(to + 2 * stride) = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
  *(vec4 *)(to + 3 * stride) = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
}

#if LANES == 16
// The lanes of the lower or the upper halves of two vectors, in turns.
#define WEAVE_LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define WEAVE_HIGH(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

// The same for sixteen: weaving the first half of the rows with the second four
// times over transposes them.
INLINE void transpose_square(float *to, int64_t stride, const float *const *rows, int64_t j) {
  vec a[16], b[16];
  UNROLL
  for (int i = 0; i < 16; i++) a[i] = load(rows[i] + j);
  UNROLL
  for (int round = 0; round < 4; round++) {
    UNROLL
    for (int i = 0; i < 8; i++) {
      b[2 * i] = WEAVE_LOW(a[i], a[i + 8]);
      b[2 * i + 1] = WEAVE_HIGH(a[i], a[i + 8]);
    }
    UNROLL
    for (int i = 0; i < 16; i++) a[i] = b[i];
  }
  UNROLL
  for (int i = 0; i < 16; i++) store(to + i * stride, a[i]);
}
#else
INLINE void transpose_square(float *to, int64_t stride, const float *const *rows, int64_t j) {
  for (int i = 0; i < 16; i += 4)
    for (int k = 0; k < 16; k += 4) transpose_four(to + k * stride + i, stride, rows + i, j + k);
}
#endif

// to[j*stride+i] = rows[i][j] for i < count (a multiple of four) and j < n, in
// squares that fill whole cache lines on both sides.
static void transpose(float *to, int64_t stride, const float *const *rows, int64_t count, int64_t n) {
  for (int64_t i0 = 0; i0 < count; i0 += 16)
    for (int64_t j0 = 0; j0 < n; j0 += 16) {
      if (i0 + 16 <= count && j0 + 16 <= n) {
        transpose_square(to + j0 * stride + i0, stride, rows + i0, j0);
        continue;
      }
      for (int64_t i = i0; i < smaller(i0 + 16, count); i += 4) {
        int64_t j = j0;
        for (; j + 4 <= smaller(j0 + 16, n); j += 4) transpose_four(to + j * stride + i, stride, rows + i, j);
        for (; j < smaller(j0 + 16, n); j++)
          *(vec4 *)(to + j * stride + i) = (vec4){rows[i][j], rows[i + 1][j], rows[i + 2][j], rows[i + 3][j]};
      }
    }
}

#endif
