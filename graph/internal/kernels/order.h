// An order of the units in which those that are active together are neighbours.
//
// After ReLU each unit is zero in about half of the rows. Tiles skip a row
// where all of their units are zero; with units in their own order that is one in
// five for three of them, with units sorted by when they are active nearly one in
// two. Order is a matter of speed alone, the sums are the same bits.
#ifndef RNNBIN_ORDER_H
#define RNNBIN_ORDER_H

#include "vector.h"

// A unit's key: whether it is active in each of a few rows, then its number
// within a block, which makes it unlike all others.
enum { KEY_ROWS = 23, KEY_BLOCK = 256 };

// Keys of the units from first on, for n of them rounded up to whole vectors.
// Those behind the last sort behind all others.
static void unit_keys(int32_t *keys, const float *h, int64_t stride, int64_t rows, int64_t units, int64_t first,
                      int64_t n) {
  const int64_t step = (rows + KEY_ROWS - 1) / KEY_ROWS;
  for (int64_t i = 0; i < n; i += LANES) {
    ivec key = {0};
    for (int64_t r = 0; r < rows; r += step) {
      const vec row = load_upto(h + r * stride + first + i, units - first - i);
      key = key + key - (row != 0);
    }
    const ivec number = lane_numbers() + (int32_t)i, behind = (number >= (int32_t)n) & INT32_MAX;
    *(ivec_unaligned *)(keys + i) = (key * KEY_BLOCK + number) | behind;
  }
}

// How many of the keys, whole vectors of them, are below one.
INLINE int64_t count_below(const int32_t *keys, int64_t n, int32_t key) {
  ivec count = {0};
  for (int64_t i = 0; i < n; i += LANES) count -= *(const ivec_unaligned *)(keys + i) < key;
  int64_t total = 0;
  for (int lane = 0; lane < LANES; lane++) total += count[lane];
  return total;
}

// order[U] = the units by their activity in rows of h, block by block.
static void order_units(int32_t *order, const float *h, int64_t stride, int64_t rows, int64_t units) {
  int32_t keys[KEY_BLOCK];
  for (int64_t first = 0; first < units; first += KEY_BLOCK) {
    const int64_t n = smaller(KEY_BLOCK, units - first);
    unit_keys(keys, h, stride, rows, units, first, n);
    for (int64_t i = 0; i < n; i++) order[first + count_below(keys, n, keys[i])] = (int32_t)(first + i);
  }
}

#endif
