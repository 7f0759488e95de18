// Adam's update in vectors. Included by each instruction set, which may define
// ROOT, the square root as IEEE 754 has it.
//
// Every operation is rounded by itself, as in TensorFlow's ResourceApplyAdam, and in the
// operations that let a weight decay before it, whose bits these are.
#ifndef RNNBIN_ADAM_VEC_H
#define RNNBIN_ADAM_VEC_H

#include <math.h>

#include "recurrence.h"
#include "vector.h"

#if !defined(ROOT)
INLINE vec root_of_lanes(vec v) {
  for (int lane = 0; lane < LANES; lane++) v[lane] = sqrtf(v[lane]);
  return v;
}
#define ROOT(v) root_of_lanes(v)
#endif

// One vector of the weight, with its moments.
INLINE vec adam_step(const struct rnn_adam *a, vec g, vec w, vec *m, vec *v) {
  if (a->decay != 0) w -= rounded(w * a->decay);
  g = rounded(g * a->scale);
  *m += rounded((g - *m) * a->rest1);
  *v += rounded((rounded(g * g) - *v) * a->rest2);
  return w - rounded(*m * a->alpha) / (ROOT(*v) + a->epsilon);
}

// Moves n values of a weight against their gradient.
static void adam(const struct rnn_adam *a, int64_t n, const float *gradient, float *weight, float *first, float *second) {
  for (int64_t i = 0; i < n; i += LANES) {
    vec m = load_upto(first + i, n - i), v = load_upto(second + i, n - i);
    const vec w = adam_step(a, load_upto(gradient + i, n - i), load_upto(weight + i, n - i), &m, &v);
    store_upto(weight + i, w, n - i);
    store_upto(first + i, m, n - i);
    store_upto(second + i, v, n - i);
  }
}

#endif
