// Plain C: vectors of four, which every 64-bit CPU has; 16 registers.
#define LANES 4
#define WIDEST(rows) ((rows) <= 1 ? 8 : (rows) <= 2 ? 4 : 3)
#define TALLEST(vectors) 4
#define TILES(T) \
  T(1, 1) T(1, 2) T(1, 3) T(1, 4) T(1, 5) T(1, 6) T(1, 7) T(1, 8) \
  T(2, 1) T(2, 2) T(2, 3) T(2, 4) T(3, 1) T(3, 2) T(3, 3) T(4, 1) T(4, 2) T(4, 3)
#include "adam_vec.h"
#include "draw.h"
#include "norm.h"
#include "sequence.h"
#include "xent.h"

static int available(void) { return 1; }

const struct rnn_isa rnnbin_generic = {"generic", available, forward, backward, squares, adam, xent, noise, dropout};
