#ifndef RNNBIN_NORM_H
#define RNNBIN_NORM_H

#include <stdint.h>

// The sum of the squares of n values.
double norm_squares(const float *values, int64_t n);

#endif
