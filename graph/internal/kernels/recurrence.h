// A recurrent layer over a whole sequence, one direction and one batch slice at a
// time: what the instruction sets implement and what run.c divides.
//
// T steps, B batch rows, F inputs, U units, D directions; every array is row-major
// float32.
#ifndef RNNBIN_RECURRENCE_H
#define RNNBIN_RECURRENCE_H

#include <stddef.h>
#include <stdint.h>

#include "cells.h"

struct rnn_size {
  int64_t steps, batch, inputs, units;
};

// One direction of a layer. From its length on, a row of the batch keeps its states,
// its h is zero and no gradient comes from there.
struct rnn_layer {
  enum rnn_kind kind;
  struct rnn_size size;
  int reverse;                          // from the last step to the first
  int64_t h_stride;                     // D*U: the directions lie side by side in h
  const int32_t *lengths;               // [B], or NULL when all are T
  const float *x;                       // [T,B,F]
  const float *initial[RNN_STATES];     // [B,U], or NULL for zeros
  const float *weights[RNN_VARIABLES];  // see cells.h
  float *h;                             // [T,B,U], rows h_stride apart; backward reads it, as
  float *saved;                         // [T,B,saved,rnn_round(U)]; forward: NULL when predicting
  float *last[RNN_STATES];              // [B,U], forward only

  // backward only
  const float *dh;                 // as h, gradient of the loss with respect to h
  const float *dlast[RNN_STATES];  // [B,U], with respect to the last states besides, or NULL for zeros
  float *dweights[RNN_VARIABLES];
  float *dx;                       // [T,B,F], or NULL when nobody asks for it
  float *dinitial[RNN_STATES];     // [B,U]
};

// Rows [begin,end) of the batch and the memory to work in. Slices share nothing
// that is written, so that each runs through all steps without waiting.
struct rnn_slice {
  int64_t begin, end;
  float *scratch;   // of the size scratch.h tells, on a cache line
  float *gradient;  // [F+U+1, rnn_columns], what [x, h, 1] multiplies, summed over the slice's rows; backward only
};

// Adam as TensorFlow 1 has it, for one weight.
struct rnn_adam {
  float decay;         // share of the weight that it loses first
  float scale;         // of gradients
  float rest1, rest2;  // 1 - beta1, 1 - beta2
  float alpha;         // rate sqrt(1 - beta2^t) / (1 - beta1^t)
  float epsilon;
};

// Softmax cross-entropy of each row, and its gradient with respect to the logits.
struct rnn_xent {
  int64_t rows, classes;
  const float *logits;    // [rows,classes]
  const float *targets;   // [rows,classes], probabilities, or NULL where there are
  const int32_t *labels;  // [rows], the class each
  float *loss;            // [rows]
  float *gradient;        // [rows,classes]
  float *scratch;         // rnn_xent_scratch(classes) floats, on a cache line
};

// What is drawn for each value of an array.
struct rnn_draw {
  const int64_t *seeds;  // [2]
  float rate, size;      // of dropout; noise has a size alone
};

struct rnn_isa {
  const char *name;
  int (*available)(void);
  void (*forward)(const struct rnn_layer *, const struct rnn_slice *);
  void (*backward)(const struct rnn_layer *, const struct rnn_slice *);
  double (*squares)(const float *values, int64_t n);  // their sum
  // Moves n values of a weight against their gradient.
  void (*adam)(const struct rnn_adam *, int64_t n, const float *gradient, float *weight, float *first, float *second);
  void (*xent)(const struct rnn_xent *);
  void (*noise)(const struct rnn_draw *, int64_t n, const float *x, float *y);
  void (*dropout)(const struct rnn_draw *, int64_t n, const float *x, float *y);
};

// The best first, the plain one last; all that were compiled in.
extern const struct rnn_isa *const rnnbin_isas[];
extern const int rnnbin_isa_count;

// A row of n floats in scratch memory starts on a cache line.
static inline int64_t rnn_round(int64_t n) { return (n + 15) / 16 * 16; }

// Rows an odd number of cache lines apart: a few lines of each, taken from many
// rows, would otherwise fall into a few sets of the first-level cache.
static inline int64_t rnn_odd(int64_t n) { return (n + 15) / 16 / 2 * 32 + 16; }

// Rows that are taken whole while they are short.
static inline int64_t rnn_stride(int64_t n) { return n <= 128 ? rnn_round(n) : rnn_odd(n); }

// Columns of so many padded blocks of U, up to the last column that is used.
static inline int64_t rnn_columns(int blocks, int64_t units) { return (blocks - 1) * rnn_round(units) + units; }

static inline int64_t rnn_rows(const struct rnn_variable *v, const struct rnn_size *z) {
  return v->x || v->h ? v->x * z->inputs + v->h * z->units : 1;
}

// Floats that one direction of a layer saves.
static inline int64_t rnn_saved(enum rnn_kind kind, const struct rnn_size *z) {
  return z->steps * z->batch * rnn_cells[kind].saved * rnn_round(z->units);
}

// Logits, targets and powers of as many rows as the widest vector has lanes.
static inline int64_t rnn_xent_scratch(int64_t classes) { return 3 * 16 * classes; }

// Runs all directions of a layer, one or two, on so many threads. They return 0, or
// -1 when memory is short.
int rnnbin_run_forward(const struct rnn_isa *, const struct rnn_layer *, int directions, int threads);
int rnnbin_run_backward(const struct rnn_isa *, const struct rnn_layer *, int directions, int threads);

#endif
