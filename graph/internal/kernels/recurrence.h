// The recurrence of a plain RNN cell over a whole sequence, one batch slice at
// a time: what the instruction sets implement and what run.c divides.
//
// T steps, B batch rows, F inputs, U units; every array is row-major float32.
// a[t] = [x[t], h[t-1]] kernel + bias, h[t] = activation(a[t]).
#ifndef RNNBIN_RECURRENCE_H
#define RNNBIN_RECURRENCE_H

#include <stddef.h>
#include <stdint.h>

enum rnn_activation { RNN_RELU, RNN_TANH };

struct rnn_size {
  int64_t steps, batch, inputs, units;
};

struct rnn_forward {
  struct rnn_size size;
  enum rnn_activation activation;
  const float *x;       // [T,B,F]
  const float *kernel;  // [F+U,U], the inputs' rows first
  const float *bias;    // [U]
  const float *h0;      // [B,U], or NULL for zeros
  float *h;             // [T,B,U]
  float *last;          // [B,U]
};

struct rnn_backward {
  struct rnn_size size;
  enum rnn_activation activation;
  const float *x, *kernel;
  const float *h0;     // [B,U], or NULL for zeros
  const float *h;      // [T,B,U], what the forward pass returned
  const float *dh;     // [T,B,U], gradient of the loss with respect to h
  const float *dlast;  // [B,U], gradient with respect to the last state besides, or NULL for zeros
  float *dkernel;      // [F+U,U]
  float *dbias;        // [U]
  float *dx;           // [T,B,F], or NULL when nobody asks for it
  float *dh0;          // [B,U]
};

// Rows [begin,end) of the batch and the memory to work in. Slices share nothing
// that is written, so that each runs through all steps without waiting.
struct rnn_slice {
  int64_t begin, end;
  float *scratch;   // of the size scratch.h tells, on a cache line
  float *gradient;  // [F+U+1, rnn_stride(U)], kernel then bias, summed over the slice's rows; backward only
};

// Adam as TensorFlow 1 has it, for one weight.
struct rnn_adam {
  float scale;         // of gradients
  float rest1, rest2;  // 1 - beta1, 1 - beta2
  float alpha;         // rate sqrt(1 - beta2^t) / (1 - beta1^t)
  float epsilon;
};

struct rnn_isa {
  const char *name;
  int (*available)(void);
  void (*forward)(const struct rnn_forward *, const struct rnn_slice *);
  void (*backward)(const struct rnn_backward *, const struct rnn_slice *);
  double (*squares)(const float *values, int64_t n);  // their sum
  // Moves n values of a weight against their gradient.
  void (*adam)(const struct rnn_adam *, int64_t n, const float *gradient, float *weight, float *first, float *second);
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

// Runs all rows in as many slices as threads allow. They return 0, or -1 when
// memory is short.
int rnnbin_run_forward(const struct rnn_isa *, const struct rnn_forward *, int threads);
int rnnbin_run_backward(const struct rnn_isa *, const struct rnn_backward *, int threads);

#endif
