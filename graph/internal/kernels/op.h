// What the files with ops share.
#ifndef RNNBIN_OP_H
#define RNNBIN_OP_H

#include <stdint.h>

#include "recurrence.h"
#include "tf.h"

// An op with its one CPU kernel. The lists end with NULL.
struct op {
  const char *name;
  const char *const *inputs, *const *outputs, *const *attrs;
  void *(*create)(TF_OpKernelConstruction *);  // what compute gets, to be freed; NULL when it needs nothing
  void (*compute)(void *, TF_OpKernelContext *);
};

// A CPU kernel for two ops of TensorFlow's own, on float; the second has labels of
// type int32 besides. Nodes choose it by the attribute _kernel, as it is registered
// under a label.
struct standard_kernel {
  const char *op[2];
  void *(*create)(TF_OpKernelConstruction *);
  void (*compute)(void *, TF_OpKernelContext *);
};

// Sets the status, with a text of up to 255 characters.
__attribute__((format(printf, 3, 4))) void rnnbin_fail(TF_Status *, TF_Code, const char *format, ...);

// ---- attributes, while a kernel is made ----

// An attribute; 0 or NULL once the status is one of failure.
int32_t rnnbin_int_attribute(TF_OpKernelConstruction *, const char *name, TF_Status *);
float rnnbin_float_attribute(TF_OpKernelConstruction *, const char *name, TF_Status *);
int rnnbin_bool_attribute(TF_OpKernelConstruction *, const char *name, TF_Status *);
enum rnn_kind rnnbin_cell_attribute(TF_OpKernelConstruction *, TF_Status *);
const struct rnn_isa *rnnbin_isa_attribute(TF_OpKernelConstruction *, const char *name, TF_Status *);

// A copy of the size bytes of a kernel, which the status belongs to and is deleted
// with; NULL, with the failure told to TensorFlow, unless it is OK.
void *rnnbin_finish_kernel(TF_OpKernelConstruction *, TF_Status *, const void *kernel, size_t size);

// ---- inputs and outputs, while it runs ----

enum { IO_MAX = 24 };

// One run of an op. The first failure stays in the status; what follows it gives
// NULL or 0.
struct io {
  TF_OpKernelContext *context;
  TF_Status *status;
  TF_Tensor *in[IO_MAX], *out[IO_MAX];  // ours to delete
};

// With inputs first to first+inputs-1 of the op; there are at most IO_MAX.
struct io rnnbin_begin(TF_OpKernelContext *, int first, int inputs);

// Tells TensorFlow the status and frees what io holds.
void rnnbin_end(struct io *);

int rnnbin_ok(const struct io *);

// The value of a scalar input, which is called name in messages.
float rnnbin_float(struct io *, int i, const char *name);
int32_t rnnbin_int(struct io *, int i, const char *name);

// The memory of a new output of a type with four bytes a value.
void *rnnbin_output(struct io *, int i, TF_DataType, int rank, const int64_t *dim);

// The float variable at an input of the op, to be changed in place and deleted.
TF_Tensor *rnnbin_variable(struct io *, int input);

#endif
