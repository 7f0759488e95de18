// Matrix products C = start + A W over lists of columns of A.
//
// A tile keeps rows x width vectors of C in registers and walks a list of columns
// k of A. Those the caller names are all that are not padding. Or it is those in
// which any of the tile's rows of A is not zero: after ReLU about half of the
// states are zero, and of the gradients behind them, mostly the same units in
// neighbouring rows. Such a k costs nothing, and leaves the sum's bits as they
// are. A NaN is not zero, so it is walked and arrives in C. An infinite weight is
// seen only where its column of A is walked.
#ifndef RNNBIN_PRODUCT_H
#define RNNBIN_PRODUCT_H

#include "scratch.h"
#include "vector.h"

// The including file says what its registers hold: WIDEST(rows), the most
// vectors a tile of so many rows has; TALLEST(vectors), the rows that suit a
// result so many vectors wide; TILES(T), a T(rows, width) for each of them.
enum { ROWS_MAX = 6, WIDTH_MAX = 8 };

// Rows that share a block of W while it is in the first-level cache, and the
// block's depth.
enum { BLOCK_ROWS = 64, BLOCK_DEPTH = 256 };
_Static_assert(BLOCK_ROWS * BLOCK_DEPTH <= RNN_LIST_LENGTH, "the lists of a block fit");

struct matrix {
  float *at;
  int64_t stride;
};

static struct matrix from_column(struct matrix m, int64_t column) { return (struct matrix){m.at + column, m.stride}; }

// The columns of A that a product walks.
struct columns {
  int64_t n;
  const int32_t *named;  // these, or, when NULL, those of the first n that are not zero
  int32_t *lists;        // where to list the latter, RNN_LIST_LENGTH
};

// The columns k < depth at which any of the rows is not zero. Depth is a
// multiple of LANES; columns behind the last one hold zeros.
INLINE int list_columns(int32_t *list, const int rows, int64_t depth, const float *a, int64_t stride,
                        const int32_t *order) {
  int n = 0;
  ivec columns = lane_numbers();
  for (int64_t k = 0; k < depth; k += LANES, columns += LANES) {
    ivec bits = load_bits(a + order[0] * stride + k);
    for (int r = 1; r < rows; r++) bits |= load_bits(a + order[r] * stride + k);
    n = append_lanes(list, n, columns, bits);
  }
  return n;
}

// The same with the number of rows as a constant inside.
static int list_nonzero(int32_t *list, int rows, int64_t depth, const float *a, int64_t stride, const int32_t *order) {
  switch (rows) {
    case 1: return list_columns(list, 1, depth, a, stride, order);
    case 2: return list_columns(list, 2, depth, a, stride, order);
    case 3: return list_columns(list, 3, depth, a, stride, order);
    default: return list_columns(list, rows, depth, a, stride, order);
  }
}

// c = start + a w for one tile: the listed columns of a, and of a, start and c the
// rows that order names. A start of NULL means zeros; start may be c.
typedef void tile_function(int n, const int32_t *list, const int32_t *order, const float *a, int64_t lda,
                           const float *w, int64_t ldw, const float *start, int64_t lds, float *c, int64_t ldc);

INLINE void tile(const int rows, const int width, int n, const int32_t *list, const int32_t *order, const float *a,
                 int64_t lda, const float *w, int64_t ldw, const float *start, int64_t lds, float *c, int64_t ldc) {
  vec sum[ROWS_MAX][WIDTH_MAX];
  const float *row[ROWS_MAX];
  UNROLL
  for (int r = 0; r < rows; r++) {
    row[r] = a + order[r] * lda;
    UNROLL
    for (int v = 0; v < width; v++) sum[r][v] = start ? load(start + order[r] * lds + v * LANES) : (vec){0};
  }
  for (int i = 0; i < n; i++) {
    int64_t k = list[i];
    const float *wk = w + k * ldw;
    UNROLL
    for (int r = 0; r < rows; r++)
      UNROLL
      for (int v = 0; v < width; v++) sum[r][v] += load(wk + v * LANES) * row[r][k];
  }
  UNROLL
  for (int r = 0; r < rows; r++)
    UNROLL
    for (int v = 0; v < width; v++) store(c + order[r] * ldc + v * LANES, sum[r][v]);
}

#define TILE_FUNCTION(rows, width)                                                                               \
  static void tile_##rows##x##width(int n, const int32_t *list, const int32_t *order, const float *a, int64_t lda, \
                                    const float *w, int64_t ldw, const float *start, int64_t lds, float *c,     \
                                    int64_t ldc) {                                                               \
    tile(rows, width, n, list, order, a, lda, w, ldw, start, lds, c, ldc);                                       \
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

// c = start + a w for one block of rows and depth, panel by panel of columns. Named
// columns are counted from a and w; NULL asks for those that are not zero.
INLINE void product_block(int rows, int tall, int64_t depth, const int32_t *named, int vectors, const int32_t *order,
                          const float *a, int64_t lda, const float *w, int64_t ldw, const float *start, int64_t lds,
                          float *c, int64_t ldc, int32_t *lists) {
  const struct parts groups = divide_evenly(rows, tall);
  struct parts panels = divide_evenly(vectors, WIDEST(tall)), part = groups;
  int length[BLOCK_ROWS];
  for (int r = 0, g = 0, high; r < rows && !named; r += high, g++) {
    high = next_part(&part);
    length[g] = list_nonzero(lists + g * depth, high, depth, a, lda, order + r);
  }
  for (int v = 0, width; v < vectors; v += width) {
    width = next_part(&panels);
    part = groups;
    for (int r = 0, g = 0, high; r < rows; r += high, g++) {
      high = next_part(&part);
      tiles[high][width](named ? (int)depth : length[g], named ? named : lists + g * depth, order + r, a, lda,
                         w + v * LANES, ldw, start ? start + v * LANES : NULL, lds, c + v * LANES, ldc);
    }
  }
}

static void product_nonzero(int64_t rows, const int32_t *order, int64_t depth, int64_t n, struct matrix a,
                            struct matrix w, struct matrix start, struct matrix c, int32_t *lists) {
  const int vectors = (int)(whole(n) / LANES), tall = (int)smaller(TALLEST(vectors), rows);
  for (int64_t k = 0; k < depth; k += BLOCK_DEPTH) {
    for (int64_t r = 0; r < rows; r += BLOCK_ROWS)
      product_block((int)smaller(BLOCK_ROWS, rows - r), tall, smaller(BLOCK_DEPTH, depth - k), NULL, vectors, order + r,
                    a.at + k, a.stride, w.at + k * w.stride, w.stride, start.at, start.stride, c.at, c.stride, lists);
    start = c;
  }
}

static void product_named(int64_t rows, const int32_t *order, int64_t count, const int32_t *named, int64_t n,
                          struct matrix a, struct matrix w, struct matrix start, struct matrix c) {
  const int vectors = (int)(whole(n) / LANES), tall = (int)smaller(TALLEST(vectors), rows);
  for (int64_t k = 0; k < count; k += BLOCK_DEPTH) {
    for (int64_t r = 0; r < rows; r += BLOCK_ROWS)
      product_block((int)smaller(BLOCK_ROWS, rows - r), tall, smaller(BLOCK_DEPTH, count - k), named + k, vectors,
                    order + r, a.at, a.stride, w.at, w.stride, start.at, start.stride, c.at, c.stride, NULL);
    start = c;
  }
}

// c[rows,n] = start[rows,n] + a[rows,k] w[k,n] over the columns k of a, n and the
// number of columns that are not named rounded up to whole vectors. Order lists the
// rows: those that are side by side in it share tiles. A start with stride 0 repeats
// its row, NULL means zeros.
INLINE void product(int64_t rows, const int32_t *order, struct columns columns, int64_t n, struct matrix a,
                    struct matrix w, struct matrix start, struct matrix c) {
  if (rows == 0) return;
  if (columns.named)
    product_named(rows, order, columns.n, columns.named, n, a, w, start, c);
  else
    product_nonzero(rows, order, columns.n, n, a, w, start, c, columns.lists);
}

#endif
