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
// block's depth. A tile of one row reads W as fast as the cache gives it, so its
// block should fit there.
enum { BLOCK_ROWS = 64, BLOCK_DEPTH = 256, BLOCK_DEPTH_SINGLE = 64 };
_Static_assert(BLOCK_ROWS * BLOCK_DEPTH <= RNN_LIST_LENGTH, "the lists of a block fit");

struct matrix {
  float *at;
  int64_t stride;
};

// The columns k < depth at which any of the rows is not zero. Depth is a
// multiple of LANES; columns behind the last one hold zeros.
INLINE int list_columns(int32_t *list, const int rows, int64_t depth, const float *a, int64_t stride) {
  int n = 0;
  ivec columns = lane_numbers();
  for (int64_t k = 0; k < depth; k += LANES, columns += LANES) {
    ivec bits = load_bits(a + k);
    for (int r = 1; r < rows; r++) bits |= load_bits(a + r * stride + k);
    n = append_lanes(list, n, columns, bits);
  }
  return n;
}

// The same with the number of rows as a constant inside.
static int list_nonzero(int32_t *list, int rows, int64_t depth, const float *a, int64_t stride) {
  switch (rows) {
    case 1: return list_columns(list, 1, depth, a, stride);
    case 2: return list_columns(list, 2, depth, a, stride);
    case 3: return list_columns(list, 3, depth, a, stride);
    default: return list_columns(list, rows, depth, a, stride);
  }
}

// c = start + a w for one tile and the listed columns of a. A start of NULL means
// zeros; start may be c.
typedef void tile_function(int n, const int32_t *list, const float *a, int64_t lda, const float *w, int64_t ldw,
                           const float *start, int64_t lds, float *c, int64_t ldc);

INLINE void tile(const int rows, const int width, int n, const int32_t *list, const float *a, int64_t lda,
                 const float *w, int64_t ldw, const float *start, int64_t lds, float *c, int64_t ldc) {
  vec sum[ROWS_MAX][WIDTH_MAX];
  UNROLL
  for (int r = 0; r < rows; r++)
    UNROLL
    for (int v = 0; v < width; v++) sum[r][v] = start ? load(start + r * lds + v * LANES) : (vec){0};
  for (int i = 0; i < n; i++) {
    int64_t k = list[i];
    const float *wk = w + k * ldw;
    UNROLL
    for (int r = 0; r < rows; r++)
      UNROLL
      for (int v = 0; v < width; v++) sum[r][v] += load(wk + v * LANES) * a[r * lda + k];
  }
  UNROLL
  for (int r = 0; r < rows; r++)
    UNROLL
    for (int v = 0; v < width; v++) store(c + r * ldc + v * LANES, sum[r][v]);
}

#define TILE_FUNCTION(rows, width)                                                                              \
  static void tile_##rows##x##width(int n, const int32_t *list, const float *a, int64_t lda, const float *w,  \
                                    int64_t ldw, const float *start, int64_t lds, float *c, int64_t ldc) {     \
    tile(rows, width, n, list, a, lda, w, ldw, start, lds, c, ldc);                                            \
  }
TILES(TILE_FUNCTION)
#define TILE_ENTRY(rows, width) [rows][width] = tile_##rows##x##width,
static tile_function *const tiles[ROWS_MAX + 1][WIDTH_MAX + 1] = {TILES(TILE_ENTRY)};

// A length in even parts; the first few are longer than size by one.
struct parts {
  int size, longer;
};

static struct parts divide_evenly(int length, int most) {
  int count = (length + most - 1) / most;
  return (struct parts){length / count, length % count};
}

INLINE int next_part(struct parts *p) { return p->size + (p->longer-- > 0); }

// c = start + a w for one block of rows and depth, panel by panel of columns.
static void product_block(int rows, int tall, int64_t depth, int vectors, const float *a, int64_t lda, const float *w,
                          int64_t ldw, const float *start, int64_t lds, float *c, int64_t ldc, int32_t *lists) {
  const struct parts groups = divide_evenly(rows, tall);
  struct parts panels = divide_evenly(vectors, WIDEST(tall)), part = groups;
  int length[BLOCK_ROWS];
  for (int r = 0, g = 0, high; r < rows; r += high, g++) {
    high = next_part(&part);
    length[g] = list_nonzero(lists + g * depth, high, depth, a + r * lda, lda);
  }
  for (int v = 0, width; v < vectors; v += width) {
    width = next_part(&panels);
    part = groups;
    for (int r = 0, g = 0, high; r < rows; r += high, g++) {
      high = next_part(&part);
      tiles[high][width](length[g], lists + g * depth, a + r * lda, lda, w + v * LANES, ldw,
                         start ? start + r * lds + v * LANES : NULL, lds, c + r * ldc + v * LANES, ldc);
    }
  }
}

// Whether tiles of one row pay: they pass over every zero, but read all of W for
// each row, which costs about a fifth more. Judged by some of the rows and
// columns; it is a matter of speed alone, the sums are the same bits.
static int single_pays(int64_t rows, int64_t depth, struct matrix a, int32_t *lists) {
  const int64_t sample = smaller(rows, 16);
  int64_t n = 0;
  depth = smaller(depth, BLOCK_DEPTH);
  a.at += (rows - sample) * a.stride;
  for (int64_t r = 0; r < sample; r++) n += list_nonzero(lists, 1, depth, a.at + r * a.stride, a.stride);
  return n * 6 < sample * depth * 5;
}

// c[rows,n] = start[rows,n] + a[rows,depth] w[depth,n], n and depth rounded up
// to whole vectors. A start with stride 0 repeats its row, NULL means zeros.
static void product(int64_t rows, int single, int64_t depth, int64_t n, struct matrix a, struct matrix w,
                    struct matrix start, struct matrix c, int32_t *lists) {
  const int vectors = (int)(whole(n) / LANES), tall = single ? 1 : (int)smaller(TALLEST(vectors), rows);
  const int64_t deep = single ? BLOCK_DEPTH_SINGLE : BLOCK_DEPTH;
  for (int64_t k = 0; k < depth; k += deep) {
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
