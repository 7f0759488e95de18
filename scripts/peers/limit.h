// What the C programs share: the work, the series, the initial weights, Adam, and
// the timing. Each of them defines train_step and calls run.
//
// The work is rnnbin's default: 10 windows of 20 steps, one input, 100 units, relu,
// two outputs, softmax cross-entropy, Adam; 800 steps an epoch, each one sample on.
#ifndef LIMIT_H
#define LIMIT_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  STEPS = 20,
  BATCH = 10,
  UNITS = 100,
  CLASSES = 2,
  ROWS = STEPS * BATCH,
  SAMPLES = 1000,
  EPOCH = SAMPLES - ROWS, // training steps
  EPOCHS = 3,             // that are timed, after one that is not
};

// parameter is a weight of n values with its gradient and Adam's two moments.
typedef struct {
  float *value, *gradient, *mean, *square;
  int n;
} parameter;

static parameter new_parameter(int n) {
  parameter p = {.n = n};
  float **parts[] = {&p.value, &p.gradient, &p.mean, &p.square};
  size_t bytes = ((size_t)n * sizeof(float) + 63) / 64 * 64;
  for (int i = 0; i < 4; i++) {
    *parts[i] = aligned_alloc(64, bytes);
    if (!*parts[i]) abort();
    memset(*parts[i], 0, bytes);
  }
  return p;
}

// glorot fills [rows,columns] of p, whose rows are stride apart.
static void glorot(parameter p, int rows, int columns, int stride, int fan) {
  double limit = sqrt(6. / fan);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++) p.value[i * stride + j] = (float)((drand48() * 2 - 1) * limit);
}

// adam updates all parameters, with the rate of TensorFlow 1: epsilon is outside of
// the bias correction.
static void adam(parameter *parameters, int count) {
  static double power1 = 0.9, power2 = 0.999;
  float rate = (float)(1e-3 * sqrt(1 - power2) / (1 - power1));
  for (int k = 0; k < count; k++) {
    parameter p = parameters[k];
    for (int i = 0; i < p.n; i++) {
      float g = p.gradient[i];
      p.mean[i] += (g - p.mean[i]) * 0.1f;
      p.square[i] += (g * g - p.square[i]) * 0.001f;
      p.value[i] -= rate * p.mean[i] / (sqrtf(p.square[i]) + 1e-8f);
    }
  }
  power1 *= 0.9;
  power2 *= 0.999;
}

// cross_entropy returns the loss of two logits, and in d the gradient with respect to them of the
// mean over all rows.
static inline float cross_entropy(float a, float b, int class, float d[CLASSES]) {
  float top = a > b ? a : b;
  float ea = expf(a - top), eb = expf(b - top), sum = ea + eb;
  d[0] = (ea / sum - (class == 0)) / ROWS;
  d[1] = (eb / sum - (class == 1)) / ROWS;
  return logf(sum) + top - (class ? b : a);
}

// train_step trains on x [BATCH,STEPS] and its labels, and returns the loss before
// the update.
static float train_step(const float *x, const int *labels);

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// run prints a line for each epoch: name, microseconds a step, the last loss.
static int run(const char *name) {
  static float x[SAMPLES];
  static int labels[SAMPLES];
  for (int i = 0; i < SAMPLES; i++) {
    double sine = sin(2 * M_PI * 2 * (i / (double)SAMPLES));
    x[i] = (float)sine;
    labels[i] = sine > 0;
  }
  for (int epoch = 0; epoch <= EPOCHS; epoch++) {
    float loss = 0;
    double begin = seconds();
    for (int i = 0; i < EPOCH; i++) loss = train_step(x + i, labels + i + 1);
    double step = (seconds() - begin) / EPOCH;
    if (epoch) printf("%s\t%.2f\t%.5f\n", name, step * 1e6, loss);
  }
  return 0;
}

#endif
