// The head of the network: projection of the states, loss, and the gradients of
// both. Every sum is taken in the order in which TensorFlow 1 takes it for the
// original program, whose numbers it then gives to the last bit or nearly: step
// by step, the last one first, and row by row within a step.
#ifndef RNNBIN_HEAD_H
#define RNNBIN_HEAD_H

#include <stdint.h>

enum head_loss { HEAD_XENT, HEAD_MSE };

// A series of N rows, U units, O outputs; float32, row-major.
struct rnn_head {
  enum head_loss loss;
  int64_t outputs;
  const float *kernel;  // [U,O]
  const float *bias;    // [O]
  const void *labels;   // [N]: int32 classes 0 to O-1 for HEAD_XENT, float values for HEAD_MSE
  const float *w;       // [N], what each row weighs
  double total;         // the sum of w over all windows
  float *mean;          // of the steps' losses by weight; 0 where no step has one
  float *dkernel;       // [U,O]
  float *dbias;         // [O]
};

#endif
