// What an op reads and writes while it runs, by TensorFlow's C API.
#ifndef RNNBIN_IO_H
#define RNNBIN_IO_H

#include <stdint.h>

#include "tf.h"

enum { IO_MAX = 10 };

// One run of an op. The first failure stays in the status; what follows it gives
// NULL.
struct io {
  TF_OpKernelContext *context;
  TF_Status *status;
  TF_Tensor *in[IO_MAX], *out[IO_MAX]; // ours to delete
};

// With so many inputs from first on.
struct io io_begin(TF_OpKernelContext *, int first, int inputs);

// Tells TensorFlow the status and frees what io holds.
void io_end(struct io *);

int io_ok(const struct io *);
void io_fail(struct io *, TF_Code, const char *message);

// The memory of a new output of a type with four bytes a value.
void *io_output(struct io *, int i, TF_DataType, int rank, const int64_t *dim);

#endif
