// The ops of the recurrence, forward and backward.

#include <inttypes.h>
#include <stdio.h>

#include "kernels.h"
#include "op.h"

static const char *const forward_inputs[] = {"x: float", "kernel: float", "bias: float", "h0: float", NULL};
static const char *const forward_outputs[] = {"h: float", "last: float", NULL};
static const char *const forward_attrs[] = {"activation: {'relu', 'tanh'}", "threads: int >= 1 = 1", "isa: string = 'auto'",
                                            NULL};
enum { FORWARD_X, FORWARD_KERNEL, FORWARD_BIAS, FORWARD_H0, FORWARD_INPUTS };
enum { FORWARD_OUT_H, FORWARD_OUT_LAST };

static const char *const backward_inputs[] = {"x: float",  "kernel: float", "h0: float", "h: float",
                                              "dh: float", "dlast: float",  NULL};
static const char *const backward_outputs[] = {"dkernel: float", "dbias: float", "dx: float", "dh0: float", NULL};
static const char *const backward_attrs[] = {"activation: {'relu', 'tanh'}", "threads: int >= 1 = 1",
                                             "isa: string = 'auto'", "input_gradient: bool", NULL};
enum { BACKWARD_X, BACKWARD_KERNEL, BACKWARD_H0, BACKWARD_H, BACKWARD_DH, BACKWARD_DLAST, BACKWARD_INPUTS };
enum { BACKWARD_OUT_DKERNEL, BACKWARD_OUT_DBIAS, BACKWARD_OUT_DX, BACKWARD_OUT_DH0 };

// ---- the shapes that are accepted, while a graph is built and while it runs ----

enum { RANK_MAX = 8, UNKNOWN = -1 };

struct shape {
  int rank;               // or UNKNOWN
  int64_t dim[RANK_MAX];  // each may be UNKNOWN; only the first few of a higher rank
};

// In words, as [6,?,20].
struct words {
  char at[256];
};

static struct words in_words(int rank, const int64_t *dim) {
  struct words w;
  int n = 0;
  if (rank > RANK_MAX) {
    snprintf(w.at, sizeof w.at, "rank %d", rank);
    return w;
  }
  for (int i = 0; i < rank; i++)
    if (dim[i] == UNKNOWN)
      n += snprintf(w.at + n, sizeof w.at - (size_t)n, "%s?", i ? "," : "[");
    else
      n += snprintf(w.at + n, sizeof w.at - (size_t)n, "%s%" PRId64, i ? "," : "[", dim[i]);
  snprintf(w.at + n, sizeof w.at - (size_t)n, "%s", rank ? "]" : "[]");
  return w;
}

static int64_t known_dim(const struct shape *s, int i) { return s->rank > i ? s->dim[i] : UNKNOWN; }

// Sets the status unless the shape is the wanted one, as far as either is known.
static void want(TF_Status *status, const char *name, const struct shape *got, const char *meaning, int rank,
                 const int64_t *dim) {
  if (TF_GetCode(status) != TF_OK || got->rank == UNKNOWN) return;
  int fits = got->rank == rank;
  for (int i = 0; fits && i < rank; i++)
    fits = got->dim[i] == dim[i] || got->dim[i] == UNKNOWN || dim[i] == UNKNOWN;
  if (!fits)
    rnnbin_fail(status, TF_INVALID_ARGUMENT, "%s has shape %s, want %s = %s", name, in_words(got->rank, got->dim).at, meaning,
                in_words(rank, dim).at);
}

// A state of zeros may be left out: no row instead of one for each of the batch.
static void want_state(TF_Status *status, const char *name, const struct shape *got, int64_t batch, int64_t units) {
  const int64_t rows = known_dim(got, 0) == 0 ? 0 : batch;
  want(status, name, got, "[batch, units]", 2, (int64_t[]){rows, units});
}

// What x [T,B,F] and kernel [F+U,U] say; both are checked.
static struct rnn_size size_of(const struct shape *x, const struct shape *kernel, TF_Status *status) {
  const struct rnn_size z = {known_dim(x, 0), known_dim(x, 1), known_dim(x, 2), known_dim(kernel, 1)};
  want(status, "x", x, "[steps, batch, inputs]", 3, (int64_t[]){z.steps, z.batch, z.inputs});
  const int64_t rows = z.inputs == UNKNOWN || z.units == UNKNOWN ? UNKNOWN : z.inputs + z.units;
  want(status, "kernel", kernel, "[inputs+units, units]", 2, (int64_t[]){rows, z.units});
  if (TF_GetCode(status) != TF_OK) return z;
  if (z.inputs == 0) rnnbin_fail(status, TF_INVALID_ARGUMENT, "x has no inputs: its last dimension is 0");
  if (z.units == 0) rnnbin_fail(status, TF_INVALID_ARGUMENT, "kernel has no units: its last dimension is 0");
  return z;
}

// The size of a call. The status becomes InvalidArgument, with a text naming the
// input, at the first shape that does not fit the others.
static struct rnn_size forward_size(const struct shape s[FORWARD_INPUTS], TF_Status *status) {
  const struct rnn_size z = size_of(&s[FORWARD_X], &s[FORWARD_KERNEL], status);
  want(status, "bias", &s[FORWARD_BIAS], "[units]", 1, (int64_t[]){z.units});
  want_state(status, "h0", &s[FORWARD_H0], z.batch, z.units);
  return z;
}

static struct rnn_size backward_size(const struct shape s[BACKWARD_INPUTS], TF_Status *status) {
  const struct rnn_size z = size_of(&s[BACKWARD_X], &s[BACKWARD_KERNEL], status);
  const int64_t all[] = {z.steps, z.batch, z.units};
  want_state(status, "h0", &s[BACKWARD_H0], z.batch, z.units);
  want(status, "h", &s[BACKWARD_H], "[steps, batch, units]", 3, all);
  want(status, "dh", &s[BACKWARD_DH], "[steps, batch, units]", 3, all);
  want_state(status, "dlast", &s[BACKWARD_DLAST], z.batch, z.units);
  return z;
}

// ---- shapes, while a graph is built ----

static struct shape known_shape(TF_ShapeInferenceContext *c, int input, TF_ShapeHandle *handle, TF_Status *status) {
  struct shape s = {.rank = UNKNOWN};
  TF_ShapeInferenceContextGetInput(c, input, handle, status);
  if (TF_GetCode(status) != TF_OK || !TF_ShapeInferenceContextRankKnown(c, handle)) return s;
  s.rank = (int)TF_ShapeInferenceContextRank(c, handle);
  TF_DimensionHandle *d = TF_NewDimensionHandle();
  for (int i = 0; i < s.rank && i < RANK_MAX; i++) {
    TF_ShapeInferenceContextDim(c, handle, i, d);
    s.dim[i] = TF_DimensionHandleValueKnown(d) ? TF_DimensionHandleValue(d) : UNKNOWN;
  }
  TF_DeleteDimensionHandle(d);
  return s;
}

static void check_known(TF_ShapeInferenceContext *c, int inputs, struct rnn_size (*size)(const struct shape *, TF_Status *),
                        TF_Status *status) {
  struct shape shapes[BACKWARD_INPUTS];
  TF_ShapeHandle *any = TF_NewShapeHandle();
  for (int i = 0; i < inputs && TF_GetCode(status) == TF_OK; i++) shapes[i] = known_shape(c, i, any, status);
  TF_DeleteShapeHandle(any);
  if (TF_GetCode(status) == TF_OK) size(shapes, status);
}

// What the outputs' shapes are made of: x [T,B,F] and kernel [F+U,U].
#define STEPS {FORWARD_X, 3, 0}
#define BATCH {FORWARD_X, 3, 1}
#define ROWS {FORWARD_KERNEL, 2, 0}
#define UNITS {FORWARD_KERNEL, 2, 1}

static void forward_shape(TF_ShapeInferenceContext *c, TF_Status *status) {
  check_known(c, FORWARD_INPUTS, forward_size, status);
  rnnbin_set_shape(c, FORWARD_OUT_H, 3, (struct dim[]){STEPS, BATCH, UNITS}, status);
  rnnbin_set_shape(c, FORWARD_OUT_LAST, 2, (struct dim[]){BATCH, UNITS}, status);
}

static void backward_shape(TF_ShapeInferenceContext *c, TF_Status *status) {
  check_known(c, BACKWARD_INPUTS, backward_size, status);
  rnnbin_set_shape(c, BACKWARD_OUT_DKERNEL, 2, (struct dim[]){ROWS, UNITS}, status);
  rnnbin_set_shape(c, BACKWARD_OUT_DBIAS, 1, (struct dim[]){UNITS}, status);
  // its steps depend on input_gradient, which this C API can't read here
  rnnbin_set_shape(c, BACKWARD_OUT_DX, 3, (struct dim[]){UNKNOWN_DIM, BATCH, {FORWARD_X, 3, 2}}, status);
  rnnbin_set_shape(c, BACKWARD_OUT_DH0, 2, (struct dim[]){BATCH, UNITS}, status);
}

// ---- kernels ----

struct recurrence_kernel {
  const struct rnn_isa *isa;
  enum rnn_activation activation;
  int threads, input_gradient;  // the latter backward only
};

static void *new_kernel(TF_OpKernelConstruction *c, int has_input_gradient) {
  TF_Status *status = TF_NewStatus();
  const struct recurrence_kernel k = {
      .isa = rnnbin_isa_attribute(c, status),
      .activation = rnnbin_tanh_attribute(c, status) ? RNN_TANH : RNN_RELU,
      .threads = rnnbin_int_attribute(c, "threads", status),
      .input_gradient = has_input_gradient && rnnbin_bool_attribute(c, "input_gradient", status),
  };
  return rnnbin_finish_kernel(c, status, &k, sizeof k);
}

static void *new_forward(TF_OpKernelConstruction *c) { return new_kernel(c, 0); }
static void *new_backward(TF_OpKernelConstruction *c) { return new_kernel(c, 1); }

// One run of either op.
struct run {
  struct io io;
  struct rnn_size size;
};

static struct run begin_run(TF_OpKernelContext *c, int inputs, struct rnn_size (*size)(const struct shape *, TF_Status *)) {
  struct run r = {.io = rnnbin_begin(c, 0, inputs)};
  struct shape shapes[BACKWARD_INPUTS];
  for (int i = 0; i < inputs && rnnbin_ok(&r.io); i++) {
    shapes[i].rank = TF_NumDims(r.io.in[i]);
    for (int d = 0; d < shapes[i].rank && d < RANK_MAX; d++) shapes[i].dim[d] = TF_Dim(r.io.in[i], d);
  }
  if (rnnbin_ok(&r.io)) r.size = size(shapes, r.io.status);
  return r;
}

static void end_run(struct run *r, int failed) {
  if (failed) rnnbin_fail(r->io.status, TF_RESOURCE_EXHAUSTED, "no memory for the recurrence");
  rnnbin_end(&r->io);
}

static const float *input(const struct run *r, int i) { return rnnbin_ok(&r->io) ? TF_TensorData(r->io.in[i]) : NULL; }

// A state that is left out is NULL.
static const float *state_input(const struct run *r, int i) {
  return rnnbin_ok(&r->io) && TF_Dim(r->io.in[i], 0) > 0 ? input(r, i) : NULL;
}

static float *output(struct run *r, int i, int rank, const int64_t *dim) {
  return rnnbin_output(&r->io, i, TF_FLOAT, rank, dim);
}

static void compute_forward(void *kernel, TF_OpKernelContext *c) {
  const struct recurrence_kernel *k = kernel;
  struct run r = begin_run(c, FORWARD_INPUTS, forward_size);
  const struct rnn_size z = r.size;
  const struct rnn_forward f = {
      .size = z,
      .activation = k->activation,
      .x = input(&r, FORWARD_X),
      .kernel = input(&r, FORWARD_KERNEL),
      .bias = input(&r, FORWARD_BIAS),
      .h0 = state_input(&r, FORWARD_H0),
      .h = output(&r, FORWARD_OUT_H, 3, (int64_t[]){z.steps, z.batch, z.units}),
      .last = output(&r, FORWARD_OUT_LAST, 2, (int64_t[]){z.batch, z.units}),
  };
  end_run(&r, rnnbin_ok(&r.io) && rnnbin_run_forward(k->isa, &f, k->threads));
}

static void compute_backward(void *kernel, TF_OpKernelContext *c) {
  const struct recurrence_kernel *k = kernel;
  struct run r = begin_run(c, BACKWARD_INPUTS, backward_size);
  const struct rnn_size z = r.size;
  float *dx = output(&r, BACKWARD_OUT_DX, 3, (int64_t[]){k->input_gradient ? z.steps : 0, z.batch, z.inputs});
  const struct rnn_backward b = {
      .size = z,
      .activation = k->activation,
      .x = input(&r, BACKWARD_X),
      .kernel = input(&r, BACKWARD_KERNEL),
      .h0 = state_input(&r, BACKWARD_H0),
      .h = input(&r, BACKWARD_H),
      .dh = input(&r, BACKWARD_DH),
      .dlast = state_input(&r, BACKWARD_DLAST),
      .dkernel = output(&r, BACKWARD_OUT_DKERNEL, 2, (int64_t[]){z.inputs + z.units, z.units}),
      .dbias = output(&r, BACKWARD_OUT_DBIAS, 1, (int64_t[]){z.units}),
      .dx = k->input_gradient ? dx : NULL,
      .dh0 = output(&r, BACKWARD_OUT_DH0, 2, (int64_t[]){z.batch, z.units}),
  };
  end_run(&r, rnnbin_ok(&r.io) && rnnbin_run_backward(k->isa, &b, k->threads));
}

const struct op rnnbin_forward_op = {RNNBIN_FORWARD, forward_inputs, forward_outputs, forward_attrs,
                                     forward_shape,  new_forward,    compute_forward};
const struct op rnnbin_backward_op = {RNNBIN_BACKWARD, backward_inputs, backward_outputs, backward_attrs,
                                      backward_shape,  new_backward,    compute_backward};
