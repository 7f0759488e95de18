// The training step by hand in C, with every matrix product done by a BLAS: what a
// program that calls a library for its arithmetic can reach. See limit.h.
#include <cblas.h>

#include "limit.h"

enum { INPUT, STATE, BIAS, OUTPUT, OUTPUT_BIAS, PARAMETERS };
static parameter par[PARAMETERS]; // [U], [U,U], [U], [U,C], [C]

// All of a window's steps, time-major. state[0] is the zero state.
static float state[STEPS + 1][BATCH][UNITS];
static float dstate[STEPS][BATCH][UNITS];
static float logits[STEPS][BATCH][CLASSES];
static float dlogits[STEPS][BATCH][CLASSES];

// product is c[m,n] = a[m,k] b[k,n] + keep c, all row-major. A transposed operand is
// stored as [k,m] or [n,k].
static void product(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const float *a, const float *b,
                    float keep, float *c) {
  int lda = ta == CblasNoTrans ? k : m, ldb = tb == CblasNoTrans ? n : k;
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, keep, c, n);
}

static void forward(const float *x) {
  for (int t = 0; t < STEPS; t++) {
    float *h = state[t + 1][0];
    for (int i = 0; i < BATCH; i++)
      for (int j = 0; j < UNITS; j++)
        h[i * UNITS + j] = x[i * STEPS + t] * par[INPUT].value[j] + par[BIAS].value[j];
    product(CblasNoTrans, CblasNoTrans, BATCH, UNITS, UNITS, state[t][0], par[STATE].value, 1, h);
    for (int i = 0; i < BATCH * UNITS; i++) h[i] = h[i] > 0 ? h[i] : 0;
  }
  product(CblasNoTrans, CblasNoTrans, ROWS, CLASSES, UNITS, state[1][0], par[OUTPUT].value, 0, logits[0][0]);
}

// score fills dlogits and returns the mean loss.
static float score(const int *labels) {
  const float *bias = par[OUTPUT_BIAS].value;
  float *dbias = par[OUTPUT_BIAS].gradient, loss = 0;
  dbias[0] = dbias[1] = 0;
  for (int t = 0; t < STEPS; t++)
    for (int i = 0; i < BATCH; i++) {
      const float *l = logits[t][i];
      float *d = dlogits[t][i];
      loss += cross_entropy(l[0] + bias[0], l[1] + bias[1], labels[i * STEPS + t], d);
      dbias[0] += d[0];
      dbias[1] += d[1];
    }
  return loss / ROWS;
}

static void backward(const float *x) {
  product(CblasTrans, CblasNoTrans, UNITS, CLASSES, ROWS, state[1][0], dlogits[0][0], 0, par[OUTPUT].gradient);
  product(CblasNoTrans, CblasTrans, ROWS, UNITS, CLASSES, dlogits[0][0], par[OUTPUT].value, 0, dstate[0][0]);
  for (int t = STEPS - 1; t >= 0; t--) {
    float *d = dstate[t][0], *h = state[t + 1][0];
    if (t < STEPS - 1)
      product(CblasNoTrans, CblasTrans, BATCH, UNITS, UNITS, dstate[t + 1][0], par[STATE].value, 1, d);
    for (int i = 0; i < BATCH * UNITS; i++) d[i] = h[i] > 0 ? d[i] : 0;
  }
  product(CblasTrans, CblasNoTrans, UNITS, UNITS, ROWS, state[0][0], dstate[0][0], 0, par[STATE].gradient);

  float *dinput = par[INPUT].gradient, *dbias = par[BIAS].gradient;
  memset(dinput, 0, UNITS * sizeof(float));
  memset(dbias, 0, UNITS * sizeof(float));
  for (int t = 0; t < STEPS; t++)
    for (int i = 0; i < BATCH; i++)
      for (int j = 0; j < UNITS; j++) {
        dbias[j] += dstate[t][i][j];
        dinput[j] += x[i * STEPS + t] * dstate[t][i][j];
      }
}

static float train_step(const float *x, const int *labels) {
  forward(x);
  float loss = score(labels);
  backward(x);
  adam(par, PARAMETERS);
  return loss;
}

int main(int argc, char **argv) {
  int sizes[PARAMETERS] = {UNITS, UNITS * UNITS, UNITS, UNITS * CLASSES, CLASSES};
  for (int k = 0; k < PARAMETERS; k++) par[k] = new_parameter(sizes[k]);
  glorot(par[INPUT], 1, UNITS, UNITS, 1 + UNITS + UNITS);
  glorot(par[STATE], UNITS, UNITS, UNITS, 1 + UNITS + UNITS);
  glorot(par[OUTPUT], UNITS, CLASSES, CLASSES, UNITS + CLASSES);
  return run(argc > 1 ? argv[1] : "openblas");
}
