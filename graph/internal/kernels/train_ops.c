// The op of a training step but for the update, and the op of its gradient's norm.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "norm.h"
#include "recurrence.h"

#define TF_UNUSED_NAME rnnbin_unused_in_train_ops
#include "io.h"
#include "register.h"

static const char *const train_inputs[] = {"x: float",  "kernel: float", "bias: float", "projection: float", "projection_bias: float",
                                           "labels: L", "w: float",      NULL};
static const char *const train_outputs[] = {"mean: float",       "dkernel: float",          "dbias: float",
                                            "dprojection: float", "dprojection_bias: float", NULL};
static const char *const train_attrs[] = {"L: {int32, float}", "activation: {'relu', 'tanh'}", "threads: int >= 1 = 1",
                                          "isa: string = 'auto'", NULL};
enum { IN_X, IN_KERNEL, IN_BIAS, IN_PROJECTION, IN_PROJECTION_BIAS, IN_LABELS, IN_W, TRAIN_INPUTS };
enum { OUT_MEAN, OUT_DKERNEL, OUT_DBIAS, OUT_DPROJECTION, OUT_DPROJECTION_BIAS };

static const char *const norm_inputs[] = {"values: N * float", NULL};
static const char *const norm_outputs[] = {"norm: float", NULL};
static const char *const norm_attrs[] = {"N: int >= 1", NULL};

static void set_scalar(TF_ShapeInferenceContext *c, TF_Status *status) {
  TF_ShapeHandle *scalar = TF_ShapeInferenceContextScalar(c);
  TF_ShapeInferenceContextSetOutput(c, 0, scalar, status);
  TF_DeleteShapeHandle(scalar);
}

// Gradients have their weights' shapes.
static void train_shape(TF_ShapeInferenceContext *c, TF_Status *status) {
  TF_ShapeHandle *shape = TF_NewShapeHandle();
  set_scalar(c, status);
  for (int i = IN_KERNEL; i <= IN_PROJECTION_BIAS && TF_GetCode(status) == TF_OK; i++) {
    TF_ShapeInferenceContextGetInput(c, i, shape, status);
    if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(c, OUT_DKERNEL + i - IN_KERNEL, shape, status);
  }
  TF_DeleteShapeHandle(shape);
}

// Whether every input has the shape that x [T,B,F], kernel [F+U,U] and projection
// [U,O] ask for.
static int shapes_fit(TF_Tensor *const in[]) {
  if (TF_NumDims(in[IN_X]) != 3 || TF_NumDims(in[IN_KERNEL]) != 2 || TF_NumDims(in[IN_PROJECTION]) != 2) return 0;
  const int64_t rows = TF_Dim(in[IN_X], 0) * TF_Dim(in[IN_X], 1), inputs = TF_Dim(in[IN_X], 2);
  const int64_t units = TF_Dim(in[IN_KERNEL], 1), outputs = TF_Dim(in[IN_PROJECTION], 1);
  return rows > 0 && inputs > 0 && units > 0 && outputs > 0 && TF_Dim(in[IN_KERNEL], 0) == inputs + units &&
         TF_TensorElementCount(in[IN_BIAS]) == units && TF_Dim(in[IN_PROJECTION], 0) == units &&
         TF_TensorElementCount(in[IN_PROJECTION_BIAS]) == outputs && TF_TensorElementCount(in[IN_LABELS]) == rows &&
         TF_TensorElementCount(in[IN_W]) == rows;
}

// The gradient of an input.
static float *gradient_of(struct io *io, int i) {
  int64_t dims[2];
  const int rank = TF_NumDims(io->in[i]);
  for (int d = 0; d < rank && d < 2; d++) dims[d] = TF_Dim(io->in[i], d);
  return io_output(io, OUT_DKERNEL + i - IN_KERNEL, TF_FLOAT, rank, dims);
}

static double sum_of(const float *w, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; i++) total += w[i];
  return total;
}

static void run_train(const struct kernel *k, struct io *io) {
  TF_Tensor *const *in = io->in;
  const struct rnn_size size = {TF_Dim(in[IN_X], 0), TF_Dim(in[IN_X], 1), TF_Dim(in[IN_X], 2), TF_Dim(in[IN_KERNEL], 1)};
  const struct rnn_train f = {
      .size = size,
      .activation = k->activation,
      .x = TF_TensorData(in[IN_X]),
      .kernel = TF_TensorData(in[IN_KERNEL]),
      .bias = TF_TensorData(in[IN_BIAS]),
      .dkernel = gradient_of(io, IN_KERNEL),
      .dbias = gradient_of(io, IN_BIAS),
      .head = {
          .loss = TF_TensorType(in[IN_LABELS]) == TF_FLOAT ? HEAD_MSE : HEAD_XENT,
          .outputs = TF_Dim(in[IN_PROJECTION], 1),
          .kernel = TF_TensorData(in[IN_PROJECTION]),
          .bias = TF_TensorData(in[IN_PROJECTION_BIAS]),
          .labels = TF_TensorData(in[IN_LABELS]),
          .w = TF_TensorData(in[IN_W]),
          .total = sum_of(TF_TensorData(in[IN_W]), size.steps * size.batch),
          .mean = io_output(io, OUT_MEAN, TF_FLOAT, 0, NULL),
          .dkernel = gradient_of(io, IN_PROJECTION),
          .dbias = gradient_of(io, IN_PROJECTION_BIAS),
      }};
  if (io_ok(io) && rnn_run_train(k->isa, &f, k->threads))
    io_fail(io, TF_RESOURCE_EXHAUSTED, "no memory for a training step");
}

static void compute_train(void *kernel, TF_OpKernelContext *c) {
  struct io io = io_begin(c, TRAIN_INPUTS);
  if (io_ok(&io) && !shapes_fit(io.in))
    io_fail(&io, TF_INVALID_ARGUMENT,
            "want x [steps, batch, inputs], kernel [inputs+units, units], bias [units], projection [units, outputs], "
            "projection_bias [outputs], labels and w [steps*batch], none of them empty");
  if (io_ok(&io)) run_train(kernel, &io);
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

void register_train(TF_Status *status) {
  register_op(RNNBIN_TRAIN, train_inputs, train_outputs, train_attrs, train_shape, new_kernel, compute_train, status);
  register_op(RNNBIN_GLOBAL_NORM, norm_inputs, norm_outputs, norm_attrs, set_scalar, NULL, compute_norm, status);
}
