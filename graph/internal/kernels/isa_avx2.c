// AVX2 with FMA: vectors of eight, 16 registers.
#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>

#include "target.h"

// For each mask of eight lanes the numbers of those in it, in order, a byte each.
static uint64_t lanes_in[256];

__attribute__((constructor)) static void list_lanes(void) {
  for (int mask = 0; mask < 256; mask++)
    for (int lane = 7; lane >= 0; lane--)
      if (mask >> lane & 1) lanes_in[mask] = lanes_in[mask] << 8 | (uint64_t)lane;
}

TARGET_BEGIN("avx2,fma,popcnt")
#define LANES 8
static inline int append_eight(int *list, int n, __m256i columns, __m256i bits) {
  __m256i zero = _mm256_cmpeq_epi32(_mm256_slli_epi32(bits, 1), _mm256_setzero_si256());
  int mask = ~_mm256_movemask_ps(_mm256_castsi256_ps(zero)) & 0xff;
  __m256i lanes = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)lanes_in[mask]));
  _mm256_storeu_si256((__m256i *)(list + n), _mm256_permutevar8x32_epi32(columns, lanes));
  return n + __builtin_popcount(mask);
}
#define APPEND_LANES(list, n, columns, bits) append_eight(list, n, (__m256i)(columns), (__m256i)(bits))
#define LEAST(a, b) _mm256_min_ps((__m256)(a), (__m256)(b))
#define GREATEST(a, b) _mm256_max_ps((__m256)(a), (__m256)(b))
#define ROOT(v) ((vec)_mm256_sqrt_ps((__m256)(v)))
#define MULTIPLY_EVEN(a, b) _mm256_mul_epu32((__m256i)(a), (__m256i)(b))
#define WIDEST(rows) ((rows) <= 1 ? 8 : (rows) <= 2 ? 6 : (rows) <= 4 ? 3 : 2)
#define TALLEST(vectors) ((vectors) <= 2 ? 6 : 4)
#define TILES(T) \
  T(1, 1) T(1, 2) T(1, 3) T(1, 4) T(1, 5) T(1, 6) T(1, 7) T(1, 8) \
  T(2, 1) T(2, 2) T(2, 3) T(2, 4) T(2, 5) T(2, 6) T(3, 1) T(3, 2) T(3, 3) \
  T(4, 1) T(4, 2) T(4, 3) T(5, 1) T(5, 2) T(6, 1) T(6, 2)
#include "adam_vec.h"
#include "draw.h"
#include "norm.h"
#include "sequence.h"
#include "xent.h"
TARGET_END

static int available(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

const struct rnn_isa rnnbin_avx2 = {"avx2", available, forward, backward, squares, adam, xent, noise, dropout};
#endif
