// Memory that is kept from call to call.
#ifndef RNNBIN_STORE_H
#define RNNBIN_STORE_H

#include <stddef.h>

// A block of memory on a cache line, contents undefined; NULL when memory is short.
float *rnnbin_store_take(size_t floats);

// Gives a block back, on any thread.
void rnnbin_store_give(float *);

#endif
