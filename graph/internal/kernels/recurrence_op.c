// The ops of the recurrence, forward and backward.

#include <inttypes.h>
#include <stdio.h>

#include "kernels.h"
#include "op.h"

// Lists of states and variables have those of the forward direction first.
#define CELL "cell: {'relu', 'tanh', 'lstm', 'gru'}"
#define LISTS "I: int >= 1", "W: int >= 1", "directions: int >= 1 = 1", "threads: int >= 1 = 1", "isa: string = 'auto'"

static const char *const forward_inputs[] = {"x: float", "lengths: int32", "initial: I * float", "weights: W * float", NULL};
static const char *const forward_outputs[] = {"h: float", "last: I * float", "saved: float", NULL};
static const char *const forward_attrs[] = {CELL, LISTS, "training: bool", NULL};

static const char *const backward_inputs[] = {"x: float", "lengths: int32", "initial: I * float", "weights: W * float",
                                              "h: float", "saved: float",   "dh: float",          "dlast: I * float",
                                              NULL};
static const char *const backward_outputs[] = {"dx: float", "dinitial: I * float", "dweights: W * float", NULL};
static const char *const backward_attrs[] = {CELL, LISTS, "input_gradient: bool", NULL};

enum { IN_X, IN_LENGTHS, IN_INITIAL };           // then, counted from the end of the lists,
enum { IN_H, IN_SAVED, IN_DH, IN_DLAST };        // backward has these
enum { OUT_H, OUT_LAST };                        // and then saved
enum { OUT_DX, OUT_DINITIAL };                   // and then dweights

// A layer's cell and number of directions, and how long its lists are.
struct form {
  enum rnn_kind kind;
  int directions, states, variables;
};

static struct form form_of(enum rnn_kind kind, int directions) {
  return (struct form){kind, directions, directions * rnn_cells[kind].states, directions * rnn_cells[kind].variables};
}

// The layer whose lists are so long; 'relu' stands for 'tanh', too, otherwise no two are alike.
static struct form form_by_lists(int states, int variables, TF_Status *status) {
  for (int directions = 1; directions <= RNN_DIRECTIONS; directions++)
    for (int kind = 0; kind < RNN_KINDS; kind++) {
      const struct form f = form_of(kind, directions);
      if (f.states == states && f.variables == variables) return f;
    }
  rnnbin_fail(status, TF_INVALID_ARGUMENT, "no cell has %d states and %d variables", states, variables);
  return (struct form){0};
}

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

// States of zeros may be left out: no row instead of one for each of the batch.
static void want_states(TF_Status *status, const char *name, const struct shape *got, int count, const struct rnn_size *z) {
  for (int i = 0; i < count; i++) {
    char text[32];
    snprintf(text, sizeof text, "%s[%d]", name, i);
    const int64_t rows = known_dim(&got[i], 0) == 0 ? 0 : z->batch;
    want(status, text, &got[i], "[batch, units]", 2, (int64_t[]){rows, z->units});
  }
}

// The shape of a variable, whose units may not be known.
static void want_variable(TF_Status *status, int i, const struct shape *got, const struct rnn_variable *v,
                          const struct rnn_size *z) {
  char text[32];
  snprintf(text, sizeof text, "weights[%d]", i);
  const int64_t columns = z->units == UNKNOWN ? UNKNOWN : v->blocks * z->units;
  const int known = (!v->x || z->inputs != UNKNOWN) && (!v->h || z->units != UNKNOWN);
  if (v->x || v->h)
    want(status, text, got, v->shape, 2, (int64_t[]){known ? rnn_rows(v, z) : UNKNOWN, columns});
  else
    want(status, text, got, v->shape, 1, &columns);
}

// [T,B,D*U]
static void want_h(TF_Status *status, const char *name, const struct shape *got, const struct form *f, const struct rnn_size *z) {
  const int64_t columns = z->units == UNKNOWN ? UNKNOWN : f->directions * z->units;
  want(status, name, got, f->directions > 1 ? "[steps, batch, directions*units]" : "[steps, batch, units]", 3,
       (int64_t[]){z->steps, z->batch, columns});
}

// The size of a call by its inputs' shapes. The status becomes InvalidArgument, with
// a text naming the input, at the first shape that does not fit the others.
static struct rnn_size size_of(const struct form *f, const struct shape *s, int backward, TF_Status *status) {
  const struct rnn_cell *cell = &rnn_cells[f->kind];
  const struct shape *x = &s[IN_X], *weights = s + IN_INITIAL + f->states, *rest = weights + f->variables;
  const int64_t columns = known_dim(&weights[0], 1);
  const struct rnn_size z = {known_dim(x, 0), known_dim(x, 1), known_dim(x, 2),
                             columns == UNKNOWN ? UNKNOWN : columns / cell->variable[0].blocks};
  want(status, "x", x, "[steps, batch, inputs]", 3, (int64_t[]){z.steps, z.batch, z.inputs});
  const int64_t lengths = known_dim(&s[IN_LENGTHS], 0) == 0 ? 0 : z.batch;
  want(status, "lengths", &s[IN_LENGTHS], "[batch]", 1, &lengths);
  for (int i = 0; i < f->variables; i++) want_variable(status, i, &weights[i], &cell->variable[i % cell->variables], &z);
  want_states(status, "initial", s + IN_INITIAL, f->states, &z);
  if (backward) {
    want_h(status, "h", &rest[IN_H], f, &z);
    const int known = z.steps != UNKNOWN && z.batch != UNKNOWN && z.units != UNKNOWN;
    want(status, "saved", &rest[IN_SAVED], "what forward saved for training", 1,
         (int64_t[]){known ? f->directions * rnn_saved(f->kind, &z) : UNKNOWN});
    want_h(status, "dh", &rest[IN_DH], f, &z);
    want_states(status, "dlast", rest + IN_DLAST, f->states, &z);
  }
  if (TF_GetCode(status) != TF_OK) return z;
  if (z.inputs == 0) rnnbin_fail(status, TF_INVALID_ARGUMENT, "x has no inputs: its last dimension is 0");
  if (z.units == 0) rnnbin_fail(status, TF_INVALID_ARGUMENT, "weights[0] has no units: its last dimension is 0");
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

// The number of outputs, which this C API tells by refusing to set more.
static int count_outputs(TF_ShapeInferenceContext *c) {
  TF_Status *status = TF_NewStatus();
  TF_ShapeHandle *any = TF_ShapeInferenceContextVectorFromSize(c, (size_t)UNKNOWN);
  int n = 0;
  while (n <= IO_MAX && (TF_ShapeInferenceContextSetOutput(c, n, any, status), TF_GetCode(status) == TF_OK)) n++;
  TF_DeleteShapeHandle(any);
  TF_DeleteStatus(status);
  return n;
}

// What is known of the inputs; checks them.
static struct rnn_size known_size(TF_ShapeInferenceContext *c, const struct form *f, int backward, TF_Status *status) {
  struct shape shapes[IO_MAX];
  const int inputs = (int)TF_ShapeInferenceContextNumInputs(c);
  TF_ShapeHandle *any = TF_NewShapeHandle();
  for (int i = 0; i < inputs && i < IO_MAX && TF_GetCode(status) == TF_OK; i++) shapes[i] = known_shape(c, i, any, status);
  TF_DeleteShapeHandle(any);
  return TF_GetCode(status) == TF_OK ? size_of(f, shapes, backward, status) : (struct rnn_size){0};
}

static void set_states(TF_ShapeInferenceContext *c, int first, int count, const struct rnn_size *z, TF_Status *status) {
  for (int i = 0; i < count; i++)
    rnnbin_set_shape(c, first + i, 2, (struct dim[]){KNOWN_DIM(z->batch), KNOWN_DIM(z->units)}, status);
}

static void forward_shape(TF_ShapeInferenceContext *c, TF_Status *status) {
  const int states = count_outputs(c) - OUT_LAST - 1, lists = (int)TF_ShapeInferenceContextNumInputs(c) - IN_INITIAL;
  const struct form f = form_by_lists(states, lists - states, status);
  if (TF_GetCode(status) != TF_OK) return;
  const struct rnn_size z = known_size(c, &f, 0, status);
  const int64_t columns = z.units == UNKNOWN ? UNKNOWN : f.directions * z.units;
  rnnbin_set_shape(c, OUT_H, 3, (struct dim[]){KNOWN_DIM(z.steps), KNOWN_DIM(z.batch), KNOWN_DIM(columns)}, status);
  set_states(c, OUT_LAST, states, &z, status);
  // the size depends on training, which this C API can't read here
  rnnbin_set_shape(c, OUT_LAST + states, 1, (struct dim[]){UNKNOWN_DIM}, status);
}

static void backward_shape(TF_ShapeInferenceContext *c, TF_Status *status) {
  const int lists = count_outputs(c) - OUT_DINITIAL;  // states and variables
  const int states = (int)TF_ShapeInferenceContextNumInputs(c) - IN_INITIAL - lists - IN_DLAST;
  const struct form f = form_by_lists(states, lists - states, status);
  if (TF_GetCode(status) != TF_OK) return;
  const struct rnn_size z = known_size(c, &f, 1, status);
  // its steps depend on input_gradient, which this C API can't read here
  rnnbin_set_shape(c, OUT_DX, 3, (struct dim[]){UNKNOWN_DIM, KNOWN_DIM(z.batch), KNOWN_DIM(z.inputs)}, status);
  set_states(c, OUT_DINITIAL, states, &z, status);
  for (int i = 0; i < f.variables; i++) {
    const struct rnn_variable *v = &rnn_cells[f.kind].variable[i % rnn_cells[f.kind].variables];
    const int rank = v->x || v->h ? 2 : 1, input = IN_INITIAL + states + i;
    rnnbin_set_shape(c, OUT_DINITIAL + states + i, rank, (struct dim[]){{input, rank, 0}, {input, rank, 1}}, status);
  }
}

// ---- kernels ----

struct recurrence_kernel {
  const struct rnn_isa *isa;
  struct form form;
  int backward, threads;
  int training;        // forward only
  int input_gradient;  // backward only
};

static void *new_kernel(TF_OpKernelConstruction *c, int backward) {
  TF_Status *status = TF_NewStatus();
  const int directions = rnnbin_int_attribute(c, "directions", status);
  const struct recurrence_kernel k = {
      .isa = rnnbin_isa_attribute(c, status),
      .form = form_of(rnnbin_cell_attribute(c, status), directions),
      .backward = backward,
      .threads = rnnbin_int_attribute(c, "threads", status),
      .training = !backward && rnnbin_bool_attribute(c, "training", status),
      .input_gradient = backward && rnnbin_bool_attribute(c, "input_gradient", status),
  };
  const int states = rnnbin_int_attribute(c, "I", status), variables = rnnbin_int_attribute(c, "W", status);
  if (TF_GetCode(status) == TF_OK && directions > RNN_DIRECTIONS)
    rnnbin_fail(status, TF_INVALID_ARGUMENT, "there are at most %d directions, not %d", RNN_DIRECTIONS, directions);
  if (TF_GetCode(status) == TF_OK && (states != k.form.states || variables != k.form.variables))
    rnnbin_fail(status, TF_INVALID_ARGUMENT, "%d directions of cell '%s' have %d states and %d variables, not %d and %d",
                directions, rnn_cells[k.form.kind].name, k.form.states, k.form.variables, states, variables);
  return rnnbin_finish_kernel(c, status, &k, sizeof k);
}

static void *new_forward(TF_OpKernelConstruction *c) { return new_kernel(c, 0); }
static void *new_backward(TF_OpKernelConstruction *c) { return new_kernel(c, 1); }

// One run of either op.
struct run {
  struct io io;
  struct rnn_size size;
  struct rnn_layer layer[RNN_DIRECTIONS];
};

static const void *input(const struct run *r, int i) { return rnnbin_ok(&r->io) ? TF_TensorData(r->io.in[i]) : NULL; }

// An input that may be left out, by no row, is NULL then.
static const void *optional_input(const struct run *r, int i) {
  return rnnbin_ok(&r->io) && TF_Dim(r->io.in[i], 0) > 0 ? input(r, i) : NULL;
}

static float *output(struct run *r, int i, int rank, const int64_t *dim) {
  return rnnbin_output(&r->io, i, TF_FLOAT, rank, dim);
}

// The lengths, NULL where all sequences are whole, which takes less time.
static const int32_t *find_lengths(struct run *r) {
  const int32_t *lengths = optional_input(r, IN_LENGTHS), *shorter = NULL;
  for (int64_t i = 0; lengths && i < r->size.batch && rnnbin_ok(&r->io); i++) {
    if (lengths[i] < 0 || lengths[i] > r->size.steps)
      rnnbin_fail(r->io.status, TF_INVALID_ARGUMENT, "lengths[%" PRId64 "] is %d, want 0 to %" PRId64 ", the number of steps", i,
                  lengths[i], r->size.steps);
    if (lengths[i] < r->size.steps) shorter = lengths;
  }
  return shorter;
}

// The inputs that both ops have.
static struct run begin_run(const struct recurrence_kernel *k, TF_OpKernelContext *c) {
  struct run r = {.io = rnnbin_begin(c, 0, TF_NumInputs(c))};
  struct shape shapes[IO_MAX];
  for (int i = 0; rnnbin_ok(&r.io) && i < TF_NumInputs(c); i++) {
    shapes[i].rank = TF_NumDims(r.io.in[i]);
    for (int d = 0; d < shapes[i].rank && d < RANK_MAX; d++) shapes[i].dim[d] = TF_Dim(r.io.in[i], d);
  }
  if (rnnbin_ok(&r.io)) r.size = size_of(&k->form, shapes, k->backward, r.io.status);
  const struct rnn_cell *cell = &rnn_cells[k->form.kind];
  const int32_t *lengths = find_lengths(&r);
  for (int d = 0; d < k->form.directions; d++) {
    struct rnn_layer *l = &r.layer[d];
    *l = (struct rnn_layer){.kind = k->form.kind, .size = r.size, .reverse = d > 0, .lengths = lengths, .x = input(&r, IN_X),
                            .h_stride = k->form.directions * r.size.units};
    for (int i = 0; i < cell->states; i++) l->initial[i] = optional_input(&r, IN_INITIAL + d * cell->states + i);
    for (int i = 0; i < cell->variables; i++)
      l->weights[i] = input(&r, IN_INITIAL + k->form.states + d * cell->variables + i);
  }
  return r;
}

static void end_run(struct run *r, int failed) {
  if (failed) rnnbin_fail(r->io.status, TF_RESOURCE_EXHAUSTED, "no memory for the recurrence");
  rnnbin_end(&r->io);
}

static void compute_forward(void *kernel, TF_OpKernelContext *c) {
  const struct recurrence_kernel *k = kernel;
  struct run r = begin_run(k, c);
  const struct rnn_size z = r.size;
  const int64_t D = k->form.directions, states = rnn_cells[k->form.kind].states, part = rnn_saved(k->form.kind, &z);
  float *h = output(&r, OUT_H, 3, (int64_t[]){z.steps, z.batch, D * z.units});
  for (int i = 0; i < k->form.states; i++)
    r.layer[i / states].last[i % states] = output(&r, OUT_LAST + i, 2, (int64_t[]){z.batch, z.units});
  float *saved = output(&r, OUT_LAST + k->form.states, 1, (int64_t[]){k->training ? D * part : 0});
  for (int d = 0; d < D && rnnbin_ok(&r.io); d++) {
    r.layer[d].h = h + d * z.units;
    r.layer[d].saved = k->training && part > 0 ? saved + d * part : NULL;
  }
  end_run(&r, rnnbin_ok(&r.io) && rnnbin_run_forward(k->isa, r.layer, (int)D, k->threads));
}

static void compute_backward(void *kernel, TF_OpKernelContext *c) {
  const struct recurrence_kernel *k = kernel;
  struct run r = begin_run(k, c);
  const struct rnn_size z = r.size;
  const struct rnn_cell *cell = &rnn_cells[k->form.kind];
  const int lists = IN_INITIAL + k->form.states, rest = lists + k->form.variables;
  float *dx = output(&r, OUT_DX, 3, (int64_t[]){k->input_gradient ? z.steps : 0, z.batch, z.inputs});
  for (int d = 0; d < k->form.directions && rnnbin_ok(&r.io); d++) {
    struct rnn_layer *l = &r.layer[d];
    l->h = (float *)input(&r, rest + IN_H) + d * z.units;
    l->saved = (float *)input(&r, rest + IN_SAVED) + d * rnn_saved(k->form.kind, &z);
    l->dh = (const float *)input(&r, rest + IN_DH) + d * z.units;
    l->dx = k->input_gradient ? dx : NULL;
    for (int i = 0; i < cell->states; i++) {
      l->dlast[i] = optional_input(&r, rest + IN_DLAST + d * cell->states + i);
      l->dinitial[i] = output(&r, OUT_DINITIAL + d * cell->states + i, 2, (int64_t[]){z.batch, z.units});
    }
    for (int i = 0; i < cell->variables; i++) {
      const int at = d * cell->variables + i, rank = TF_NumDims(r.io.in[lists + at]);
      const int64_t dim[] = {TF_Dim(r.io.in[lists + at], 0), rank > 1 ? TF_Dim(r.io.in[lists + at], 1) : 0};
      l->dweights[i] = output(&r, OUT_DINITIAL + k->form.states + at, rank, dim);
    }
  }
  end_run(&r, rnnbin_ok(&r.io) && rnnbin_run_backward(k->isa, r.layer, k->form.directions, k->threads));
}

const struct op rnnbin_forward_op = {RNNBIN_FORWARD, forward_inputs, forward_outputs, forward_attrs,
                                     forward_shape,  new_forward,    compute_forward};
const struct op rnnbin_backward_op = {RNNBIN_BACKWARD, backward_inputs, backward_outputs, backward_attrs,
                                      backward_shape,  new_backward,    compute_backward};
