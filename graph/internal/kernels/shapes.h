// The shapes that the ops accept, for building a graph (where dimensions may be
// unknown) and for running it (where none is).
#ifndef RNNBIN_SHAPES_H
#define RNNBIN_SHAPES_H

#include <stdint.h>

#include "tensorflow/c/tf_status.h"

enum { SHAPE_RANK_MAX = 8, UNKNOWN = -1 };

struct shape {
  int rank;                     // or UNKNOWN
  int64_t dim[SHAPE_RANK_MAX];  // each may be UNKNOWN; only the first few of a higher rank
};

// The inputs of the ops in their order.
enum forward_input { FORWARD_X, FORWARD_KERNEL, FORWARD_BIAS, FORWARD_H0, FORWARD_INPUTS };
enum backward_input { BACKWARD_X, BACKWARD_KERNEL, BACKWARD_H0, BACKWARD_H, BACKWARD_DH, BACKWARD_DLAST, BACKWARD_INPUTS };

// Status becomes InvalidArgument, with a text naming the input, at the first
// shape that does not fit the others.
void check_forward_shapes(const struct shape[FORWARD_INPUTS], TF_Status *);
void check_backward_shapes(const struct shape[BACKWARD_INPUTS], TF_Status *);

#endif
