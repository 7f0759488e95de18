// AVX-512: vectors of sixteen, 32 registers.
#if defined(__x86_64__)
#include <immintrin.h>

#include "target.h"
TARGET_BEGIN("avx512f,avx2,fma,popcnt")
#define LANES 16
static inline int append_sixteen(int *list, int n, __m512i columns, __m512i bits) {
  __mmask16 mask = _mm512_test_epi32_mask(bits, _mm512_set1_epi32(0x7fffffff));
  _mm512_storeu_si512(list + n, _mm512_maskz_compress_epi32(mask, columns));
  return n + __builtin_popcount(mask);
}
#define LOAD_PART(p, n) _mm512_maskz_loadu_ps((__mmask16)((1 << (n)) - 1), p)
#define STORE_PART(p, v, n) _mm512_mask_storeu_ps(p, (__mmask16)((1 << (n)) - 1), (__m512)(v))
#define APPEND_LANES(list, n, columns, bits) append_sixteen(list, n, (__m512i)(columns), (__m512i)(bits))
#define LEAST(a, b) _mm512_min_ps((__m512)(a), (__m512)(b))
#define GREATEST(a, b) _mm512_max_ps((__m512)(a), (__m512)(b))
#define ROOT(v) ((vec)_mm512_sqrt_ps((__m512)(v)))
#define MULTIPLY_EVEN(a, b) _mm512_mul_epu32((__m512i)(a), (__m512i)(b))
#define WIDEST(rows) ((rows) <= 3 ? 7 : (rows) <= 4 ? 6 : (rows) <= 5 ? 5 : 4)
#define TALLEST(vectors) ((vectors) <= 4 || (vectors) > 7 ? 6 : (vectors) <= 5 ? 5 : (vectors) <= 6 ? 4 : 3)
#define TILES(T) \
  T(1, 1) T(1, 2) T(1, 3) T(1, 4) T(1, 5) T(1, 6) T(1, 7) T(2, 1) T(2, 2) T(2, 3) T(2, 4) T(2, 5) T(2, 6) T(2, 7) \
  T(3, 1) T(3, 2) T(3, 3) T(3, 4) T(3, 5) T(3, 6) T(3, 7) T(4, 1) T(4, 2) T(4, 3) T(4, 4) T(4, 5) T(4, 6) \
  T(5, 1) T(5, 2) T(5, 3) T(5, 4) T(5, 5) T(6, 1) T(6, 2) T(6, 3) T(6, 4)
#include "adam_vec.h"
#include "draw.h"
#include "norm.h"
#include "sequence.h"
#include "xent.h"
TARGET_END

static int available(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const struct rnn_isa rnnbin_avx512 = {"avx512", available, forward, backward, squares, adam, xent, noise, dropout};
#endif
