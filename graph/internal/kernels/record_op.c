// The op that writes down what a training step measured.

#include <math.h>

#include "kernels.h"

#define TF_UNUSED_NAME rnnbin_unused_in_record_op
#include "op.h"

static const char *const inputs[] = {"report: resource", "at: int32", "loss: float", "norm: float", NULL};
static const char *const outputs[] = {"next: int32", NULL};
static const char *const attrs[] = {NULL};
enum { IN_REPORT };  // then the scalars
enum { IN_AT, IN_LOSS, IN_NORM, SCALARS };

static void shape(TF_ShapeInferenceContext *c, TF_Status *status) {
  TF_ShapeHandle *scalar = TF_ShapeInferenceContextScalar(c);
  TF_ShapeInferenceContextSetOutput(c, 0, scalar, status);
  TF_DeleteShapeHandle(scalar);
}

static void compute(void *kernel, TF_OpKernelContext *c) {
  (void)kernel;
  struct io io = io_begin(c, IN_REPORT + 1, SCALARS);
  const int32_t at = io_int(&io, IN_AT, "at");
  const float loss = io_float(&io, IN_LOSS, "loss"), norm = io_float(&io, IN_NORM, "norm");
  TF_Tensor *report = io_variable(&io, IN_REPORT);
  if (io_ok(&io) && (TF_NumDims(report) != 2 || TF_Dim(report, 1) != 2 || at < 0 || at >= TF_Dim(report, 0)))
    io_fail(&io, TF_INVALID_ARGUMENT, "want report [K, 2] and 0 <= at < K");
  int32_t *next = io_output(&io, 0, TF_INT32, 0, NULL);
  if (io_ok(&io)) {
    float *line = (float *)TF_TensorData(report) + 2 * (int64_t)at;
    line[0] = loss;
    line[1] = norm;
    *next = isfinite(loss) && isfinite(norm) ? at + 1 : INT32_MAX;
  }
  if (report) TF_DeleteTensor(report);
  io_end(&io);
}

const struct op record_op = {RNNBIN_RECORD, inputs, outputs, attrs, shape, NULL, compute};
