// The ops of the recurrence, forward and backward.

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

enum { IN_X, IN_LENGTHS, IN_INITIAL };     // then, counted from the end of the lists,
enum { IN_H, IN_SAVED, IN_DH, IN_DLAST };  // backward has these
enum { OUT_H, OUT_LAST };                  // and then saved
enum { OUT_DX, OUT_DINITIAL };             // and then dweights

// A layer's cell and number of directions, and how long its lists are.
struct form {
  enum rnn_kind kind;
  int directions, states, variables;
};

static struct form form_of(enum rnn_kind kind, int directions) {
  return (struct form){kind, directions, directions * rnn_cells[kind].states, directions * rnn_cells[kind].variables};
}

// One run of either op.
struct run {
  struct io io;
  struct rnn_size size;
  struct rnn_layer layer[RNN_DIRECTIONS];
};

// ---- the shapes that are accepted ----

enum { RANK_MAX = 8 };

// A shape in words, as [6,5,20].
struct words {
  char at[RANK_MAX * 24];
};

static struct words in_words(int rank, const int64_t *dim) {
  struct words w = {"[]"};
  int n = 0;
  if (rank > RANK_MAX) snprintf(w.at, sizeof w.at, "rank %d", rank);
  for (int i = 0; i < rank && rank <= RANK_MAX; i++)
    n += snprintf(w.at + n, sizeof w.at - (size_t)n, "%c%" PRId64 "%s", i ? ',' : '[', dim[i], i == rank - 1 ? "]" : "");
  return w;
}

// A dimension of an input, 0 where it has fewer.
static int64_t dim_of(const struct run *r, int input, int i) {
  return TF_NumDims(r->io.in[input]) > i ? TF_Dim(r->io.in[input], i) : 0;
}

// Fails unless the input has the wanted shape. The i-th of a list is called name[i].
static void want(struct run *r, int input, const char *name, int i, const char *meaning, int rank, const int64_t *dim) {
  int64_t got[RANK_MAX] = {0};
  const int dims = TF_NumDims(r->io.in[input]);
  for (int k = 0; k < dims && k < RANK_MAX; k++) got[k] = TF_Dim(r->io.in[input], k);
  if (!rnnbin_ok(&r->io) || (dims == rank && !memcmp(got, dim, (size_t)rank * sizeof *dim))) return;
  char number[16] = "";
  if (i >= 0) snprintf(number, sizeof number, "[%d]", i);
  rnnbin_fail(r->io.status, TF_INVALID_ARGUMENT, "%s%s has shape %s, want %s = %s", name, number, in_words(dims, got).at,
              meaning, in_words(rank, dim).at);
}

// States of zeros may be left out: no row instead of one for each of the batch.
static void want_states(struct run *r, int first, const char *name, int count) {
  for (int i = 0; i < count; i++) {
    const int64_t rows = dim_of(r, first + i, 0) == 0 ? 0 : r->size.batch;
    want(r, first + i, name, i, "[batch, units]", 2, (int64_t[]){rows, r->size.units});
  }
}

static void want_variables(struct run *r, int first, const struct form *f) {
  for (int i = 0; i < f->variables; i++) {
    const struct rnn_variable *v = &rnn_cells[f->kind].variable[i % rnn_cells[f->kind].variables];
    const int64_t columns = v->blocks * r->size.units;
    if (v->x || v->h)
      want(r, first + i, "weights", i, v->shape, 2, (int64_t[]){rnn_rows(v, &r->size), columns});
    else
      want(r, first + i, "weights", i, v->shape, 1, &columns);
  }
}

// [T,B,D*U]
static void want_h(struct run *r, int input, const char *name, const struct form *f) {
  want(r, input, name, -1, f->directions > 1 ? "[steps, batch, directions*units]" : "[steps, batch, units]", 3,
       (int64_t[]){r->size.steps, r->size.batch, f->directions * r->size.units});
}

// Sets the size of a run by its inputs' shapes. Fails at the first that does not fit the
// others.
static void find_size(struct run *r, const struct form *f, int backward) {
  const int weights = IN_INITIAL + f->states, rest = weights + f->variables;
  struct rnn_size *z = &r->size;
  *z = (struct rnn_size){dim_of(r, IN_X, 0), dim_of(r, IN_X, 1), dim_of(r, IN_X, 2),
                         dim_of(r, weights, 1) / rnn_cells[f->kind].variable[0].blocks};
  want(r, IN_X, "x", -1, "[steps, batch, inputs]", 3, (int64_t[]){z->steps, z->batch, z->inputs});
  const int64_t lengths = dim_of(r, IN_LENGTHS, 0) == 0 ? 0 : z->batch;
  want(r, IN_LENGTHS, "lengths", -1, "[batch]", 1, &lengths);
  want_variables(r, weights, f);
  want_states(r, IN_INITIAL, "initial", f->states);
  if (backward) {
    const int64_t saved = f->directions * rnn_saved(f->kind, z);
    want_h(r, rest + IN_H, "h", f);
    want(r, rest + IN_SAVED, "saved", -1, "what forward saved for training", 1, &saved);
    want_h(r, rest + IN_DH, "dh", f);
    want_states(r, rest + IN_DLAST, "dlast", f->states);
  }
  if (rnnbin_ok(&r->io) && z->inputs == 0) rnnbin_fail(r->io.status, TF_INVALID_ARGUMENT, "x has no inputs: its last dimension is 0");
  if (rnnbin_ok(&r->io) && z->units == 0) rnnbin_fail(r->io.status, TF_INVALID_ARGUMENT, "weights[0] has no units: its last dimension is 0");
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
      .isa = rnnbin_isa_attribute(c, "isa", status),
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
  if (rnnbin_ok(&r.io)) find_size(&r, &k->form, k->backward);
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
                                     new_forward, compute_forward};
const struct op rnnbin_backward_op = {RNNBIN_BACKWARD, backward_inputs, backward_outputs, backward_attrs,
                                      new_backward, compute_backward};
