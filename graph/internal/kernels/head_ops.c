// The ops of the network's head and of its gradients' norm, by TensorFlow's C API.

#include <math.h>
#include <stdlib.h>

#include "head.h"
#include "kernels.h"
#include "norm.h"
#include "scratch.h"

#define TF_UNUSED_NAME rnnbin_unused_in_head_ops
#include "io.h"
#include "register.h"

static const char *const head_inputs[] = {"h: float", "kernel: float", "bias: float", "labels: L", "w: float", NULL};
static const char *const head_outputs[] = {"mean: float", "dh: float", "dkernel: float", "dbias: float", NULL};
static const char *const head_attrs[] = {"L: {int32, float}", "isa: string = 'auto'", NULL};
enum { IN_H, IN_KERNEL, IN_BIAS, IN_LABELS, IN_W, HEAD_INPUTS };
enum { OUT_MEAN, OUT_DH, OUT_DKERNEL, OUT_DBIAS };

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
static int shapes_fit(TF_Tensor *const in[]) {
  if (TF_NumDims(in[IN_H]) != 3 || TF_NumDims(in[IN_KERNEL]) != 2) return 0;
  const int64_t rows = TF_Dim(in[IN_H], 0) * TF_Dim(in[IN_H], 1);
  return TF_Dim(in[IN_KERNEL], 0) == TF_Dim(in[IN_H], 2) && TF_Dim(in[IN_KERNEL], 1) > 0 &&
         TF_TensorElementCount(in[IN_BIAS]) == TF_Dim(in[IN_KERNEL], 1) &&
         TF_TensorElementCount(in[IN_LABELS]) == rows && TF_TensorElementCount(in[IN_W]) == rows;
}

// An output of the shape of an input, whose gradient it is.
static float *gradient_of(struct io *io, int i, const TF_Tensor *like) {
  int64_t dims[3];
  const int rank = TF_NumDims(like);
  for (int d = 0; d < rank; d++) dims[d] = TF_Dim(like, d);
  return io_output(io, i, TF_FLOAT, rank, dims);
}

static void run_head(const struct rnn_isa *isa, struct io *io) {
  TF_Tensor *const *in = io->in;
  struct rnn_head p = {
      .steps = TF_Dim(in[IN_H], 0),
      .batch = TF_Dim(in[IN_H], 1),
      .units = TF_Dim(in[IN_H], 2),
      .outputs = TF_Dim(in[IN_KERNEL], 1),
      .h = TF_TensorData(in[IN_H]),
      .kernel = TF_TensorData(in[IN_KERNEL]),
      .bias = TF_TensorData(in[IN_BIAS]),
      .dh = gradient_of(io, OUT_DH, in[IN_H]),
      .dkernel = gradient_of(io, OUT_DKERNEL, in[IN_KERNEL]),
      .dbias = gradient_of(io, OUT_DBIAS, in[IN_BIAS]),
  };
  float *mean = io_output(io, OUT_MEAN, TF_FLOAT, 0, NULL);
  if (!io_ok(io)) return;
  const int64_t n = p.steps * p.batch;
  float *memory = scratch_acquire((size_t)(head_scratch(p.units) + 2 * n * p.outputs));
  if (!memory) {
    io_fail(io, TF_RESOURCE_EXHAUSTED, "no memory for the head");
    return;
  }
  p.logits = memory + head_scratch(p.units);
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
  struct io io = io_begin(c, HEAD_INPUTS);
  if (io_ok(&io) && !shapes_fit(io.in))
    io_fail(&io, TF_INVALID_ARGUMENT,
            "want h [steps, batch, units], kernel [units, outputs], bias [outputs], labels and w [steps*batch]");
  if (io_ok(&io)) run_head(*(const struct rnn_isa **)kernel, &io);
  io_end(&io);
}

// Values come one at a time, as there may be any number of them.
static void compute_norm(void *kernel, TF_OpKernelContext *c) {
  (void)kernel;
  struct io io = io_begin(c, 0);
  double sum = 0;
  for (int i = 0; i < TF_NumInputs(c) && io_ok(&io); i++) {
    TF_Tensor *values = NULL;
    TF_GetInput(c, i, &values, io.status);
    if (io_ok(&io)) sum += norm_squares(TF_TensorData(values), TF_TensorElementCount(values));
    if (values) TF_DeleteTensor(values);
  }
  float *norm = io_output(&io, 0, TF_FLOAT, 0, NULL);
  if (norm) *norm = (float)sqrt(sum);
  io_end(&io);
}

void register_head(TF_Status *status) {
  register_op(RNNBIN_HEAD, head_inputs, head_outputs, head_attrs, head_shape, new_head, compute_head, status);
  register_op(RNNBIN_GLOBAL_NORM, norm_inputs, norm_outputs, norm_attrs, set_scalar, NULL, compute_norm, status);
}
