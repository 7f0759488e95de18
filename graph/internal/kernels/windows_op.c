// The op that cuts a training step's windows out of a series.

#include <inttypes.h>

#include "kernels.h"
#include "op.h"

static const char *const inputs[] = {"x: float",       "y: L",         "w: float", "starts: int32",
                                     "rates: float", "at: int32", NULL};
static const char *const outputs[] = {"windows: float", "labels: L", "share: float", "rate: float", NULL};
static const char *const attrs[] = {"L: {int32, float}", "steps: int >= 1", NULL};
enum { IN_X, IN_Y, IN_W, IN_STARTS, IN_RATES, IN_AT, INPUTS };
enum { OUT_WINDOWS, OUT_LABELS, OUT_SHARE, OUT_RATE };

// The number of steps is unknown: this C API can't read such an attribute here.
static void shape(TF_ShapeInferenceContext *c, TF_Status *status) {
  rnnbin_set_shape(c, OUT_WINDOWS, 3, (struct dim[]){UNKNOWN_DIM, {IN_STARTS, 2, 1}, {IN_X, 2, 1}}, status);
  rnnbin_set_shape(c, OUT_LABELS, 1, (struct dim[]){UNKNOWN_DIM}, status);
  rnnbin_set_shape(c, OUT_SHARE, 1, (struct dim[]){UNKNOWN_DIM}, status);
  rnnbin_set_shape(c, OUT_RATE, 0, NULL, status);
}

struct windows_kernel {
  int steps;
};

static void *create(TF_OpKernelConstruction *c) {
  TF_Status *status = TF_NewStatus();
  const struct windows_kernel k = {rnnbin_int_attribute(c, "steps", status)};
  return rnnbin_finish_kernel(c, status, &k, sizeof k);
}

// The windows of one step: B of them, of T rows of the series [N,F].
struct windows {
  const int32_t *starts;  // [B], their first rows
  int64_t steps, batch, rows, features;
};

static struct windows find_windows(struct io *io, int64_t steps) {
  TF_Tensor *const *in = io->in;
  const int32_t at = rnnbin_int(io, IN_AT, "at");
  if (!rnnbin_ok(io)) return (struct windows){0};
  if (TF_NumDims(in[IN_X]) == 2 && TF_NumDims(in[IN_STARTS]) == 2) {
    const int64_t N = TF_Dim(in[IN_X], 0), F = TF_Dim(in[IN_X], 1), K = TF_Dim(in[IN_STARTS], 0), B = TF_Dim(in[IN_STARTS], 1);
    if (F > 0 && B > 0 && TF_NumDims(in[IN_Y]) == 1 && TF_Dim(in[IN_Y], 0) == N && TF_NumDims(in[IN_W]) == 1 &&
        TF_Dim(in[IN_W], 0) == N && TF_NumDims(in[IN_RATES]) == 1 && TF_Dim(in[IN_RATES], 0) == K && at >= 0 && at < K)
      return (struct windows){(const int32_t *)TF_TensorData(in[IN_STARTS]) + at * B, steps, B, N, F};
  }
  rnnbin_fail(io->status, TF_INVALID_ARGUMENT,
              "want x [rows, inputs], y and w [rows], starts [K, batch], rates [K], 0 <= at < K");
  return (struct windows){0};
}

static void check_windows(struct io *io, const struct windows *z) {
  for (int64_t b = 0; b < z->batch; b++)
    if (z->starts[b] < 0 || z->starts[b] > z->rows - z->steps) {
      rnnbin_fail(io->status, TF_INVALID_ARGUMENT, "a window of %" PRId64 " steps at row %d is not within %" PRId64 " rows",
                  z->steps, z->starts[b], z->rows);
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
  struct io io = rnnbin_begin(c, 0, INPUTS);
  const struct windows z = find_windows(&io, k->steps);
  if (rnnbin_ok(&io)) check_windows(&io, &z);
  float *windows = rnnbin_output(&io, OUT_WINDOWS, TF_FLOAT, 3, (int64_t[]){z.steps, z.batch, z.features});
  const TF_DataType type = rnnbin_ok(&io) ? TF_TensorType(io.in[IN_Y]) : TF_FLOAT;
  const int64_t all = rnnbin_ok(&io) ? z.steps * z.batch : 0;
  int32_t *labels = rnnbin_output(&io, OUT_LABELS, type, 1, &all);
  float *share = rnnbin_output(&io, OUT_SHARE, TF_FLOAT, 1, &all), *rate = rnnbin_output(&io, OUT_RATE, TF_FLOAT, 0, NULL);
  if (rnnbin_ok(&io)) {
    cut(&z, TF_TensorData(io.in[IN_X]), TF_TensorData(io.in[IN_Y]), TF_TensorData(io.in[IN_W]), windows, labels, share);
    *rate = ((const float *)TF_TensorData(io.in[IN_RATES]))[rnnbin_int(&io, IN_AT, "at")];
  }
  rnnbin_end(&io);
}

const struct op rnnbin_windows_op = {RNNBIN_WINDOWS, inputs, outputs, attrs, shape, create, compute};
