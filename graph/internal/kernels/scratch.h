// Where the arrays of a slice lie in its scratch memory.
#ifndef RNNBIN_SCRATCH_H
#define RNNBIN_SCRATCH_H

#include "recurrence.h"

// Entries of the lists of nonzero columns, see product.h.
enum { RNN_LIST_LENGTH = 64 * 256 };

struct forward_scratch {
  float *in;         // [rows, rnn_round(F)+rnn_round(U)], a row is [x, h]
  float *w;          // [rnn_round(F)+rnn_round(U), columns], the weights, their rows as in's columns
  float *bias;       // [columns]
  float *pre;        // [rows, columns], the pre-activations
  float *carry;      // [rows, U], the state that is not h
  int32_t *order;    // [rows], the rows that take part in a step
  int32_t *columns;  // [F+U], those of in
  int32_t *lists;
  size_t floats;     // what all of it takes
};

struct backward_scratch {
  int64_t chunk;        // rows of dpre: some steps times the rows of the slice
  float *w;             // [columns, U+F], the weights transposed, the state's part first
  float *back;          // [rows, U+F], the gradient with respect to h and x of the step before
  float *carry;         // [rows, U], the gradient with respect to the state that is not h
  float *dpre;          // [chunk, columns], the gradient with respect to the pre-activations
  float *left;          // [F+U+1, chunk], [x, h, 1] transposed
  float *zeros;         // a row of them
  const float **rows;   // pointers for transpose
  int32_t *order;       // [rows], the rows that take part in a step
  int32_t *columns;     // [blocks*U], those of dpre
  int32_t *left_order;  // [F+U+1], the rows of left
  int32_t *count;       // [chunk], the columns of left
  int32_t *lists;
  size_t floats;
};

// The layout from base on, which may be NULL when only the size is asked for.
struct forward_scratch rnnbin_forward_layout(const struct rnn_layer *, int64_t rows, float *base);
struct backward_scratch rnnbin_backward_layout(const struct rnn_layer *, int64_t rows, float *base);

#endif
