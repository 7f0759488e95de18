// The loss, in plain C: a few values a row.

#include "head.h"

#include <math.h>
#include <string.h>

#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

// floorf for what an int32 holds, without a call.
static float floor_of(float x) {
  const float cut = (float)(int32_t)x;
  return cut > x ? cut - 1 : cut;
}

// e^x for x <= 0 by the polynomial of the Cephes library, without fused
// operations, as TensorFlow 1 has it in its vectors (Eigen's pexp_float).
static float exp_cephes(float x) {
  x = x < -88.3762626647949f ? -88.3762626647949f : x;
  const float m = floor_of(x * 1.44269504088896341f + 0.5f);
  float r = x - m * 0.693359375f;
  r = r - m * -2.12194440e-4f;
  float y = 1.9875691500e-4f;
  y = y * r + 1.3981999507e-3f;
  y = y * r + 8.3334519073e-3f;
  y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f;
  y = y * r + 5.0000001201e-1f;
  y = y * (r * r) + r;
  y = y + 1;
  const int32_t bits = ((int32_t)m + 127) << 23;
  float power;
  memcpy(&power, &bits, sizeof power);
  return y * power;
}

// The softmax cross-entropy of one row, and its gradient by the logits. The sum
// takes the C library's exponentials, the gradient those of the vectors.
static float xent_row(int64_t outputs, const float *logits, int32_t label, float *gradient) {
  if (label < 0 || label >= outputs) {
    for (int64_t o = 0; o < outputs; o++) gradient[o] = NAN;
    return NAN;
  }
  float most = logits[0], sum = 0;
  for (int64_t o = 1; o < outputs; o++) most = logits[o] > most ? logits[o] : most;
  for (int64_t o = 0; o < outputs; o++) sum += logits[o] == most ? 1 : expf(logits[o] - most);
  for (int64_t o = 0; o < outputs; o++) {
    const float e = logits[o] == most ? 1 : exp_cephes(logits[o] - most);
    gradient[o] = (isnan(logits[o]) ? NAN : e / sum) - (o == label);
  }
  return logf(sum) - (logits[label] - most);
}

static float square_row(float value, float label, float *gradient) {
  const float error = value - label;
  *gradient = 2 * error;
  return error * error;
}

void head_score(const struct rnn_head *p, const int32_t *starts, int64_t t, int64_t n, const float *logits,
                float *dlogits, double *sum) {
  const int64_t O = p->outputs;
  for (int64_t i = 0; i < n; i++) {
    const int64_t row = starts[i] + t;
    const float w = p->w[row], share = p->total > 0 ? w / (float)p->total : 0;
    float *gradient = dlogits + i * O;
    const float term = p->loss == HEAD_MSE
                           ? square_row(logits[i], ((const float *)p->labels)[row], gradient)
                           : xent_row(O, logits + i * O, ((const int32_t *)p->labels)[row], gradient);
    *sum += w != 0 ? (double)term * w : 0;
    for (int64_t o = 0; o < O; o++) gradient[o] = share != 0 ? gradient[o] * share : 0;
  }
}

void head_bias_gradient(int64_t rows, int64_t outputs, const float *dlogits, float *dbias) {
  for (int64_t o = 0; o < outputs; o++) {
    float part = 0;
    for (int64_t r = 0; r < rows; r++) part += dlogits[r * outputs + o];
    dbias[o] += part;
  }
}
