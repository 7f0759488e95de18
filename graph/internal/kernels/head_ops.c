// The ops of the network's head and of its gradients' norm, by TensorFlow's C API.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "head.h"
#include "kernels.h"
#include "norm.h"
#include "scratch.h"

#define TF_UNUSED_NAME rnnbin_unused_in_head_ops
#include "register.h"

static const char *const head_inputs[] = {"h: float", "kernel: float", "bias: float", "labels: L", "w: float", NULL};
static const char *const head_outputs[] = {"mean: float", "dh: float", "dkernel: float", "dbias: float", NULL};
static const char *const head_attrs[] = {"L: {int32, float}", "isa: string = 'auto'", NULL};
enum { IN_H, IN_KERNEL, IN_BIAS, IN_LABELS, IN_W, HEAD_INPUTS };
enum { OUT_MEAN, OUT_DH, OUT_DKERNEL, OUT_DBIAS, HEAD_OUTPUTS };

static const char *const norm_inputs[] = {"values: N * float", NULL};
static const char *const norm_outputs[] = {"norm: float", NULL};
static const char *const norm_attrs[] = {"N: int >= 1", NULL};

static void set_scalar(TF_ShapeInferenceContext *c, TF_Status *status) {
  TF_ShapeHandle *scalar = TF_ShapeInferenceContextScalar(c);
  TF_ShapeInferenceContextSetOutput(c, 0, scalar, status);
  TF_DeleteShapeHandle(scalar);
}

// Gradients have their values' shapes.
static void head_shape(TF_ShapeInferenceContext *c, TF_Status *status) {
  TF_ShapeHandle *shape = TF_NewShapeHandle();
  set_scalar(c, status);
  for (int i = IN_H; i <= IN_BIAS && TF_GetCode(status) == TF_OK; i++) {
    TF_ShapeInferenceContextGetInput(c, i, shape, status);
    if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(c, OUT_DH + i, shape, status);
  }
  TF_DeleteShapeHandle(shape);
}

static void *new_head(TF_OpKernelConstruction *c) {
  TF_Status *status = TF_NewStatus();
  char name[32] = "";
  const struct rnn_isa *isa = NULL;
  TF_OpKernelConstruction_GetAttrString(c, "isa", name, sizeof name - 1, status);
  if (TF_GetCode(status) == TF_OK) isa = find_isa(name, status);
  const struct rnn_isa **kernel = isa ? malloc(sizeof *kernel) : NULL;
  if (kernel)
    *kernel = isa;
  else
    TF_OpKernelConstruction_Failure(c, status);
  TF_DeleteStatus(status);
  return kernel;
}

// Whether every input has the shape that h [T,B,U] and kernel [U,O] ask for.
static int shapes_fit(TF_Tensor *const in[HEAD_INPUTS]) {
  if (TF_NumDims(in[IN_H]) != 3 || TF_NumDims(in[IN_KERNEL]) != 2) return 0;
  const int64_t rows = TF_Dim(in[IN_H], 0) * TF_Dim(in[IN_H], 1);
  return TF_Dim(in[IN_KERNEL], 0) == TF_Dim(in[IN_H], 2) && TF_Dim(in[IN_KERNEL], 1) > 0 &&
         TF_TensorElementCount(in[IN_BIAS]) == TF_Dim(in[IN_KERNEL], 1) &&
         TF_TensorElementCount(in[IN_LABELS]) == rows && TF_TensorElementCount(in[IN_W]) == rows;
}

static float *new_output(TF_OpKernelContext *c, TF_Tensor **out, int i, TF_Tensor *like, TF_Status *status) {
  if (TF_GetCode(status) != TF_OK) return NULL;
  int64_t dims[8];
  const int rank = like ? TF_NumDims(like) : 0;
  for (int d = 0; d < rank; d++) dims[d] = TF_Dim(like, d);
  out[i] = TF_AllocateOutput(c, i, TF_FLOAT, dims, rank, like ? TF_TensorByteSize(like) : sizeof(float), status);
  return TF_GetCode(status) == TF_OK ? TF_TensorData(out[i]) : NULL;
}

static void run_head(const struct rnn_isa *isa, TF_OpKernelContext *c, TF_Tensor *const in[HEAD_INPUTS],
                     TF_Tensor *out[HEAD_OUTPUTS], TF_Status *status) {
  struct rnn_head p = {
      .steps = TF_Dim(in[IN_H], 0),
      .batch = TF_Dim(in[IN_H], 1),
      .units = TF_Dim(in[IN_H], 2),
      .outputs = TF_Dim(in[IN_KERNEL], 1),
      .h = TF_TensorData(in[IN_H]),
      .kernel = TF_TensorData(in[IN_KERNEL]),
      .bias = TF_TensorData(in[IN_BIAS]),
      .dh = new_output(c, out, OUT_DH, in[IN_H], status),
      .dkernel = new_output(c, out, OUT_DKERNEL, in[IN_KERNEL], status),
      .dbias = new_output(c, out, OUT_DBIAS, in[IN_BIAS], status),
  };
  float *mean = new_output(c, out, OUT_MEAN, NULL, status);
  if (TF_GetCode(status) != TF_OK) return;
  const int64_t n = p.steps * p.batch;
  float *memory = scratch_acquire((size_t)(head_scratch(p.units, p.outputs) + 2 * n * p.outputs));
  if (!memory) {
    TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "no memory for the head");
    return;
  }
  p.logits = memory + head_scratch(p.units, p.outputs);
  float *dlogits = p.logits + n * p.outputs;
  p.dlogits = dlogits;
  isa->head.project(&p, memory);
  const enum head_loss loss = TF_TensorType(in[IN_LABELS]) == TF_FLOAT ? HEAD_MSE : HEAD_XENT;
  *mean = head_score(loss, n, p.outputs, p.logits, TF_TensorData(in[IN_LABELS]), TF_TensorData(in[IN_W]), dlogits);
  isa->head.backward(&p, memory);
  head_bias_gradient(&p);
  scratch_release(memory);
}

static void compute_head(void *kernel, TF_OpKernelContext *c) {
  TF_Status *status = TF_NewStatus();
  TF_Tensor *in[HEAD_INPUTS] = {NULL}, *out[HEAD_OUTPUTS] = {NULL};
  for (int i = 0; i < HEAD_INPUTS && TF_GetCode(status) == TF_OK; i++) TF_GetInput(c, i, &in[i], status);
  if (TF_GetCode(status) == TF_OK && !shapes_fit(in))
    TF_SetStatus(status, TF_INVALID_ARGUMENT,
                 "want h [steps, batch, units], kernel [units, outputs], bias [outputs], labels and w [steps*batch]");
  if (TF_GetCode(status) == TF_OK) run_head(*(const struct rnn_isa **)kernel, c, in, out, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(c, status);
  for (int i = 0; i < HEAD_INPUTS; i++)
    if (in[i]) TF_DeleteTensor(in[i]);
  for (int i = 0; i < HEAD_OUTPUTS; i++)
    if (out[i]) TF_DeleteTensor(out[i]);
  TF_DeleteStatus(status);
}

static void compute_norm(void *kernel, TF_OpKernelContext *c) {
  (void)kernel;
  TF_Status *status = TF_NewStatus();
  TF_Tensor *out[1] = {NULL};
  double sum = 0;
  for (int i = 0; i < TF_NumInputs(c) && TF_GetCode(status) == TF_OK; i++) {
    TF_Tensor *values = NULL;
    TF_GetInput(c, i, &values, status);
    if (TF_GetCode(status) == TF_OK) sum += norm_squares(TF_TensorData(values), TF_TensorElementCount(values));
    if (values) TF_DeleteTensor(values);
  }
  float *norm = new_output(c, out, 0, NULL, status);
  if (norm) *norm = (float)sqrt(sum);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(c, status);
  if (out[0]) TF_DeleteTensor(out[0]);
  TF_DeleteStatus(status);
}

void register_head(TF_Status *status) {
  register_op(RNNBIN_HEAD, head_inputs, head_outputs, head_attrs, head_shape, new_head, compute_head, status);
  register_op(RNNBIN_GLOBAL_NORM, norm_inputs, norm_outputs, norm_attrs, set_scalar, NULL, compute_norm, status);
}
