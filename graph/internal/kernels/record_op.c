// The op that writes down what a training step measured.

#include <math.h>

#include "kernels.h"
#include "op.h"

static const char *const inputs[] = {"report: resource", "at: int32", "loss: float", "norm: float", NULL};
static const char *const outputs[] = {"next: int32", NULL};
static const char *const attrs[] = {NULL};
enum { IN_REPORT };  // then the scalars
enum { IN_AT, IN_LOSS, IN_NORM, SCALARS };

static void compute(void *kernel, TF_OpKernelContext *c) {
  (void)kernel;
  struct io io = rnnbin_begin(c, IN_REPORT + 1, SCALARS);
  const int32_t at = rnnbin_int(&io, IN_AT, "at");
  const float loss = rnnbin_float(&io, IN_LOSS, "loss"), norm = rnnbin_float(&io, IN_NORM, "norm");
  TF_Tensor *report = rnnbin_variable(&io, IN_REPORT);
  if (rnnbin_ok(&io) && (TF_NumDims(report) != 2 || TF_Dim(report, 1) != 2 || at < 0 || at >= TF_Dim(report, 0)))
    rnnbin_fail(io.status, TF_INVALID_ARGUMENT, "want report [K, 2] and 0 <= at < K");
  int32_t *next = rnnbin_output(&io, 0, TF_INT32, 0, NULL);
  if (rnnbin_ok(&io)) {
    float *line = (float *)TF_TensorData(report) + 2 * (int64_t)at;
    line[0] = loss;
    line[1] = norm;
    *next = isfinite(loss) && isfinite(norm) ? at + 1 : INT32_MAX;
  }
  if (report) TF_DeleteTensor(report);
  rnnbin_end(&io);
}

const struct op rnnbin_record_op = {RNNBIN_RECORD, inputs, outputs, attrs, NULL, compute};
