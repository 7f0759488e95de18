// Matrix products C = start + A W that pass over zeros of A.
//
// A tile keeps rows x width vectors of C in registers and walks a list of those
// columns k in which any of its rows of A is not zero. After ReLU about half of
// the states are zero, and of the gradients behind them, mostly the same units
// in neighbouring rows: such a k costs nothing, and leaves the sum's bits as
// they are. A NaN is not zero, so it is walked and arrives in C. An infinite
// weight is seen only where its column of A is walked.
#ifndef RNNBIN_PRODUCT_H
#define RNNBIN_PRODUCT_H

#include "scratch.h"
#include "vector.h"

// The including file says what its registers hold: WIDEST(rows), the most
// vectors a tile of so many rows has; TALLEST(vectors), the rows that suit a
// result so many vectors wide; TILES(T), a T(rows, width) for each of them.
enum { ROWS_MAX = 6, WIDTH_MAX = 8 };

// Rows that share a block of W while it is in the first-level cache, and the
// block's depth. A tile of one row reads W twice as fast as taller ones, so its
// block must fit there.
enum { BLOCK_ROWS = 64, BLOCK_DEPTH = 256, BLOCK_DEPTH_SINGLE = 64 };
_Static_assert(BLOCK_ROWS * BLOCK_DEPTH <= RNN_LIST_LENGTH, "the lists of a block fit");

struct matrix {
  float *at;
  int64_t stride;
};

// The columns k < depth at which any of the rows is not zero. Depth is a
// multiple of LANES; columns behind the last one hold zeros.
INLINE int list_nonzero(uint16_t *list, int rows, int64_t depth, const float *a, int64_t stride) {
  int n = 0;
  for (int64_t k = 0; k < depth; k += LANES) {
    ivec any = (ivec)(load(a + k) != 0);
    for (int r = 1; r < rows; r++) any |= (ivec)(load(a + r * stride + k) != 0);
    // no branch: it would be mispredicted every second time
    for (int lane = 0; lane < LANES; lane++) {
      list[n] = (uint16_t)(k + lane);
      n -= any[lane];
    }
  }
  return n;
}

// start is NULL for zeros.
typedef void tile_function(int n, const uint16_t *list, const float *a, int64_t lda, const float *w, int64_t ldw,
                           const float *start, int64_t lds, float *c, int64_t ldc);

INLINE void tile(const int rows, const int width, int n, const uint16_t *list, const float *a, int64_t lda,
                 const float *w, int64_t ldw, const float *start, int64_t lds, float *c, int64_t ldc) {
  vec sum[ROWS_MAX][WIDTH_MAX];
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
    for (int v = 0; v < width; v++) sum[r][v] = start ? load(start + r * lds + v * LANES) : (vec){0};
  for (int i = 0; i < n; i++) {
    int64_t k = list[i];
    const float *wk = w + k * ldw;
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
      for (int v = 0; v < width; v++) sum[r][v] += load(wk + v * LANES) * a[r * lda + k];
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
    for (int v = 0; v < width; v++) store(c + r * ldc + v * LANES, sum[r][v]);
}

#define TILE_FUNCTION(rows, width)                                                                              \
  static void tile_##rows##x##width(int n, const uint16_t *list, const float *a, int64_t lda, const float *w,  \
                                    int64_t ldw, const float *start, int64_t lds, float *c, int64_t ldc) {     \
    tile(rows, width, n, list, a, lda, w, ldw, start, lds, c, ldc);                                            \
  }
TILES(TILE_FUNCTION)
#define TILE_ENTRY(rows, width) [rows][width] = tile_##rows##x##width,
static tile_function *const tiles[ROWS_MAX + 1][WIDTH_MAX + 1] = {TILES(TILE_ENTRY)};

// c = start + a w for one block of rows and depth; the columns are walked panel
// by panel. The i-th of n parts of a length begins at i*length/n.
static void product_block(int rows, int tall, int64_t depth, int vectors, const float *a, int64_t lda, const float *w,
                          int64_t ldw, const float *start, int64_t lds, float *c, int64_t ldc, uint16_t *lists) {
  int groups = (rows + tall - 1) / tall, panels = (vectors + WIDEST(tall) - 1) / WIDEST(tall);
  int length[BLOCK_ROWS];
  for (int g = 0; g < groups; g++) {
    int r = g * rows / groups;
    length[g] = list_nonzero(lists + g * depth, (g + 1) * rows / groups - r, depth, a + r * lda, lda);
  }
  for (int p = 0; p < panels; p++) {
    int v = p * vectors / panels, width = (p + 1) * vectors / panels - v;
    for (int g = 0; g < groups; g++) {
      int r = g * rows / groups, high = (g + 1) * rows / groups - r;
      tiles[high][width](length[g], lists + g * depth, a + r * lda, lda, w + v * LANES, ldw,
                         start ? start + r * lds + v * LANES : NULL, lds, c + r * ldc + v * LANES, ldc);
    }
  }
}

// c[rows,n] = start[rows,n] + a[rows,depth] w[depth,n], n and depth rounded up
// to whole vectors. A start with stride 0 repeats its row, NULL means zeros.
// Single asks for tiles of one row, which pass over every zero and pay when
// many are spread without a pattern.
static void product(int64_t rows, int single, int64_t depth, int64_t n, struct matrix a, struct matrix w,
                    struct matrix start, struct matrix c, uint16_t *lists) {
  int vectors = (int)((n + LANES - 1) / LANES), tall = single ? 1 : (int)smaller(TALLEST(vectors), rows);
  int64_t deep = single ? BLOCK_DEPTH_SINGLE : BLOCK_DEPTH;
  for (int64_t k = 0; k < depth || k == 0; k += deep) {
    for (int64_t r = 0; r < rows; r += BLOCK_ROWS) {
      const float *from = start.at ? start.at + r * start.stride : NULL;
      product_block((int)smaller(BLOCK_ROWS, rows - r), tall, smaller(deep, depth - k), vectors,
                    a.at + r * a.stride + k, a.stride, w.at + k * w.stride, w.stride, from, start.stride,
                    c.at + r * c.stride, c.stride, lists);
    }
    start = c;
  }
}

#endif
