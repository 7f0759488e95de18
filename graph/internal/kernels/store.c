#include "store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

// What the store keeps at most; those that have been there longest go first.
enum { BLOCKS_MAX = 16 };
static const size_t bytes_max = (size_t)256 << 20;

// A header of one cache line, then what the block is for.
enum { HEADER = 64 };

struct block {
  size_t bytes;  // with the header
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *blocks[BLOCKS_MAX + 1];  // the oldest first; under lock, as are
static int count;                             // these
static size_t kept;                           // their bytes

// Long sequences are walked from end to end, which with pages of 2 MiB, where the
// system has them, misses fewer of the addresses that the processor remembers.
enum { HUGE_PAGE = 1 << 21 };

static struct block *new_block(size_t bytes) {
  const size_t unit = bytes < HUGE_PAGE ? HEADER : HUGE_PAGE;
  bytes = (bytes + unit - 1) / unit * unit;
  struct block *b = aligned_alloc(unit, bytes);
#if defined(MADV_HUGEPAGE)
  if (b && unit == HUGE_PAGE) madvise(b, bytes, MADV_HUGEPAGE);
#endif
  if (b) b->bytes = bytes;
  return b;
}

// Under lock.
static struct block *remove_block(int i) {
  struct block *b = blocks[i];
  memmove(blocks + i, blocks + i + 1, (size_t)(--count - i) * sizeof *blocks);
  kept -= b->bytes;
  return b;
}

// The last block given back of those that are large enough but not twice too
// large: it may still be in a cache.
float *rnnbin_store_take(size_t floats) {
  const size_t bytes = floats * sizeof(float) + HEADER;
  struct block *b = NULL;
  pthread_mutex_lock(&lock);
  for (int i = count - 1; i >= 0 && !b; i--)
    if (blocks[i]->bytes >= bytes && blocks[i]->bytes / 2 <= bytes) b = remove_block(i);
  pthread_mutex_unlock(&lock);
  if (!b) b = new_block(bytes);
  return b ? (float *)((char *)b + HEADER) : NULL;
}

void rnnbin_store_give(float *memory) {
  struct block *b = (struct block *)((char *)memory - HEADER);
  pthread_mutex_lock(&lock);
  blocks[count++] = b;
  kept += b->bytes;
  while (count > BLOCKS_MAX || kept > bytes_max) free(remove_block(0));
  pthread_mutex_unlock(&lock);
}
