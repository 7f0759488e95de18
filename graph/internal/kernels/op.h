// What the files with ops share. Each defines TF_UNUSED_NAME before it includes
// this, see tf.h.
#ifndef RNNBIN_OP_H
#define RNNBIN_OP_H

#include <stdint.h>

#include "recurrence.h"
#include "tf.h"

// An op with its one CPU kernel. The lists end with NULL.
struct op {
  const char *name;
  const char *const *inputs, *const *outputs, *const *attrs;
  void (*shape)(TF_ShapeInferenceContext *, TF_Status *);
  void *(*create)(TF_OpKernelConstruction *);  // what compute gets, to be freed; NULL when it needs nothing
  void (*compute)(void *, TF_OpKernelContext *);
};

// ---- while a kernel is made ----

// An attribute; 0, false or NULL once the status is one of failure.
int32_t int_attribute(TF_OpKernelConstruction *, const char *name, TF_Status *);
float float_attribute(TF_OpKernelConstruction *, const char *name, TF_Status *);
int bool_attribute(TF_OpKernelConstruction *, const char *name, TF_Status *);
int tanh_attribute(TF_OpKernelConstruction *, TF_Status *);                     // whether activation is 'tanh', not 'relu'
const struct rnn_isa *isa_attribute(TF_OpKernelConstruction *, TF_Status *);  // fails where the machine has no such one

// A copy of the size bytes of a kernel, which the status belongs to and is deleted
// with; NULL, with the failure told to TensorFlow, unless it is OK.
void *finish_kernel(TF_OpKernelConstruction *, TF_Status *, const void *kernel, size_t size);

// ---- while it runs ----

enum { IO_MAX = 8 };

// One run of an op. The first failure stays in the status; what follows it gives
// NULL or 0.
struct io {
  TF_OpKernelContext *context;
  TF_Status *status;
  TF_Tensor *in[IO_MAX], *out[IO_MAX];  // ours to delete
};

// With inputs first to first+inputs-1 of the op; there are at most IO_MAX.
struct io io_begin(TF_OpKernelContext *, int first, int inputs);

// Tells TensorFlow the status and frees what io holds.
void io_end(struct io *);

int io_ok(const struct io *);
void io_fail(struct io *, TF_Code, const char *message);

// The value of a scalar input, which is called name in messages.
float io_float(struct io *, int i, const char *name);
int32_t io_int(struct io *, int i, const char *name);

// The memory of a new output of a type with four bytes a value.
void *io_output(struct io *, int i, TF_DataType, int rank, const int64_t *dim);

// The float variable at an input of the op, to be changed in place and deleted.
TF_Tensor *io_variable(struct io *, int input);

#endif
