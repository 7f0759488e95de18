// NEON: vectors of four, 32 registers. The compiler needs no target for it.
#if defined(__aarch64__)
#include <arm_neon.h>

#define LANES 4
#define LEAST(a, b) vminq_f32((float32x4_t)(a), (float32x4_t)(b))
#define GREATEST(a, b) vmaxq_f32((float32x4_t)(a), (float32x4_t)(b))
#define ROOT(v) ((vec)vsqrtq_f32((float32x4_t)(v)))
#define MULTIPLY_EVEN(a, b) vmull_u32(vmovn_u64((uint64x2_t)(a)), vmovn_u64((uint64x2_t)(b)))
#define WIDEST(rows) ((rows) <= 1 ? 8 : (rows) <= 3 ? 7 : (rows) <= 4 ? 6 : 4)
#define TALLEST(vectors) ((vectors) <= 4 || (vectors) > 7 ? 6 : 4)
#define TILES(T) \
  T(1, 1) T(1, 2) T(1, 3) T(1, 4) T(1, 5) T(1, 6) T(1, 7) T(1, 8) T(2, 1) T(2, 2) T(2, 3) T(2, 4) T(2, 5) T(2, 6) T(2, 7) \
  T(3, 1) T(3, 2) T(3, 3) T(3, 4) T(3, 5) T(3, 6) T(3, 7) T(4, 1) T(4, 2) T(4, 3) T(4, 4) T(4, 5) T(4, 6) \
  T(5, 1) T(5, 2) T(5, 3) T(5, 4) T(6, 1) T(6, 2) T(6, 3) T(6, 4)
#include "adam_vec.h"
#include "draw.h"
#include "norm.h"
#include "sequence.h"
#include "xent.h"

static int available(void) { return 1; }

const struct rnn_isa rnnbin_neon = {"neon", available, forward, backward, squares, adam, xent, noise, dropout};
#endif
