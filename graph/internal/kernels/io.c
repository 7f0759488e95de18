#define TF_UNUSED_NAME rnnbin_unused_in_io
#include "io.h"

int io_ok(const struct io *io) { return TF_GetCode(io->status) == TF_OK; }

void io_fail(struct io *io, TF_Code code, const char *message) { TF_SetStatus(io->status, code, message); }

struct io io_begin(TF_OpKernelContext *context, int first, int inputs) {
  struct io io = {.context = context, .status = TF_NewStatus()};
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

void *io_output(struct io *io, int i, TF_DataType type, int rank, const int64_t *dim) {
  if (!io_ok(io)) return NULL;
  size_t bytes = sizeof(float);
  for (int d = 0; d < rank; d++) bytes *= (size_t)dim[d];
  io->out[i] = TF_AllocateOutput(io->context, i, type, dim, rank, bytes, io->status);
  return io_ok(io) ? TF_TensorData(io->out[i]) : NULL;
}
