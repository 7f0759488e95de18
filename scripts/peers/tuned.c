// The training step by hand in C, with matrix products of its own: tiles of sums that
// stay in the registers, those of AVX-512 or of AVX2, whichever it is compiled for. What
// code written for this one network and this one instruction set can reach. See limit.h.
#include "limit.h"

enum {
#ifdef __AVX512F__
  LANES = 16,
  PANEL = 3, // vectors: a tile's 15 sums and 3 operands of 32 registers
#else
  LANES = 8,
  PANEL = 2, // 10 sums and 2 operands of 16
#endif
  TILE = 5,  // rows
  TAIL = 4,  // columns at the end, no whole vector
  TALL = 10, // rows of a tile there: as many sums as hide the latency
  VECTORS = (UNITS + LANES - 1) / LANES, // a row of units, padded with zeros
  WIDTH = VECTORS * LANES,
};
typedef float vec __attribute__((vector_size(LANES * sizeof(float))));
typedef float tail_vec __attribute__((vector_size(TAIL * sizeof(float))));
#define ALIGNED __attribute__((aligned(64)))
#define INLINE static inline __attribute__((always_inline))

_Static_assert(UNITS % (PANEL * LANES) == TAIL, "panels and tail make a row");
_Static_assert(BATCH % TILE == 0 && BATCH % TALL == 0 && UNITS % TALL == 0, "tiles make a column");

enum { INPUT, STATE, BIAS, OUTPUT, OUTPUT_BIAS, PARAMETERS };
static parameter par[PARAMETERS]; // [W], [U,W], [W], [C,W] (transposed), [C]

// All of a window's steps, time-major. state[0] is the zero state.
ALIGNED static float state[STEPS + 1][BATCH][WIDTH];
ALIGNED static float dstate[STEPS][BATCH][WIDTH];
ALIGNED static float transposed[UNITS][WIDTH]; // of par[STATE]

// left is an operand [M,K] whose element m, k is at[m * row + k * column].
typedef struct {
  const float *at;
  int row, column;
} left;

// tile is c[TILE,PANEL] = a[TILE,K] w[K,PANEL], added to what is in c if keep. Rows of w
// and c are WIDTH apart.
INLINE void tile(int depth, left a, const float *w, float *c, int keep) {
  vec sum[TILE][PANEL] = {0};
  for (int r = 0; keep && r < TILE; r++)
    for (int v = 0; v < PANEL; v++) sum[r][v] = ((vec *)(c + r * WIDTH))[v];
  for (int k = 0; k < depth; k++)
    for (int r = 0; r < TILE; r++)
      for (int v = 0; v < PANEL; v++) sum[r][v] += ((vec *)(w + k * WIDTH))[v] * a.at[r * a.row + k * a.column];
  for (int r = 0; r < TILE; r++)
    for (int v = 0; v < PANEL; v++) ((vec *)(c + r * WIDTH))[v] = sum[r][v];
}

// tail is the same for [TALL,TAIL].
INLINE void tail(int depth, left a, const float *w, float *c, int keep) {
  tail_vec sum[TALL] = {0};
  for (int r = 0; keep && r < TALL; r++) sum[r] = *(tail_vec *)(c + r * WIDTH);
  for (int k = 0; k < depth; k++)
    for (int r = 0; r < TALL; r++) sum[r] += *(tail_vec *)(w + k * WIDTH) * a.at[r * a.row + k * a.column];
  for (int r = 0; r < TALL; r++) *(tail_vec *)(c + r * WIDTH) = sum[r];
}

// multiply is c[rows,U] = a[rows,K] w[K,U], added to what is in c if keep. It goes by
// panels because one fits the first-level cache and all of w does not.
INLINE void multiply(int rows, int depth, left a, const float *w, float *c, int keep) {
  int j = 0;
  for (; j + TAIL < UNITS; j += PANEL * LANES)
    for (int i = 0; i < rows; i += TILE)
      tile(depth, (left){a.at + i * a.row, a.row, a.column}, w + j, c + i * WIDTH + j, keep);
  for (int i = 0; i < rows; i += TALL)
    tail(depth, (left){a.at + i * a.row, a.row, a.column}, w + j, c + i * WIDTH + j, keep);
}

// product is c[B,U] += a[B,U] w[U,U].
static void product(const float *a, const float *w, float *c) {
  multiply(BATCH, UNITS, (left){a, WIDTH, 1}, w, c, 1);
}

// outer is g[U,U] = a[rows,U]^T d[rows,U].
static void outer(int rows, const float *a, const float *d, float *g) {
  multiply(UNITS, rows, (left){a, 1, WIDTH}, d, g, 0);
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
