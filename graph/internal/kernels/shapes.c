#include "shapes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct text {
  char at[256];
  int used;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (t->used < (int)sizeof t->at)
    t->used += vsnprintf(t->at + t->used, sizeof t->at - (size_t)t->used, format, arguments);
  va_end(arguments);
}

static void add_shape(struct text *t, int rank, const int64_t *dim) {
  if (rank > SHAPE_RANK_MAX) {
    add(t, "rank %d", rank);
    return;
  }
  for (int i = 0; i < rank; i++)
    if (dim[i] == UNKNOWN)
      add(t, "%s?", i ? "," : "[");
    else
      add(t, "%s%" PRId64, i ? "," : "[", dim[i]);
  add(t, "%s", rank ? "]" : "[]");
}

static int64_t known_dim(const struct shape *s, int i) { return s->rank > i ? s->dim[i] : UNKNOWN; }

// Sets the status unless the shape is the wanted one, as far as either is known.
static void want(TF_Status *status, const char *name, const struct shape *got, const char *meaning, int rank,
                 const int64_t *dim) {
  if (TF_GetCode(status) != TF_OK || got->rank == UNKNOWN) return;
  int fits = got->rank == rank;
  for (int i = 0; fits && i < rank; i++)
    fits = got->dim[i] == dim[i] || got->dim[i] == UNKNOWN || dim[i] == UNKNOWN;
  if (fits) return;
  struct text t = {.used = 0};
  add(&t, "%s has shape ", name);
  add_shape(&t, got->rank, got->dim);
  add(&t, ", want %s = ", meaning);
  add_shape(&t, rank, dim);
  TF_SetStatus(status, TF_INVALID_ARGUMENT, t.at);
}

// A state of zeros may be left out: no row instead of one for each of the batch.
static void want_state(TF_Status *status, const char *name, const struct shape *got, int64_t batch, int64_t units) {
  const int64_t rows = known_dim(got, 0) == 0 ? 0 : batch;
  want(status, name, got, "[batch, units]", 2, (int64_t[]){rows, units});
}

struct dims {
  int64_t steps, batch, inputs, units;
};

// What x [T,B,F] and kernel [F+U,U] say; both are checked.
static struct dims x_and_kernel(const struct shape *x, const struct shape *kernel, TF_Status *status) {
  struct dims d = {known_dim(x, 0), known_dim(x, 1), known_dim(x, 2), known_dim(kernel, 1)};
  want(status, "x", x, "[steps, batch, inputs]", 3, (int64_t[]){d.steps, d.batch, d.inputs});
  int64_t rows = d.inputs == UNKNOWN || d.units == UNKNOWN ? UNKNOWN : d.inputs + d.units;
  want(status, "kernel", kernel, "[inputs+units, units]", 2, (int64_t[]){rows, d.units});
  if (TF_GetCode(status) != TF_OK) return d;
  if (d.inputs == 0) TF_SetStatus(status, TF_INVALID_ARGUMENT, "x has no inputs: its last dimension is 0");
  if (d.units == 0) TF_SetStatus(status, TF_INVALID_ARGUMENT, "kernel has no units: its last dimension is 0");
  return d;
}

void check_forward_shapes(const struct shape s[FORWARD_INPUTS], TF_Status *status) {
  struct dims d = x_and_kernel(&s[FORWARD_X], &s[FORWARD_KERNEL], status);
  want(status, "bias", &s[FORWARD_BIAS], "[units]", 1, (int64_t[]){d.units});
  want_state(status, "h0", &s[FORWARD_H0], d.batch, d.units);
}

void check_backward_shapes(const struct shape s[BACKWARD_INPUTS], TF_Status *status) {
  struct dims d = x_and_kernel(&s[BACKWARD_X], &s[BACKWARD_KERNEL], status);
  const int64_t all[] = {d.steps, d.batch, d.units};
  want_state(status, "h0", &s[BACKWARD_H0], d.batch, d.units);
  want(status, "h", &s[BACKWARD_H], "[steps, batch, units]", 3, all);
  want(status, "dh", &s[BACKWARD_DH], "[steps, batch, units]", 3, all);
  want_state(status, "dlast", &s[BACKWARD_DLAST], d.batch, d.units);
}
