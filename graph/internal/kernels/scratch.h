// Where the arrays of a slice lie in its scratch memory.
#ifndef RNNBIN_SCRATCH_H
#define RNNBIN_SCRATCH_H

#include "recurrence.h"

// Entries of the lists of nonzero columns, see product.h.
enum { RNN_LIST_LENGTH = 64 * 256 };

struct forward_scratch {
  float *in;    // [rows, rnn_round(F)+rnn_round(U)], a row is [x, h]
  float *w;     // [rnn_round(F)+rnn_round(U), U], the kernel, its rows as in's columns
  float *bias;  // [U]
  float *pre;   // [rows, U], the pre-activations
  int32_t *order;  // [rows], the rows as they are
  int32_t *lists;
  size_t floats;  // what all of it takes
};

struct backward_scratch {
  int64_t chunk;       // rows of dpre: some steps times the rows of the slice
  float *w;            // [rnn_round(U), U+F], the kernel transposed, the state's part first
  float *back;         // [rows, U+F], the gradient to h and x of the step before
  float *dpre;         // [chunk, U], the gradient to the pre-activations
  float *left;         // [F+U+1, chunk], [x, h, 1] transposed
  float *zeros;        // a row of them
  const float **rows;  // pointers for transpose
  int32_t *order;      // [rows], the rows as they are
  int32_t *left_order; // [F+U+1], the rows of left
  int32_t *lists;
  size_t floats;
};

// Between forward and backward, training keeps for all steps what a layer was given
// and made.
struct train_scratch {
  struct forward_scratch forward;  // its in: [T+1, rows, rnn_round(F)+rnn_round(U)], x and h before each step
  struct backward_scratch backward;
  float *logits, *dlogits;  // [T, rows, O]
  float *columns;           // [U, 32], rows of h transposed
  float *head;              // [O, rnn_stride(U)], the projection's kernel transposed
  size_t floats;
};

// The layout from base on, which may be NULL when only the size is asked for.
struct forward_scratch forward_layout(const struct rnn_size *, int64_t rows, float *base);
struct backward_scratch backward_layout(const struct rnn_size *, int64_t rows, int input_gradient, float *base);
struct train_scratch train_layout(const struct rnn_size *, int64_t outputs, int64_t rows, float *base);

// Memory for one call, from a store of blocks that earlier calls have left; on
// a cache line, contents undefined. NULL when memory is short.
float *scratch_acquire(size_t floats);
void scratch_release(float *);

#endif
