// The ops at both ends of a training step: what the plan has for it, and what is
// written down about it.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

#define TF_UNUSED_NAME rnnbin_unused_in_plan_ops
#include "io.h"
#include "register.h"

// ---- batch ----

static const char *const batch_inputs[] = {"x: float",      "y: L",         "w: float", "starts: int32",
                                           "rates: float", "at: int32", NULL};
static const char *const batch_outputs[] = {"batch_x: float", "batch_y: L", "batch_w: float", "rate: float", NULL};
static const char *const batch_attrs[] = {"L: {int32, float}", "steps: int >= 1", NULL};
enum { BATCH_X, BATCH_Y, BATCH_W, BATCH_STARTS, BATCH_RATES, BATCH_AT, BATCH_INPUTS };
enum { BATCH_OUT_X, BATCH_OUT_Y, BATCH_OUT_W, BATCH_OUT_RATE };

// Only the number of features could be known, and the session does not need it.
static void unknown_shapes(TF_ShapeInferenceContext *c, TF_Status *status) {
  TF_ShapeInferenceContextSetUnknownShape(c, status);
}

struct batch {
  int64_t steps;
};

static void *new_batch(TF_OpKernelConstruction *c) {
  TF_Status *status = TF_NewStatus();
  struct batch *b = malloc(sizeof *b);
  if (b)
    TF_OpKernelConstruction_GetAttrInt64(c, "steps", &b->steps, status);
  else
    TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "no memory for the kernel");
  if (TF_GetCode(status) != TF_OK) {
    TF_OpKernelConstruction_Failure(c, status);
    free(b);
    b = NULL;
  }
  TF_DeleteStatus(status);
  return b;
}

static int batch_shapes_fit(TF_Tensor *const in[]) {
  if (TF_NumDims(in[BATCH_X]) != 2 || TF_NumDims(in[BATCH_STARTS]) != 2) return 0;
  const int64_t rows = TF_Dim(in[BATCH_X], 0), at = *(const int32_t *)TF_TensorData(in[BATCH_AT]);
  return TF_TensorElementCount(in[BATCH_Y]) == rows && TF_TensorElementCount(in[BATCH_W]) == rows &&
         TF_TensorElementCount(in[BATCH_RATES]) == TF_Dim(in[BATCH_STARTS], 0) && at >= 0 &&
         at < TF_Dim(in[BATCH_STARTS], 0);
}

// The first start whose window leaves the rows, or -1.
static int64_t find_outside(const int32_t *starts, int64_t batch, int64_t steps, int64_t rows) {
  for (int64_t b = 0; b < batch; b++)
    if (starts[b] < 0 || starts[b] > rows - steps) return b;
  return -1;
}

// to [T,B,n] = the rows of from [N,n] in the windows, time-major; four bytes a value.
static void gather(int32_t *to, const int32_t *from, int64_t n, const int32_t *starts, int64_t steps, int64_t batch) {
  for (int64_t t = 0; t < steps; t++)
    for (int64_t b = 0; b < batch; b++)
      for (int64_t i = 0; i < n; i++) *to++ = from[(starts[b] + t) * n + i];
}

static void run_batch(int64_t steps, struct io *io) {
  const int64_t rows = TF_Dim(io->in[BATCH_X], 0), features = TF_Dim(io->in[BATCH_X], 1);
  const int64_t batch = TF_Dim(io->in[BATCH_STARTS], 1), at = *(const int32_t *)TF_TensorData(io->in[BATCH_AT]);
  const int32_t *starts = (const int32_t *)TF_TensorData(io->in[BATCH_STARTS]) + at * batch;
  const int64_t outside = find_outside(starts, batch, steps, rows);
  if (outside >= 0) {
    char text[128];
    snprintf(text, sizeof text, "a window of %lld steps at row %d is not within %lld rows", (long long)steps,
             starts[outside], (long long)rows);
    io_fail(io, TF_INVALID_ARGUMENT, text);
    return;
  }
  int32_t *x = io_output(io, BATCH_OUT_X, TF_FLOAT, 3, (int64_t[]){steps, batch, features});
  int32_t *y = io_output(io, BATCH_OUT_Y, TF_TensorType(io->in[BATCH_Y]), 1, (int64_t[]){steps * batch});
  int32_t *w = io_output(io, BATCH_OUT_W, TF_FLOAT, 1, (int64_t[]){steps * batch});
  float *rate = io_output(io, BATCH_OUT_RATE, TF_FLOAT, 0, NULL);
  if (!io_ok(io)) return;
  gather(x, TF_TensorData(io->in[BATCH_X]), features, starts, steps, batch);
  gather(y, TF_TensorData(io->in[BATCH_Y]), 1, starts, steps, batch);
  gather(w, TF_TensorData(io->in[BATCH_W]), 1, starts, steps, batch);
  *rate = ((const float *)TF_TensorData(io->in[BATCH_RATES]))[at];
}

static void compute_batch(void *kernel, TF_OpKernelContext *c) {
  struct io io = io_begin(c, BATCH_INPUTS);
  if (io_ok(&io) && !batch_shapes_fit(io.in))
    io_fail(&io, TF_INVALID_ARGUMENT, "want x [rows, features], y and w [rows], starts [K, batch], rates [K], 0 <= at < K");
  if (io_ok(&io)) run_batch(((const struct batch *)kernel)->steps, &io);
  io_end(&io);
}

// ---- record ----

static const char *const record_inputs[] = {"report: float", "at: int32", "loss: float", "norm: float", NULL};
static const char *const record_outputs[] = {"recorded: float", "next: int32", NULL};
static const char *const record_attrs[] = {NULL};
enum { RECORD_REPORT, RECORD_AT, RECORD_LOSS, RECORD_NORM, RECORD_INPUTS };
enum { RECORD_OUT_REPORT, RECORD_OUT_NEXT };

static void run_record(struct io *io) {
  TF_Tensor *report = io->in[RECORD_REPORT];
  const int64_t dims[] = {TF_Dim(report, 0), TF_Dim(report, 1)};
  const int32_t at = *(const int32_t *)TF_TensorData(io->in[RECORD_AT]);
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
  struct io io = io_begin(c, RECORD_INPUTS);
  if (io_ok(&io)) {
    const int32_t at = *(const int32_t *)TF_TensorData(io.in[RECORD_AT]);
    if (TF_NumDims(io.in[RECORD_REPORT]) != 2 || TF_Dim(io.in[RECORD_REPORT], 1) != 2 || at < 0 ||
        at >= TF_Dim(io.in[RECORD_REPORT], 0))
      io_fail(&io, TF_INVALID_ARGUMENT, "want report [K, 2] and 0 <= at < K");
  }
  if (io_ok(&io)) run_record(&io);
  io_end(&io);
}

void register_plan(TF_Status *status) {
  register_op(RNNBIN_BATCH, batch_inputs, batch_outputs, batch_attrs, unknown_shapes, new_batch, compute_batch, status);
  register_op(RNNBIN_RECORD, record_inputs, record_outputs, record_attrs, unknown_shapes, NULL, compute_record, status);
}
