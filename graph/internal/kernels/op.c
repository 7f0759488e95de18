#define TF_UNUSED_NAME rnnbin_unused_in_op
#include "op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

static int ok(TF_Status *status) { return TF_GetCode(status) == TF_OK; }

// ---- while a kernel is made ----

int32_t int_attribute(TF_OpKernelConstruction *c, const char *name, TF_Status *status) {
  int32_t value = 0;
  if (ok(status)) TF_OpKernelConstruction_GetAttrInt32(c, name, &value, status);
  return value;
}

float float_attribute(TF_OpKernelConstruction *c, const char *name, TF_Status *status) {
  float value = 0;
  if (ok(status)) TF_OpKernelConstruction_GetAttrFloat(c, name, &value, status);
  return value;
}

int bool_attribute(TF_OpKernelConstruction *c, const char *name, TF_Status *status) {
  TF_Bool value = 0;
  if (ok(status)) TF_OpKernelConstruction_GetAttrBool(c, name, &value, status);
  return value;
}

// Texts that are longer are cut.
struct text {
  char at[32];
};

static struct text text_attribute(TF_OpKernelConstruction *c, const char *name, TF_Status *status) {
  struct text value = {""};
  if (ok(status)) TF_OpKernelConstruction_GetAttrString(c, name, value.at, sizeof value.at - 1, status);
  return value;
}

int tanh_attribute(TF_OpKernelConstruction *c, TF_Status *status) {
  return !strcmp(text_attribute(c, "activation", status).at, "tanh");
}

const char *rnnbin_isa(int i) {
  for (int k = 0; k < rnn_isa_count; k++)
    if (rnn_isas[k]->available() && i-- == 0) return rnn_isas[k]->name;
  return NULL;
}

const struct rnn_isa *isa_attribute(TF_OpKernelConstruction *c, TF_Status *status) {
  const struct text name = text_attribute(c, "isa", status);
  if (!ok(status)) return NULL;
  for (int k = 0; k < rnn_isa_count; k++)
    if (rnn_isas[k]->available() && (!strcmp(name.at, "auto") || !strcmp(name.at, rnn_isas[k]->name))) return rnn_isas[k];
  char text[256];
  int n = snprintf(text, sizeof text, "this machine has no instruction set called '%s', only auto", name.at);
  for (int i = 0; rnnbin_isa(i) && n < (int)sizeof text; i++)
    n += snprintf(text + n, sizeof text - (size_t)n, ", %s", rnnbin_isa(i));
  TF_SetStatus(status, TF_INVALID_ARGUMENT, text);
  return NULL;
}

void *finish_kernel(TF_OpKernelConstruction *c, TF_Status *status, const void *kernel, size_t size) {
  void *copy = ok(status) ? malloc(size) : NULL;
  if (copy)
    memcpy(copy, kernel, size);
  else if (ok(status))
    TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "no memory for the kernel");
  if (!ok(status)) TF_OpKernelConstruction_Failure(c, status);
  TF_DeleteStatus(status);
  return copy;
}

// ---- while it runs ----

int io_ok(const struct io *io) { return ok(io->status); }

void io_fail(struct io *io, TF_Code code, const char *message) { TF_SetStatus(io->status, code, message); }

struct io io_begin(TF_OpKernelContext *context, int first, int inputs) {
  struct io io = {.context = context, .status = TF_NewStatus()};
  if (inputs > IO_MAX) io_fail(&io, TF_INTERNAL, "more inputs than IO_MAX");
  for (int i = 0; i < inputs && io_ok(&io); i++) TF_GetInput(context, first + i, &io.in[i], io.status);
  return io;
}

void io_end(struct io *io) {
  if (!io_ok(io)) TF_OpKernelContext_Failure(io->context, io->status);
  for (int i = 0; i < IO_MAX; i++) {
    if (io->in[i]) TF_DeleteTensor(io->in[i]);
    if (io->out[i]) TF_DeleteTensor(io->out[i]);
  }
  TF_DeleteStatus(io->status);
}

static const void *scalar(struct io *io, int i, const char *name) {
  if (!io_ok(io)) return NULL;
  if (TF_NumDims(io->in[i]) == 0) return TF_TensorData(io->in[i]);
  char text[64];
  snprintf(text, sizeof text, "want %s as a scalar", name);
  io_fail(io, TF_INVALID_ARGUMENT, text);
  return NULL;
}

float io_float(struct io *io, int i, const char *name) {
  const float *value = scalar(io, i, name);
  return value ? *value : 0;
}

int32_t io_int(struct io *io, int i, const char *name) {
  const int32_t *value = scalar(io, i, name);
  return value ? *value : 0;
}

void *io_output(struct io *io, int i, TF_DataType type, int rank, const int64_t *dim) {
  if (!io_ok(io)) return NULL;
  if (i >= IO_MAX) io_fail(io, TF_INTERNAL, "more outputs than IO_MAX");
  size_t bytes = sizeof(float);
  for (int d = 0; d < rank; d++)
    if (__builtin_mul_overflow(bytes, (size_t)dim[d], &bytes)) io_fail(io, TF_RESOURCE_EXHAUSTED, "an output is too large");
  if (io_ok(io)) io->out[i] = TF_AllocateOutput(io->context, i, type, dim, rank, bytes, io->status);
  return io_ok(io) ? TF_TensorData(io->out[i]) : NULL;
}

// From tensorflow/c/kernels_experimental.h, which not every distribution of the C
// API has. The tensor shares the variable's memory; where somebody else still holds
// that, the variable is given a copy first.
extern void TF_GetInputTensorFromVariable(TF_OpKernelContext *, int input, bool lock_held, bool is_variant, bool sparse,
                                          void (*copy)(TF_OpKernelContext *, TF_Tensor *source, TF_Tensor *dest),
                                          TF_Tensor **out, TF_Status *);

static void copy_tensor(TF_OpKernelContext *context, TF_Tensor *source, TF_Tensor *dest) {
  (void)context;
  memcpy(TF_TensorData(dest), TF_TensorData(source), TF_TensorByteSize(source));
  TF_DeleteTensor(source);
  TF_DeleteTensor(dest);
}

TF_Tensor *io_variable(struct io *io, int input) {
  if (!io_ok(io)) return NULL;
  TF_Tensor *t = NULL;
  TF_GetInputTensorFromVariable(io->context, input, true, false, false, copy_tensor, &t, io->status);
  // where there is no variable, the status stays as it was: the context has the failure, which names it
  if (io_ok(io) && !t) io_fail(io, TF_FAILED_PRECONDITION, "a variable has not been set");
  if (io_ok(io) && TF_TensorType(t) != TF_FLOAT) io_fail(io, TF_INVALID_ARGUMENT, "want variables of type float");
  return t;
}
