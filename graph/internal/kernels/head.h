// The head of the network: projection of the states, loss, and the gradients of
// both. Every sum is taken in the order in which TensorFlow 1 takes it for the
// original program, whose numbers it then gives to the last bit or nearly: step
// by step, the last one first, and row by row within a step.
#ifndef RNNBIN_HEAD_H
#define RNNBIN_HEAD_H

#include <stdint.h>

enum head_loss { HEAD_XENT, HEAD_MSE };

// T steps, B batch rows, U units, O outputs; float32, row-major.
struct rnn_head {
  int64_t steps, batch, units, outputs;
  const float *h;       // [T,B,U]
  const float *kernel;  // [U,O]
  const float *bias;    // [O]
  float *logits;        // [T,B,O]
  const float *dlogits; // [T,B,O], the loss's gradient
  float *dh;            // [T,B,U]
  float *dkernel;       // [U,O]
  float *dbias;         // [O]
};

// What an instruction set implements. Scratch holds head_scratch(U) floats.
struct head_isa {
  void (*project)(const struct rnn_head *, float *scratch);   // h -> logits
  void (*backward)(const struct rnn_head *, float *scratch);  // dlogits -> dh, dkernel
};

static inline int64_t head_scratch(int64_t units) { return (units + 16) * 32; }

// The loss of n rows of logits [n,O] and its gradient: the mean of the rows'
// losses, each weighing w[n]; 0 where no row has a weight. Labels are classes
// 0 to O-1 for HEAD_XENT; other values give a loss that is not a number.
float head_score(enum head_loss, int64_t n, int64_t outputs, const float *logits, const void *labels, const float *w,
                 float *dlogits);

// The last gradient, from dlogits: dbias.
void head_bias_gradient(const struct rnn_head *);

#endif
