// The ops of a training step: everything but the update, and what is written down
// about it.

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels.h"
#include "recurrence.h"

#define TF_UNUSED_NAME rnnbin_unused_in_train_ops
#include "io.h"
#include "register.h"

// ---- train ----

static const char *const train_inputs[] = {
    "x: float", "y: L", "w: float", "starts: int32", "rates: float", "at: int32",
    "kernel: float", "bias: float", "projection: float", "projection_bias: float", NULL};
static const char *const train_outputs[] = {
    "loss: float", "norm: float", "rate: float",
    "dkernel: float", "dbias: float", "dprojection: float", "dprojection_bias: float", NULL};
static const char *const train_attrs[] = {"L: {int32, float}", "steps: int >= 1", "activation: {'relu', 'tanh'}",
                                          "threads: int >= 1 = 1", "isa: string = 'auto'", NULL};
enum {
  TRAIN_X,
  TRAIN_Y,
  TRAIN_W,
  TRAIN_STARTS,
  TRAIN_RATES,
  TRAIN_AT,
  TRAIN_KERNEL,
  TRAIN_BIAS,
  TRAIN_PROJECTION,
  TRAIN_PROJECTION_BIAS,
  TRAIN_INPUTS
};
enum { TRAIN_LOSS, TRAIN_NORM, TRAIN_RATE, TRAIN_DKERNEL };

static void *new_train(TF_OpKernelConstruction *c) { return new_kernel(c, HAS_STEPS); }

static void train_shape(TF_ShapeInferenceContext *c, TF_Status *status) {
  TF_ShapeHandle *shape = TF_ShapeInferenceContextScalar(c);
  for (int i = TRAIN_LOSS; i <= TRAIN_RATE; i++) TF_ShapeInferenceContextSetOutput(c, i, shape, status);
  // gradients have their weights' shapes
  for (int i = TRAIN_KERNEL; i < TRAIN_INPUTS && TF_GetCode(status) == TF_OK; i++) {
    TF_ShapeInferenceContextGetInput(c, i, shape, status);
    if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(c, TRAIN_DKERNEL + i - TRAIN_KERNEL, shape, status);
  }
  TF_DeleteShapeHandle(shape);
}

static int32_t int_at(TF_Tensor *t, int64_t i) { return ((const int32_t *)TF_TensorData(t))[i]; }

static int plan_fits(TF_Tensor *const in[]) {
  if (TF_NumDims(in[TRAIN_X]) != 2 || TF_NumDims(in[TRAIN_STARTS]) != 2 || TF_TensorElementCount(in[TRAIN_AT]) != 1) return 0;
  const int64_t rows = TF_Dim(in[TRAIN_X], 0), calls = TF_Dim(in[TRAIN_STARTS], 0), at = int_at(in[TRAIN_AT], 0);
  return TF_TensorElementCount(in[TRAIN_Y]) == rows && TF_TensorElementCount(in[TRAIN_W]) == rows &&
         TF_TensorElementCount(in[TRAIN_RATES]) == calls && TF_Dim(in[TRAIN_STARTS], 1) > 0 && at >= 0 && at < calls;
}

static int weights_fit(TF_Tensor *const in[]) {
  if (TF_NumDims(in[TRAIN_KERNEL]) != 2 || TF_NumDims(in[TRAIN_PROJECTION]) != 2) return 0;
  if (TF_NumDims(in[TRAIN_BIAS]) != 1 || TF_NumDims(in[TRAIN_PROJECTION_BIAS]) != 1) return 0;
  const int64_t inputs = TF_Dim(in[TRAIN_X], 1), units = TF_Dim(in[TRAIN_KERNEL], 1), outputs = TF_Dim(in[TRAIN_PROJECTION], 1);
  return inputs > 0 && units > 0 && outputs > 0 && TF_Dim(in[TRAIN_KERNEL], 0) == inputs + units &&
         TF_TensorElementCount(in[TRAIN_BIAS]) == units && TF_Dim(in[TRAIN_PROJECTION], 0) == units &&
         TF_TensorElementCount(in[TRAIN_PROJECTION_BIAS]) == outputs;
}

static void check_windows(struct io *io, const int32_t *starts, int64_t batch, int64_t steps, int64_t rows) {
  for (int64_t b = 0; b < batch; b++)
    if (starts[b] < 0 || starts[b] > rows - steps) {
      char text[128];
      snprintf(text, sizeof text, "a window of %lld steps at row %d is not within %lld rows", (long long)steps,
               starts[b], (long long)rows);
      io_fail(io, TF_INVALID_ARGUMENT, text);
      return;
    }
}

// The gradient of a weight, which has one dimension or two.
static float *gradient_of(struct io *io, int i) {
  int64_t dims[2];
  const int rank = TF_NumDims(io->in[i]);
  for (int d = 0; d < rank; d++) dims[d] = TF_Dim(io->in[i], d);
  return io_output(io, TRAIN_DKERNEL + i - TRAIN_KERNEL, TF_FLOAT, rank, dims);
}

static double total_weight(const float *w, const int32_t *starts, int64_t batch, int64_t steps) {
  double total = 0;
  for (int64_t b = 0; b < batch; b++)
    for (int64_t t = 0; t < steps; t++) total += w[starts[b] + t];
  return total;
}

static double global_norm(const struct rnn_isa *isa, const struct rnn_train *f) {
  const int64_t F = f->size.inputs, U = f->size.units, O = f->head.outputs;
  return sqrt(isa->squares(f->dkernel, (F + U) * U) + isa->squares(f->dbias, U) + isa->squares(f->head.dkernel, U * O) +
              isa->squares(f->head.dbias, O));
}

static void run_train(const struct kernel *k, struct io *io) {
  TF_Tensor *const *in = io->in;
  const int64_t batch = TF_Dim(in[TRAIN_STARTS], 1), at = int_at(in[TRAIN_AT], 0);
  const int32_t *starts = (const int32_t *)TF_TensorData(in[TRAIN_STARTS]) + at * batch;
  check_windows(io, starts, batch, k->steps, TF_Dim(in[TRAIN_X], 0));
  float *loss = io_output(io, TRAIN_LOSS, TF_FLOAT, 0, NULL), *norm = io_output(io, TRAIN_NORM, TF_FLOAT, 0, NULL);
  float *rate = io_output(io, TRAIN_RATE, TF_FLOAT, 0, NULL);
  const struct rnn_train f = {
      .size = {k->steps, batch, TF_Dim(in[TRAIN_X], 1), TF_Dim(in[TRAIN_KERNEL], 1)},
      .activation = k->activation,
      .x = TF_TensorData(in[TRAIN_X]),
      .starts = starts,
      .kernel = TF_TensorData(in[TRAIN_KERNEL]),
      .bias = TF_TensorData(in[TRAIN_BIAS]),
      .dkernel = gradient_of(io, TRAIN_KERNEL),
      .dbias = gradient_of(io, TRAIN_BIAS),
      .head = {
          .loss = TF_TensorType(in[TRAIN_Y]) == TF_FLOAT ? HEAD_MSE : HEAD_XENT,
          .outputs = TF_Dim(in[TRAIN_PROJECTION], 1),
          .kernel = TF_TensorData(in[TRAIN_PROJECTION]),
          .bias = TF_TensorData(in[TRAIN_PROJECTION_BIAS]),
          .labels = TF_TensorData(in[TRAIN_Y]),
          .w = TF_TensorData(in[TRAIN_W]),
          .total = io_ok(io) ? total_weight(TF_TensorData(in[TRAIN_W]), starts, batch, k->steps) : 0,
          .mean = loss,
          .dkernel = gradient_of(io, TRAIN_PROJECTION),
          .dbias = gradient_of(io, TRAIN_PROJECTION_BIAS),
      }};
  if (!io_ok(io)) return;
  if (rnn_run_train(k->isa, &f, k->threads)) {
    io_fail(io, TF_RESOURCE_EXHAUSTED, "no memory for a training step");
    return;
  }
  *norm = (float)global_norm(k->isa, &f);
  *rate = ((const float *)TF_TensorData(in[TRAIN_RATES]))[at];
}

static void compute_train(void *kernel, TF_OpKernelContext *c) {
  struct io io = io_begin(c, 0, TRAIN_INPUTS);
  if (io_ok(&io) && !plan_fits(io.in))
    io_fail(&io, TF_INVALID_ARGUMENT, "want x [rows, inputs], y and w [rows], starts [K, batch], rates [K], 0 <= at < K");
  if (io_ok(&io) && !weights_fit(io.in))
    io_fail(&io, TF_INVALID_ARGUMENT,
            "want kernel [inputs+units, units], bias [units], projection [units, outputs], projection_bias [outputs]");
  if (io_ok(&io)) run_train(kernel, &io);
  io_end(&io);
}

// ---- record ----

static const char *const record_inputs[] = {"report: float", "at: int32", "loss: float", "norm: float", NULL};
static const char *const record_outputs[] = {"recorded: float", "next: int32", NULL};
static const char *const record_attrs[] = {NULL};
enum { RECORD_REPORT, RECORD_AT, RECORD_LOSS, RECORD_NORM, RECORD_INPUTS };
enum { RECORD_OUT_REPORT, RECORD_OUT_NEXT };

static void record_shape(TF_ShapeInferenceContext *c, TF_Status *status) {
  TF_ShapeHandle *shape = TF_ShapeInferenceContextScalar(c);
  TF_ShapeInferenceContextSetOutput(c, RECORD_OUT_NEXT, shape, status);
  TF_ShapeInferenceContextGetInput(c, RECORD_REPORT, shape, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(c, RECORD_OUT_REPORT, shape, status);
  TF_DeleteShapeHandle(shape);
}

static void run_record(struct io *io) {
  TF_Tensor *report = io->in[RECORD_REPORT];
  const int64_t dims[] = {TF_Dim(report, 0), TF_Dim(report, 1)};
  const int32_t at = int_at(io->in[RECORD_AT], 0);
  const float loss = *(const float *)TF_TensorData(io->in[RECORD_LOSS]);
  const float norm = *(const float *)TF_TensorData(io->in[RECORD_NORM]);
  // The loop hands the report on from step to step, so that it is written in place;
  // a caller who keeps it gets a copy.
  const int candidates[] = {RECORD_REPORT};
  int forwarded = -1;
  TF_Tensor *out = TF_ForwardInputOrAllocateOutput(io->context, candidates, 1, RECORD_OUT_REPORT, dims, 2, &forwarded,
                                                   io->status);
  io->out[RECORD_OUT_REPORT] = out;
  int32_t *next = io_output(io, RECORD_OUT_NEXT, TF_INT32, 0, NULL);
  if (!io_ok(io)) return;
  float *lines = TF_TensorData(out);
  if (lines != TF_TensorData(report)) memcpy(lines, TF_TensorData(report), TF_TensorByteSize(report));
  lines[2 * at] = loss;
  lines[2 * at + 1] = norm;
  *next = isfinite(loss) && isfinite(norm) ? at + 1 : INT32_MAX;
}

static void compute_record(void *kernel, TF_OpKernelContext *c) {
  (void)kernel;
  struct io io = io_begin(c, 0, RECORD_INPUTS);
  if (io_ok(&io)) {
    const int32_t at = int_at(io.in[RECORD_AT], 0);
    if (TF_NumDims(io.in[RECORD_REPORT]) != 2 || TF_Dim(io.in[RECORD_REPORT], 1) != 2 || at < 0 ||
        at >= TF_Dim(io.in[RECORD_REPORT], 0))
      io_fail(&io, TF_INVALID_ARGUMENT, "want report [K, 2] and 0 <= at < K");
  }
  if (io_ok(&io)) run_record(&io);
  io_end(&io);
}

void register_train(TF_Status *status) {
  register_op(RNNBIN_TRAIN, train_inputs, train_outputs, train_attrs, train_shape, new_train, compute_train, status);
  register_op(RNNBIN_RECORD, record_inputs, record_outputs, record_attrs, record_shape, NULL, compute_record, status);
}
