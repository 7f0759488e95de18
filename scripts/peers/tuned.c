// The training step by hand in C, with matrix products of its own: tiles of 4 rows by
// a padded row of units, held in the 32 registers of AVX-512. What code written for
// this one network and this one instruction set can reach. See limit.h.
#include "limit.h"

enum {
  LANES = 16,
  VECTORS = (UNITS + LANES - 1) / LANES, // a row of units, padded with zeros
  WIDTH = VECTORS * LANES,
  TILE = 4, // rows; TILE * VECTORS sums and VECTORS operands share the registers
};
typedef float vec __attribute__((vector_size(LANES * sizeof(float))));
#define ALIGNED __attribute__((aligned(64)))

enum { INPUT, STATE, BIAS, OUTPUT, OUTPUT_BIAS, PARAMETERS };
static parameter par[PARAMETERS]; // [W], [U,W], [W], [C,W] (transposed), [C]

// All of a window's steps, time-major. state[0] is the zero state.
ALIGNED static float state[STEPS + 1][BATCH][WIDTH];
ALIGNED static float dstate[STEPS][BATCH][WIDTH];
ALIGNED static float transposed[UNITS][WIDTH]; // of par[STATE]

// tile is c[rows,W] += a[rows,U] w[U,W]. Rows are WIDTH apart in all three.
static inline __attribute__((always_inline)) void tile(int rows, const float *a, const float *w, float *c) {
  vec sum[TILE][VECTORS];
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < VECTORS; v++) sum[r][v] = ((vec *)(c + r * WIDTH))[v];
  for (int k = 0; k < UNITS; k++) {
    const vec *row = (const vec *)(w + k * WIDTH);
    for (int r = 0; r < rows; r++)
      for (int v = 0; v < VECTORS; v++) sum[r][v] += row[v] * a[r * WIDTH + k];
  }
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < VECTORS; v++) ((vec *)(c + r * WIDTH))[v] = sum[r][v];
}

// product is c[B,W] += a[B,U] w[U,W].
static void product(const float *a, const float *w, float *c) {
  int i = 0;
  for (; i + TILE <= BATCH; i += TILE) tile(TILE, a + i * WIDTH, w, c + i * WIDTH);
  tile(BATCH % TILE, a + i * WIDTH, w, c + i * WIDTH);
}

// outer is g[U,W] = a[rows,U]^T d[rows,W].
static void outer(int rows, const float *a, const float *d, float *g) {
  for (int k = 0; k < UNITS; k += TILE) {
    vec sum[TILE][VECTORS];
    memset(sum, 0, sizeof sum);
    for (int m = 0; m < rows; m++) {
      const vec *row = (const vec *)(d + m * WIDTH);
      for (int r = 0; r < TILE; r++)
        for (int v = 0; v < VECTORS; v++) sum[r][v] += row[v] * a[m * WIDTH + k + r];
    }
    for (int r = 0; r < TILE; r++)
      for (int v = 0; v < VECTORS; v++) ((vec *)(g + (k + r) * WIDTH))[v] = sum[r][v];
  }
}

static void forward(const float *x) {
  const vec *w = (vec *)par[INPUT].value, *bias = (vec *)par[BIAS].value;
  for (int t = 0; t < STEPS; t++) {
    float *h = state[t + 1][0];
    for (int i = 0; i < BATCH; i++)
      for (int v = 0; v < VECTORS; v++) ((vec *)(h + i * WIDTH))[v] = w[v] * x[i * STEPS + t] + bias[v];
    if (t) product(state[t][0], par[STATE].value, h);
    for (int i = 0; i < BATCH * WIDTH; i++) h[i] = h[i] > 0 ? h[i] : 0;
  }
}

// head is the projection, the loss, and both of their gradients, row by row: it fills
// dstate and returns the mean loss.
static float head(const int *labels) {
  const vec *w0 = (vec *)par[OUTPUT].value, *w1 = w0 + VECTORS;
  vec *g0 = (vec *)par[OUTPUT].gradient, *g1 = g0 + VECTORS;
  const float *bias = par[OUTPUT_BIAS].value;
  float *dbias = par[OUTPUT_BIAS].gradient, loss = 0;
  memset(g0, 0, CLASSES * WIDTH * sizeof(float));
  dbias[0] = dbias[1] = 0;
  for (int row = 0; row < ROWS; row++) {
    int t = row / BATCH, i = row % BATCH;
    const vec *h = (vec *)state[t + 1][i];
    vec *dh = (vec *)dstate[t][i], sum0 = {0}, sum1 = {0};
    for (int v = 0; v < VECTORS; v++) {
      sum0 += h[v] * w0[v];
      sum1 += h[v] * w1[v];
    }
    float a = bias[0], b = bias[1], d[CLASSES];
    for (int l = 0; l < LANES; l++) {
      a += sum0[l];
      b += sum1[l];
    }
    loss += cross_entropy(a, b, labels[i * STEPS + t], d);
    dbias[0] += d[0];
    dbias[1] += d[1];
    for (int v = 0; v < VECTORS; v++) {
      dh[v] = w0[v] * d[0] + w1[v] * d[1];
      g0[v] += h[v] * d[0];
      g1[v] += h[v] * d[1];
    }
  }
  return loss / ROWS;
}

static void backward(const float *x) {
  for (int i = 0; i < UNITS; i++)
    for (int j = 0; j < UNITS; j++) transposed[j][i] = par[STATE].value[i * WIDTH + j];
  for (int t = STEPS - 1; t >= 0; t--) {
    float *d = dstate[t][0], *h = state[t + 1][0];
    if (t < STEPS - 1) product(dstate[t + 1][0], transposed[0], d);
    for (int i = 0; i < BATCH * WIDTH; i++) d[i] = h[i] > 0 ? d[i] : 0;
  }
  outer(ROWS - BATCH, state[1][0], dstate[1][0], par[STATE].gradient); // state[0] is zero

  vec *dinput = (vec *)par[INPUT].gradient, *dbias = (vec *)par[BIAS].gradient;
  memset(dinput, 0, WIDTH * sizeof(float));
  memset(dbias, 0, WIDTH * sizeof(float));
  for (int t = 0; t < STEPS; t++)
    for (int i = 0; i < BATCH; i++)
      for (int v = 0; v < VECTORS; v++) {
        const vec *d = (vec *)dstate[t][i];
        dbias[v] += d[v];
        dinput[v] += d[v] * x[i * STEPS + t];
      }
}

static float train_step(const float *x, const int *labels) {
  forward(x);
  float loss = head(labels);
  backward(x);
  adam(par, PARAMETERS);
  return loss;
}

int main(int argc, char **argv) {
  int sizes[PARAMETERS] = {WIDTH, UNITS * WIDTH, WIDTH, CLASSES * WIDTH, CLASSES};
  for (int k = 0; k < PARAMETERS; k++) par[k] = new_parameter(sizes[k]);
  glorot(par[INPUT], 1, UNITS, WIDTH, 1 + UNITS + UNITS);
  glorot(par[STATE], UNITS, UNITS, WIDTH, 1 + UNITS + UNITS);
  glorot(par[OUTPUT], CLASSES, UNITS, WIDTH, UNITS + CLASSES);
  return run(argc > 1 ? argv[1] : "tuned");
}
