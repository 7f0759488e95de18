// The op that moves all weights at once.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "recurrence.h"

#define TF_UNUSED_NAME rnnbin_unused_in_adam_op
#include "io.h"
#include "register.h"

// From tensorflow/c/kernels_experimental.h, which not every distribution of the C
// API has. The tensor shares the variable's memory; where somebody else still holds
// that, the variable is given a copy first.
extern void TF_GetInputTensorFromVariable(TF_OpKernelContext *, int input, bool lock_held, bool is_variant, bool sparse,
                                          void (*copy)(TF_OpKernelContext *, TF_Tensor *source, TF_Tensor *dest),
                                          TF_Tensor **out, TF_Status *);

static void copy_tensor(TF_OpKernelContext *context, TF_Tensor *source, TF_Tensor *dest) {
  (void)context;
  memcpy(TF_TensorData(dest), TF_TensorData(source), TF_TensorByteSize(source));
  TF_DeleteTensor(source);
  TF_DeleteTensor(dest);
}

static const char *const adam_inputs[] = {
    "weights: N * resource", "first: N * resource", "second: N * resource", "gradients: N * float",
    "beta1_power: float", "beta2_power: float", "rate: float", "norm: float", NULL};
static const char *const adam_outputs[] = {"next1: float", "next2: float", NULL};
static const char *const adam_attrs[] = {"N: int >= 1", "beta1: float", "beta2: float", "epsilon: float",
                                         "clip_norm: float = 0", "isa: string = 'auto'", NULL};
enum { ADAM_WEIGHTS, ADAM_FIRST, ADAM_SECOND, ADAM_GRADIENTS, ADAM_LISTS };  // N inputs each,
enum { ADAM_POWER1, ADAM_POWER2, ADAM_RATE, ADAM_NORM, ADAM_SCALARS };       // and these behind them

struct adam_kernel {
  const struct rnn_isa *isa;
  int count;
  float beta1, beta2, epsilon, clip_norm;
};

static void *new_adam(TF_OpKernelConstruction *c) {
  TF_Status *status = TF_NewStatus();
  struct adam_kernel *k = calloc(1, sizeof *k);
  if (!k) TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "no memory for the kernel");
  if (TF_GetCode(status) == TF_OK) TF_OpKernelConstruction_GetAttrInt32(c, "N", &k->count, status);
  if (TF_GetCode(status) == TF_OK) TF_OpKernelConstruction_GetAttrFloat(c, "beta1", &k->beta1, status);
  if (TF_GetCode(status) == TF_OK) TF_OpKernelConstruction_GetAttrFloat(c, "beta2", &k->beta2, status);
  if (TF_GetCode(status) == TF_OK) TF_OpKernelConstruction_GetAttrFloat(c, "epsilon", &k->epsilon, status);
  if (TF_GetCode(status) == TF_OK) TF_OpKernelConstruction_GetAttrFloat(c, "clip_norm", &k->clip_norm, status);
  if (TF_GetCode(status) == TF_OK) k->isa = isa_attribute(c, status);
  if (TF_GetCode(status) != TF_OK) {
    TF_OpKernelConstruction_Failure(c, status);
    free(k);
    k = NULL;
  }
  TF_DeleteStatus(status);
  return k;
}

static void adam_shape(TF_ShapeInferenceContext *c, TF_Status *status) {
  TF_ShapeHandle *shape = TF_ShapeInferenceContextScalar(c);
  for (int i = 0; i < 2; i++) TF_ShapeInferenceContextSetOutput(c, i, shape, status);
  TF_DeleteShapeHandle(shape);
}

static float scalar(struct io *io, int i) {
  if (io_ok(io) && TF_TensorElementCount(io->in[i]) != 1)
    io_fail(io, TF_INVALID_ARGUMENT, "want beta1_power, beta2_power, rate and norm as scalars");
  return io_ok(io) ? *(const float *)TF_TensorData(io->in[i]) : 0;
}

// tf.clip_by_global_norm's factor, with its roundings.
static float clip_scale(float limit, float norm) {
  if (limit == 0) return 1;
  const float inverse = 1 / norm, least = 1 / limit;
  return limit * (least < inverse ? least : inverse);
}

// Moves the i-th weight.
static void move(const struct adam_kernel *k, struct io *io, const struct rnn_adam *a, int i) {
  TF_Tensor *t[ADAM_LISTS] = {NULL};
  for (int list = 0; list < ADAM_GRADIENTS && io_ok(io); list++)
    TF_GetInputTensorFromVariable(io->context, list * k->count + i, true, false, false, copy_tensor, &t[list], io->status);
  if (io_ok(io)) TF_GetInput(io->context, ADAM_GRADIENTS * k->count + i, &t[ADAM_GRADIENTS], io->status);
  for (int list = 0; list < ADAM_LISTS && io_ok(io); list++)
    if (TF_TensorType(t[list]) != TF_FLOAT || TF_TensorElementCount(t[list]) != TF_TensorElementCount(t[0]))
      io_fail(io, TF_INVALID_ARGUMENT, "want a weight, its moments and its gradient to be float and of one shape");
  if (io_ok(io))
    k->isa->adam(a, TF_TensorElementCount(t[0]), TF_TensorData(t[ADAM_GRADIENTS]), TF_TensorData(t[ADAM_WEIGHTS]),
                 TF_TensorData(t[ADAM_FIRST]), TF_TensorData(t[ADAM_SECOND]));
  for (int list = 0; list < ADAM_LISTS; list++)
    if (t[list]) TF_DeleteTensor(t[list]);
}

static void compute_adam(void *kernel, TF_OpKernelContext *c) {
  const struct adam_kernel *k = kernel;
  struct io io = io_begin(c, ADAM_LISTS * k->count, ADAM_SCALARS);
  const float power1 = scalar(&io, ADAM_POWER1), power2 = scalar(&io, ADAM_POWER2);
  const struct rnn_adam a = {
      .scale = clip_scale(k->clip_norm, scalar(&io, ADAM_NORM)),
      .rest1 = 1 - k->beta1,
      .rest2 = 1 - k->beta2,
      .alpha = scalar(&io, ADAM_RATE) * sqrtf(1 - power2) / (1 - power1),
      .epsilon = k->epsilon,
  };
  float *next1 = io_output(&io, 0, TF_FLOAT, 0, NULL), *next2 = io_output(&io, 1, TF_FLOAT, 0, NULL);
  for (int i = 0; i < k->count && io_ok(&io); i++) move(k, &io, &a, i);
  if (io_ok(&io)) {
    *next1 = power1 * k->beta1;
    *next2 = power2 * k->beta2;
  }
  io_end(&io);
}

void register_adam(TF_Status *status) {
  register_op(RNNBIN_ADAM, adam_inputs, adam_outputs, adam_attrs, adam_shape, new_adam, compute_adam, status);
}
