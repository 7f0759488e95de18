#include "op.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "store.h"

static int ok(TF_Status *status) { return TF_GetCode(status) == TF_OK; }

void rnnbin_fail(TF_Status *status, TF_Code code, const char *format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  TF_SetStatus(status, code, text);
}

// ---- attributes, while a kernel is made ----

int32_t rnnbin_int_attribute(TF_OpKernelConstruction *c, const char *name, TF_Status *status) {
  int32_t value = 0;
  if (ok(status)) TF_OpKernelConstruction_GetAttrInt32(c, name, &value, status);
  return value;
}

float rnnbin_float_attribute(TF_OpKernelConstruction *c, const char *name, TF_Status *status) {
  float value = 0;
  if (ok(status)) TF_OpKernelConstruction_GetAttrFloat(c, name, &value, status);
  return value;
}

int rnnbin_bool_attribute(TF_OpKernelConstruction *c, const char *name, TF_Status *status) {
  TF_Bool value = 0;
  if (ok(status)) TF_OpKernelConstruction_GetAttrBool(c, name, &value, status);
  return value;
}

enum rnn_kind rnnbin_cell_attribute(TF_OpKernelConstruction *c, TF_Status *status) {
  char text[32] = "";
  if (ok(status)) TF_OpKernelConstruction_GetAttrString(c, "cell", text, sizeof text - 1, status);
  for (int kind = 0; kind < RNN_KINDS; kind++)
    if (!strcmp(text, rnn_cells[kind].name)) return kind;
  return 0;
}

const char *rnnbin_isa(int i) {
  for (int k = 0; k < rnnbin_isa_count; k++)
    if (rnnbin_isas[k]->available() && i-- == 0) return rnnbin_isas[k]->name;
  return NULL;
}

const struct rnn_isa *rnnbin_isa_attribute(TF_OpKernelConstruction *c, const char *attribute, TF_Status *status) {
  char name[32] = "";  // a longer one is cut
  if (ok(status)) TF_OpKernelConstruction_GetAttrString(c, attribute, name, sizeof name - 1, status);
  if (!ok(status)) return NULL;
  for (int k = 0; k < rnnbin_isa_count; k++)
    if (rnnbin_isas[k]->available() && (!strcmp(name, "auto") || !strcmp(name, rnnbin_isas[k]->name)))
      return rnnbin_isas[k];
  char names[64] = "";
  int n = 0;
  for (int i = 0; rnnbin_isa(i); i++) n += snprintf(names + n, sizeof names - (size_t)n, ", %s", rnnbin_isa(i));
  rnnbin_fail(status, TF_INVALID_ARGUMENT, "this machine has no instruction set called '%s', only auto%s", name, names);
  return NULL;
}

void *rnnbin_finish_kernel(TF_OpKernelConstruction *c, TF_Status *status, const void *kernel, size_t size) {
  void *copy = ok(status) ? malloc(size) : NULL;
  if (copy)
    memcpy(copy, kernel, size);
  else if (ok(status))
    TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "no memory for the kernel");
  if (!ok(status)) TF_OpKernelConstruction_Failure(c, status);
  TF_DeleteStatus(status);
  return copy;
}

// ---- inputs and outputs, while it runs ----

int rnnbin_ok(const struct io *io) { return ok(io->status); }

struct io rnnbin_begin(TF_OpKernelContext *context, int first, int inputs) {
  struct io io = {.context = context, .status = TF_NewStatus()};
  if (inputs > IO_MAX) rnnbin_fail(io.status, TF_INTERNAL, "more inputs than IO_MAX");
  for (int i = 0; i < inputs && rnnbin_ok(&io); i++) TF_GetInput(context, first + i, &io.in[i], io.status);
  return io;
}

void rnnbin_end(struct io *io) {
  if (!rnnbin_ok(io)) TF_OpKernelContext_Failure(io->context, io->status);
  for (int i = 0; i < IO_MAX; i++) {
    if (io->in[i]) TF_DeleteTensor(io->in[i]);
    if (io->out[i]) TF_DeleteTensor(io->out[i]);
  }
  TF_DeleteStatus(io->status);
}

static const void *scalar(struct io *io, int i, const char *name) {
  if (!rnnbin_ok(io)) return NULL;
  if (TF_NumDims(io->in[i]) == 0) return TF_TensorData(io->in[i]);
  rnnbin_fail(io->status, TF_INVALID_ARGUMENT, "want %s as a scalar", name);
  return NULL;
}

float rnnbin_float(struct io *io, int i, const char *name) {
  const float *value = scalar(io, i, name);
  return value ? *value : 0;
}

int32_t rnnbin_int(struct io *io, int i, const char *name) {
  const int32_t *value = scalar(io, i, name);
  return value ? *value : 0;
}

// From so many bytes on, an output lies in memory of the store, which may get it back
// long after the op has run. TensorFlow's own would often be given back to the system
// and mapped anew on each run.
enum { LARGE = 1 << 20 };

static void give_back(void *data, size_t bytes, void *unused) {
  (void)bytes, (void)unused;
  rnnbin_store_give(data);
}

static TF_Tensor *large_output(struct io *io, int i, TF_DataType type, int rank, const int64_t *dim, size_t bytes) {
  float *data = rnnbin_store_take(bytes / sizeof(float));
  if (!data) {
    rnnbin_fail(io->status, TF_RESOURCE_EXHAUSTED, "no memory for an output");
    return NULL;
  }
  TF_Tensor *t = TF_NewTensor(type, dim, rank, data, bytes, give_back, NULL);
  TF_SetOutput(io->context, i, t, io->status);
  return t;
}

void *rnnbin_output(struct io *io, int i, TF_DataType type, int rank, const int64_t *dim) {
  if (!rnnbin_ok(io)) return NULL;
  if (i >= IO_MAX) rnnbin_fail(io->status, TF_INTERNAL, "more outputs than IO_MAX");
  size_t bytes = sizeof(float);
  for (int d = 0; d < rank; d++)
    if (__builtin_mul_overflow(bytes, (size_t)dim[d], &bytes)) rnnbin_fail(io->status, TF_RESOURCE_EXHAUSTED, "an output is too large");
  if (!rnnbin_ok(io)) return NULL;
  io->out[i] = bytes < LARGE ? TF_AllocateOutput(io->context, i, type, dim, rank, bytes, io->status)
                             : large_output(io, i, type, rank, dim, bytes);
  return rnnbin_ok(io) ? TF_TensorData(io->out[i]) : NULL;
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

TF_Tensor *rnnbin_variable(struct io *io, int input) {
  if (!rnnbin_ok(io)) return NULL;
  TF_Tensor *t = NULL;
  TF_GetInputTensorFromVariable(io->context, input, true, false, false, copy_tensor, &t, io->status);
  // where there is no variable, the status stays as it was: the context has the failure, which names it
  if (rnnbin_ok(io) && !t) rnnbin_fail(io->status, TF_FAILED_PRECONDITION, "a variable has not been set");
  if (rnnbin_ok(io) && TF_TensorType(t) != TF_FLOAT) rnnbin_fail(io->status, TF_INVALID_ARGUMENT, "want variables of type float");
  return t;
}
