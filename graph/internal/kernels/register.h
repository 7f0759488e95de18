// What the files with ops share. Each defines TF_UNUSED_NAME before it includes
// this, see tf.h.
#ifndef RNNBIN_REGISTER_H
#define RNNBIN_REGISTER_H

#include <stdbool.h>

#include "recurrence.h"
#include "tf.h"

// Registers an op with its one CPU kernel, unless the status is already one of
// failure. The lists end with NULL.
void register_op(const char *name, const char *const *inputs, const char *const *outputs, const char *const *attrs,
                 void (*shape)(TF_ShapeInferenceContext *, TF_Status *), void *(*create)(TF_OpKernelConstruction *),
                 void (*compute)(void *, TF_OpKernelContext *), TF_Status *status);

void register_recurrence(TF_Status *);
void register_train(TF_Status *);
void register_adam(TF_Status *);

// What the attributes of an op say.
struct kernel {
  enum rnn_activation activation;
  const struct rnn_isa *isa;
  int threads;
  bool input_gradient;  // backward only
  int64_t steps;        // train only
};

// The attribute isa; NULL when this machine has no such one.
const struct rnn_isa *isa_attribute(TF_OpKernelConstruction *, TF_Status *);

// The attributes that not every op has.
enum { HAS_INPUT_GRADIENT = 1, HAS_STEPS = 2 };

// The attributes that all have and those that it has besides; NULL, with the failure
// told to TensorFlow, when one is wrong.
struct kernel *new_kernel(TF_OpKernelConstruction *, int has);

#endif
