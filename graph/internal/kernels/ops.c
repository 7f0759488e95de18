// The recurrence's two ops and their CPU kernels, by TensorFlow's C API.

#include "kernels.h"
#include "recurrence.h"
#include "shapes.h"

#define TF_UNUSED_NAME rnnbin_unused_in_ops
#include "op.h"

static const char *const forward_inputs[] = {"x: float", "kernel: float", "bias: float", "h0: float", NULL};
static const char *const forward_outputs[] = {"h: float", "last: float", NULL};
static const char *const forward_attrs[] = {"activation: {'relu', 'tanh'}", "threads: int >= 1 = 1", "isa: string = 'auto'",
                                            NULL};
enum { FORWARD_OUT_H, FORWARD_OUT_LAST, FORWARD_OUTPUTS };

static const char *const backward_inputs[] = {"x: float", "kernel: float", "h0: float",   "h: float",
                                              "dh: float", "dlast: float",  NULL};
static const char *const backward_outputs[] = {"dkernel: float", "dbias: float", "dx: float", "dh0: float", NULL};
static const char *const backward_attrs[] = {"activation: {'relu', 'tanh'}", "threads: int >= 1 = 1",
                                             "isa: string = 'auto'", "input_gradient: bool", NULL};
enum { BACKWARD_OUT_DKERNEL, BACKWARD_OUT_DBIAS, BACKWARD_OUT_DX, BACKWARD_OUT_DH0, BACKWARD_OUTPUTS };

// ---- shapes, while a graph is built ----

static struct shape known_shape(TF_ShapeInferenceContext *c, int input, TF_ShapeHandle *handle, TF_Status *status) {
  struct shape s = {.rank = UNKNOWN};
  TF_ShapeInferenceContextGetInput(c, input, handle, status);
  if (TF_GetCode(status) != TF_OK || !TF_ShapeInferenceContextRankKnown(c, handle)) return s;
  s.rank = (int)TF_ShapeInferenceContextRank(c, handle);
  TF_DimensionHandle *d = TF_NewDimensionHandle();
  for (int i = 0; i < s.rank && i < SHAPE_RANK_MAX; i++) {
    TF_ShapeInferenceContextDim(c, handle, i, d);
    s.dim[i] = TF_DimensionHandleValueKnown(d) ? TF_DimensionHandleValue(d) : UNKNOWN;
  }
  TF_DeleteDimensionHandle(d);
  return s;
}

// Outputs are put together from pieces of the inputs' shapes, so that unknown
// dimensions stay what they are: head [:n] of one, then tail [m:] of another.
static void set_output(TF_ShapeInferenceContext *c, int output, TF_ShapeHandle *head, int64_t n, TF_ShapeHandle *tail,
                       int64_t m, TF_Status *status) {
  TF_ShapeHandle *a = TF_NewShapeHandle(), *b = TF_NewShapeHandle(), *all = TF_NewShapeHandle();
  TF_ShapeInferenceContextSubshape(c, head, 0, n, a, status);
  if (TF_GetCode(status) == TF_OK)
    TF_ShapeInferenceContextSubshape(c, tail, m, TF_ShapeInferenceContextRank(c, tail), b, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextConcatenateShapes(c, a, b, all, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(c, output, all, status);
  TF_DeleteShapeHandle(a);
  TF_DeleteShapeHandle(b);
  TF_DeleteShapeHandle(all);
}

// Checks the shapes of the inputs and sets those of the outputs, which follow from
// x [T,B,F] and kernel [F+U,U]; their handles have known ranks.
static void infer(TF_ShapeInferenceContext *c, TF_Status *status, int inputs,
                  void (*check)(const struct shape *, TF_Status *),
                  void (*outputs)(TF_ShapeInferenceContext *, TF_ShapeHandle *x, TF_ShapeHandle *kernel, TF_Status *)) {
  struct shape shapes[BACKWARD_INPUTS];
  TF_ShapeHandle *x = TF_NewShapeHandle(), *kernel = TF_NewShapeHandle(), *any = TF_NewShapeHandle();
  for (int i = 0; i < inputs && TF_GetCode(status) == TF_OK; i++) shapes[i] = known_shape(c, i, any, status);
  if (TF_GetCode(status) == TF_OK) check(shapes, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextGetInput(c, FORWARD_X, any, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextWithRank(c, any, 3, x, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextGetInput(c, FORWARD_KERNEL, any, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextWithRank(c, any, 2, kernel, status);
  if (TF_GetCode(status) == TF_OK) outputs(c, x, kernel, status);
  TF_DeleteShapeHandle(x);
  TF_DeleteShapeHandle(kernel);
  TF_DeleteShapeHandle(any);
}

static void set_state_output(TF_ShapeInferenceContext *c, int output, TF_ShapeHandle *x, TF_ShapeHandle *kernel,
                             TF_Status *status) {
  TF_ShapeHandle *rows = TF_NewShapeHandle();
  TF_ShapeInferenceContextSubshape(c, x, 1, 3, rows, status);
  if (TF_GetCode(status) == TF_OK) set_output(c, output, rows, 1, kernel, 1, status);
  TF_DeleteShapeHandle(rows);
}

static void forward_outputs_shapes(TF_ShapeInferenceContext *c, TF_ShapeHandle *x, TF_ShapeHandle *kernel,
                                   TF_Status *status) {
  set_output(c, FORWARD_OUT_H, x, 2, kernel, 1, status);
  if (TF_GetCode(status) == TF_OK) set_state_output(c, FORWARD_OUT_LAST, x, kernel, status);
}

static void backward_outputs_shapes(TF_ShapeInferenceContext *c, TF_ShapeHandle *x, TF_ShapeHandle *kernel,
                                    TF_Status *status) {
  // dx stays unknown: this C API can't read input_gradient here
  TF_ShapeInferenceContextSetUnknownShape(c, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(c, BACKWARD_OUT_DKERNEL, kernel, status);
  if (TF_GetCode(status) == TF_OK) set_output(c, BACKWARD_OUT_DBIAS, kernel, 0, kernel, 1, status);
  if (TF_GetCode(status) == TF_OK) set_state_output(c, BACKWARD_OUT_DH0, x, kernel, status);
}

static void forward_shape(TF_ShapeInferenceContext *c, TF_Status *status) {
  infer(c, status, FORWARD_INPUTS, check_forward_shapes, forward_outputs_shapes);
}

static void backward_shape(TF_ShapeInferenceContext *c, TF_Status *status) {
  infer(c, status, BACKWARD_INPUTS, check_backward_shapes, backward_outputs_shapes);
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
      .isa = isa_attribute(c, status),
      .activation = tanh_attribute(c, status) ? RNN_TANH : RNN_RELU,
      .threads = int_attribute(c, "threads", status),
      .input_gradient = has_input_gradient && bool_attribute(c, "input_gradient", status),
  };
  return finish_kernel(c, status, &k, sizeof k);
}

static void *new_forward(TF_OpKernelConstruction *c) { return new_kernel(c, 0); }
static void *new_backward(TF_OpKernelConstruction *c) { return new_kernel(c, 1); }

// One run of either op, and the shapes of its inputs.
struct run {
  struct io io;
  struct shape shapes[BACKWARD_INPUTS];
};

static struct run begin_run(TF_OpKernelContext *c, int inputs) {
  struct run r = {.io = io_begin(c, 0, inputs)};
  for (int i = 0; i < inputs && io_ok(&r.io); i++) {
    r.shapes[i].rank = TF_NumDims(r.io.in[i]);
    for (int d = 0; d < r.shapes[i].rank && d < SHAPE_RANK_MAX; d++) r.shapes[i].dim[d] = TF_Dim(r.io.in[i], d);
  }
  return r;
}

static const float *input(const struct run *r, int i) { return TF_TensorData(r->io.in[i]); }

// A state that is left out is NULL.
static const float *state_input(const struct run *r, int i) { return r->shapes[i].dim[0] == 0 ? NULL : input(r, i); }

static float *output(struct run *r, int i, int rank, const int64_t *dim) {
  return io_output(&r->io, i, TF_FLOAT, rank, dim);
}

static struct rnn_size run_size(const struct run *r) {
  const int64_t *x = r->shapes[FORWARD_X].dim, *kernel = r->shapes[FORWARD_KERNEL].dim;
  return (struct rnn_size){.steps = x[0], .batch = x[1], .inputs = x[2], .units = kernel[1]};
}

static void compute_forward(void *kernel, TF_OpKernelContext *c) {
  const struct recurrence_kernel *k = kernel;
  struct run r = begin_run(c, FORWARD_INPUTS);
  if (io_ok(&r.io)) check_forward_shapes(r.shapes, r.io.status);
  if (io_ok(&r.io)) {
    const struct rnn_size z = run_size(&r);
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
    if (io_ok(&r.io) && rnn_run_forward(k->isa, &f, k->threads))
      io_fail(&r.io, TF_RESOURCE_EXHAUSTED, "no memory for the recurrence");
  }
  io_end(&r.io);
}

static void compute_backward(void *kernel, TF_OpKernelContext *c) {
  const struct recurrence_kernel *k = kernel;
  struct run r = begin_run(c, BACKWARD_INPUTS);
  if (io_ok(&r.io)) check_backward_shapes(r.shapes, r.io.status);
  if (io_ok(&r.io)) {
    const struct rnn_size z = run_size(&r);
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
    if (io_ok(&r.io) && rnn_run_backward(k->isa, &b, k->threads))
      io_fail(&r.io, TF_RESOURCE_EXHAUSTED, "no memory for the recurrence");
  }
  io_end(&r.io);
}

const struct op forward_op = {RNNBIN_FORWARD, forward_inputs, forward_outputs, forward_attrs,
                              forward_shape,  new_forward,    compute_forward};
const struct op backward_op = {RNNBIN_BACKWARD, backward_inputs, backward_outputs, backward_attrs,
                               backward_shape,  new_backward,    compute_backward};
