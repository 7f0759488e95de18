// The op that cuts a training step's windows out of a series.

#include <inttypes.h>

#include "kernels.h"
#include "op.h"

static const char *const inputs[] = {"x: float",     "y: L",        "w: float", "windows: int32",
                                     "rates: float", "lags: int32", "at: int32", NULL};
static const char *const outputs[] = {"inputs: float", "labels: L", "share: float", "lengths: int32", "rate: float", NULL};
static const char *const attrs[] = {"L: {int32, float}", "steps: int >= 1", NULL};
enum { IN_X, IN_Y, IN_W, IN_WINDOWS, IN_RATES, IN_LAGS, IN_AT, INPUTS };
enum { OUT_INPUTS, OUT_LABELS, OUT_SHARE, OUT_LENGTHS, OUT_RATE };

struct windows_kernel {
  int steps;
};

static void *create(TF_OpKernelConstruction *c) {
  TF_Status *status = TF_NewStatus();
  const struct windows_kernel k = {rnnbin_int_attribute(c, "steps", status)};
  return rnnbin_finish_kernel(c, status, &k, sizeof k);
}

// A window of the plan: its first row, the first row of its series, and the row behind that.
struct window {
  int32_t start, from, until;
};

// The windows of one step: B of them, of up to T rows of the series [N,F].
struct windows {
  const struct window *of;  // [B]
  const int32_t *lags;      // [L]
  int64_t steps, batch, rows, features, inputs;  // inputs are L
};

static struct windows find_windows(struct io *io, int64_t steps) {
  TF_Tensor *const *in = io->in;
  const int32_t at = rnnbin_int(io, IN_AT, "at");
  if (!rnnbin_ok(io)) return (struct windows){0};
  if (TF_NumDims(in[IN_X]) == 2 && TF_NumDims(in[IN_WINDOWS]) == 3 && TF_Dim(in[IN_WINDOWS], 2) == 3 && TF_NumDims(in[IN_LAGS]) == 1) {
    const int64_t N = TF_Dim(in[IN_X], 0), F = TF_Dim(in[IN_X], 1), K = TF_Dim(in[IN_WINDOWS], 0), B = TF_Dim(in[IN_WINDOWS], 1),
                  L = TF_Dim(in[IN_LAGS], 0);
    if (F > 0 && L > 0 && TF_NumDims(in[IN_Y]) == 1 && TF_Dim(in[IN_Y], 0) == N && TF_NumDims(in[IN_W]) == 1 &&
        TF_Dim(in[IN_W], 0) == N && TF_NumDims(in[IN_RATES]) == 1 && TF_Dim(in[IN_RATES], 0) == K && at >= 0 && at < K)
      return (struct windows){(const struct window *)TF_TensorData(in[IN_WINDOWS]) + at * B, TF_TensorData(in[IN_LAGS]), steps, B, N, F, L};
  }
  rnnbin_fail(io->status, TF_INVALID_ARGUMENT,
              "want x [rows, features], y and w [rows], windows [K, batch, 3], rates [K], lags [L], 0 <= at < K");
  return (struct windows){0};
}

static void check_windows(struct io *io, const struct windows *z) {
  for (int64_t b = 0; b < z->batch; b++) {
    const struct window w = z->of[b];
    if (w.from < 0 || w.from > w.start || w.start >= w.until || w.until > z->rows) {
      rnnbin_fail(io->status, TF_INVALID_ARGUMENT, "a window at row %d of the series from row %d to %d is not within %" PRId64 " rows",
                  w.start, w.from, w.until, z->rows);
      return;
    }
  }
}

// A window ends where its series does.
static int64_t length(const struct windows *z, int64_t b) {
  const int64_t left = z->of[b].until - z->of[b].start;
  return left < z->steps ? left : z->steps;
}

static float count_weighted(const struct windows *z, const float *w) {
  int64_t count = 0;
  for (int64_t b = 0; b < z->batch; b++)
    for (int64_t t = 0; t < length(z, b); t++) count += w[z->of[b].start + t] > 0;
  return (float)count;
}

// Beyond the ends of its series, their rows stand in for a row.
static int64_t within(const struct window *w, int64_t row) {
  return row < w->from ? w->from : row < w->until ? row : w->until - 1;
}

// Rows of the series to rows of windows, step by step. Labels have four bytes each,
// whatever their type.
static void cut(const struct windows *z, const float *x, const int32_t *y, const float *w, float *inputs, int32_t *labels,
                float *share) {
  const float count = count_weighted(z, w);
  for (int64_t t = 0; t < z->steps; t++)
    for (int64_t b = 0; b < z->batch; b++) {
      const struct window *of = &z->of[b];
      const int64_t next = of->start + t, row = within(of, next);
      for (int64_t l = 0; l < z->inputs; l++) {
        const float *from = x + within(of, next + z->lags[l]) * z->features;
        for (int64_t k = 0; k < z->features; k++) *inputs++ = from[k];
      }
      *labels++ = y[row];
      *share++ = row == next && count > 0 ? w[row] / count : 0;
    }
}

static void compute(void *kernel, TF_OpKernelContext *c) {
  const struct windows_kernel *k = kernel;
  struct io io = rnnbin_begin(c, 0, INPUTS);
  const struct windows z = find_windows(&io, k->steps);
  if (rnnbin_ok(&io)) check_windows(&io, &z);
  const int64_t all = z.steps * z.batch;
  const TF_DataType type = rnnbin_ok(&io) ? TF_TensorType(io.in[IN_Y]) : TF_FLOAT;
  float *to = rnnbin_output(&io, OUT_INPUTS, TF_FLOAT, 3, (int64_t[]){z.steps, z.batch, z.inputs * z.features});
  int32_t *labels = rnnbin_output(&io, OUT_LABELS, type, 1, &all);
  float *share = rnnbin_output(&io, OUT_SHARE, TF_FLOAT, 1, &all), *rate = rnnbin_output(&io, OUT_RATE, TF_FLOAT, 0, NULL);
  int32_t *lengths = rnnbin_output(&io, OUT_LENGTHS, TF_INT32, 1, &z.batch);
  if (rnnbin_ok(&io)) {
    cut(&z, TF_TensorData(io.in[IN_X]), TF_TensorData(io.in[IN_Y]), TF_TensorData(io.in[IN_W]), to, labels, share);
    *rate = ((const float *)TF_TensorData(io.in[IN_RATES]))[rnnbin_int(&io, IN_AT, "at")];
    for (int64_t b = 0; b < z.batch; b++) lengths[b] = (int32_t)length(&z, b);
  }
  rnnbin_end(&io);
}

const struct op rnnbin_windows_op = {RNNBIN_WINDOWS, inputs, outputs, attrs, create, compute};
