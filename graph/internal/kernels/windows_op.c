// The op that cuts a training step's windows out of a series.

#include <stdio.h>
#include <string.h>

#include "kernels.h"

#define TF_UNUSED_NAME rnnbin_unused_in_windows_op
#include "op.h"

static const char *const inputs[] = {"x: float",       "y: L",         "w: float", "starts: int32",
                                     "rates: float", "at: int32", NULL};
static const char *const outputs[] = {"windows: float", "labels: L", "share: float", "rate: float", NULL};
static const char *const attrs[] = {"L: {int32, float}", "steps: int >= 1", NULL};
enum { IN_X, IN_Y, IN_W, IN_STARTS, IN_RATES, IN_AT, INPUTS };
enum { OUT_WINDOWS, OUT_LABELS, OUT_SHARE, OUT_RATE };

// ---- shapes, while a graph is built ----

// result = a dimension of an input that must have rank 2.
static void dimension(TF_ShapeInferenceContext *c, int input, int64_t i, TF_ShapeHandle *result, TF_Status *status) {
  TF_ShapeHandle *shape = TF_NewShapeHandle(), *matrix = TF_NewShapeHandle();
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextGetInput(c, input, shape, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextWithRank(c, shape, 2, matrix, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSubshape(c, matrix, i, i + 1, result, status);
  TF_DeleteShapeHandle(shape);
  TF_DeleteShapeHandle(matrix);
}

// The number of steps is unknown: this C API can't read such an attribute here.
static void shape(TF_ShapeInferenceContext *c, TF_Status *status) {
  TF_ShapeHandle *scalar = TF_ShapeInferenceContextScalar(c);
  TF_ShapeHandle *unknown = TF_ShapeInferenceContextVectorFromSize(c, (size_t)-1);
  TF_ShapeHandle *batch = TF_NewShapeHandle(), *features = TF_NewShapeHandle(), *all = TF_NewShapeHandle();
  dimension(c, IN_STARTS, 1, batch, status);
  dimension(c, IN_X, 1, features, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextConcatenateShapes(c, unknown, batch, all, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextConcatenateShapes(c, all, features, all, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_ShapeInferenceContextSetOutput(c, OUT_WINDOWS, all, status);
    TF_ShapeInferenceContextSetOutput(c, OUT_LABELS, unknown, status);
    TF_ShapeInferenceContextSetOutput(c, OUT_SHARE, unknown, status);
    TF_ShapeInferenceContextSetOutput(c, OUT_RATE, scalar, status);
  }
  TF_ShapeHandle *const handles[] = {scalar, unknown, batch, features, all};
  for (size_t i = 0; i < sizeof handles / sizeof *handles; i++) TF_DeleteShapeHandle(handles[i]);
}

// ---- kernel ----

struct windows_kernel {
  int steps;
};

static void *create(TF_OpKernelConstruction *c) {
  TF_Status *status = TF_NewStatus();
  const struct windows_kernel k = {int_attribute(c, "steps", status)};
  return finish_kernel(c, status, &k, sizeof k);
}

// The windows of one step: B of them, of T rows of the series [N,F].
struct windows {
  const int32_t *starts;  // [B], their first rows
  int64_t steps, batch, rows, features;
};

static struct windows find_windows(struct io *io, int64_t steps) {
  TF_Tensor *const *in = io->in;
  const int32_t at = io_int(io, IN_AT, "at");
  if (!io_ok(io)) return (struct windows){0};
  if (TF_NumDims(in[IN_X]) == 2 && TF_NumDims(in[IN_STARTS]) == 2) {
    const int64_t N = TF_Dim(in[IN_X], 0), F = TF_Dim(in[IN_X], 1), K = TF_Dim(in[IN_STARTS], 0), B = TF_Dim(in[IN_STARTS], 1);
    if (F > 0 && B > 0 && TF_NumDims(in[IN_Y]) == 1 && TF_Dim(in[IN_Y], 0) == N && TF_NumDims(in[IN_W]) == 1 &&
        TF_Dim(in[IN_W], 0) == N && TF_NumDims(in[IN_RATES]) == 1 && TF_Dim(in[IN_RATES], 0) == K && at >= 0 && at < K)
      return (struct windows){(const int32_t *)TF_TensorData(in[IN_STARTS]) + at * B, steps, B, N, F};
  }
  io_fail(io, TF_INVALID_ARGUMENT,
          "want x [rows, inputs], y and w [rows], starts [K, batch], rates [K], 0 <= at < K");
  return (struct windows){0};
}

static void check_windows(struct io *io, const struct windows *z) {
  for (int64_t b = 0; b < z->batch; b++)
    if (z->starts[b] < 0 || z->starts[b] > z->rows - z->steps) {
      char text[128];
      snprintf(text, sizeof text, "a window of %lld steps at row %d is not within %lld rows", (long long)z->steps,
               z->starts[b], (long long)z->rows);
      io_fail(io, TF_INVALID_ARGUMENT, text);
      return;
    }
}

static float total_weight(const struct windows *z, const float *w) {
  double total = 0;
  for (int64_t b = 0; b < z->batch; b++)
    for (int64_t t = 0; t < z->steps; t++) total += w[z->starts[b] + t];
  return (float)total;
}

// Rows of the series to rows of windows, step by step. Labels have four bytes each,
// whatever their type.
static void cut(const struct windows *z, const float *x, const int32_t *y, const float *w, float *windows,
                int32_t *labels, float *share) {
  const float total = total_weight(z, w);
  for (int64_t t = 0; t < z->steps; t++)
    for (int64_t b = 0; b < z->batch; b++) {
      const int64_t row = z->starts[b] + t;
      for (int64_t k = 0; k < z->features; k++) *windows++ = x[row * z->features + k];
      *labels++ = y[row];
      *share++ = total != 0 ? w[row] / total : 0;
    }
}

static void compute(void *kernel, TF_OpKernelContext *c) {
  const struct windows_kernel *k = kernel;
  struct io io = io_begin(c, 0, INPUTS);
  const struct windows z = find_windows(&io, k->steps);
  if (io_ok(&io)) check_windows(&io, &z);
  int64_t all;
  if (io_ok(&io) && __builtin_mul_overflow(z.steps, z.batch, &all)) io_fail(&io, TF_INVALID_ARGUMENT, "the windows are too many");
  float *windows = io_output(&io, OUT_WINDOWS, TF_FLOAT, 3, (int64_t[]){z.steps, z.batch, z.features});
  int32_t *labels = io_ok(&io) ? io_output(&io, OUT_LABELS, TF_TensorType(io.in[IN_Y]), 1, &all) : NULL;
  float *share = io_output(&io, OUT_SHARE, TF_FLOAT, 1, &all), *rate = io_output(&io, OUT_RATE, TF_FLOAT, 0, NULL);
  if (io_ok(&io)) {
    cut(&z, TF_TensorData(io.in[IN_X]), TF_TensorData(io.in[IN_Y]), TF_TensorData(io.in[IN_W]), windows, labels, share);
    *rate = ((const float *)TF_TensorData(io.in[IN_RATES]))[io_int(&io, IN_AT, "at")];
  }
  io_end(&io);
}

const struct op windows_op = {RNNBIN_WINDOWS, inputs, outputs, attrs, shape, create, compute};
