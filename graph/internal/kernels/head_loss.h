// The loss of a step's rows. Included by each instruction set.
#ifndef RNNBIN_HEAD_LOSS_H
#define RNNBIN_HEAD_LOSS_H

#include <math.h>

#include "head.h"
#include "vector.h"

// Truncated, and one less where that is above: the floor of what an int32 holds.
INLINE vec floor_of(vec x) {
  const vec cut = __builtin_convertvector(__builtin_convertvector(x, ivec), vec);
  return cut - choose(cut > x, (vec){0} + 1, (vec){0});
}

// e^x for x <= 0 by the polynomial of the Cephes library, without fused
// operations, as TensorFlow 1 has it in its vectors (Eigen's pexp_float).
INLINE vec exp_cephes(vec x) {
  const vec least = (vec){0} - 88.3762626647949f;
  x = choose(x < least, least, x);
  const vec m = floor_of(rounded(x * 1.44269504088896341f) + 0.5f);
  vec r = x - rounded(m * 0.693359375f);
  r = r - rounded(m * -2.12194440e-4f);
  vec y = (vec){0} + 1.9875691500e-4f;
  y = rounded(y * r) + 1.3981999507e-3f;
  y = rounded(y * r) + 8.3334519073e-3f;
  y = rounded(y * r) + 4.1665795894e-2f;
  y = rounded(y * r) + 1.6666665459e-1f;
  y = rounded(y * r) + 5.0000001201e-1f;
  y = rounded(y * rounded(r * r)) + r;
  y = y + 1;
  return y * (vec)((__builtin_convertvector(m, ivec) + 127) << 23);
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
    const float e = logits[o] == most ? 1 : exp_cephes((vec){0} + (logits[o] - most))[0];
    gradient[o] = (isnan(logits[o]) ? NAN : e / sum) - (o == label);
  }
  return logf(sum) - (logits[label] - most);
}

static float square_row(float value, float label, float *gradient) {
  const float error = value - label;
  *gradient = 2 * error;
  return error * error;
}

// Half as many doubles as floats make a vector.
enum { HALF = LANES / 2 };
typedef double dvec __attribute__((vector_size(LANES * 4), may_alias));
typedef int64_t lvec __attribute__((vector_size(LANES * 4), may_alias));
typedef float half_unaligned __attribute__((vector_size(LANES * 2), aligned(4), may_alias));

// The polynomial in x of the given coefficients, that of the highest power first.
INLINE dvec polynomial(dvec x, const double *coefficients, const int count) {
  dvec y = (dvec){0} + coefficients[0];
  UNROLL
  for (int i = 1; i < count; i++) y = y * x + coefficients[i];
  return y;
}

// e^x for -110 <= x <= 0, to 40 bits.
INLINE dvec exp_double(dvec x) {
  static const double taylor[] = {1. / 3628800, 1. / 362880, 1. / 40320, 1. / 5040, 1. / 720, 1. / 120,
                                  1. / 24,      1. / 6,      1. / 2,     1,         1};
  const dvec shift = (dvec){0} + 0x1.8p52, shifted = x * 1.4426950408889634 + shift;  // the whole number is in the low bits
  const dvec rest = x - (shifted - shift) * 0.6931471805599453;
  return polynomial(rest, taylor, 11) * (dvec)(((lvec)shifted << 52) + (INT64_C(1023) << 52));
}

// The logarithm of 1 <= x <= 2, to 40 bits, by the series of the inverse
// hyperbolic tangent.
INLINE dvec log_double(dvec x) {
  static const double odd[] = {1. / 25, 1. / 23, 1. / 21, 1. / 19, 1. / 17, 1. / 15, 1. / 13,
                               1. / 11, 1. / 9,  1. / 7,  1. / 5,  1. / 3,  1};
  const dvec z = (x - 1) / (x + 1);
  return 2 * z * polynomial(z * z, odd, 13);
}

// sum = 1 + e^gap and its logarithm, for a vector of gaps.
INLINE void log_sum(const float *gap, float *sum, float *logarithm) {
  for (int i = 0; i < LANES; i += HALF) {
    const dvec x = __builtin_convertvector(*(const half_unaligned *)(gap + i), dvec);
    const half_unaligned s = __builtin_convertvector(exp_double(x), half_unaligned) + 1;
    *(half_unaligned *)(sum + i) = s;
    *(half_unaligned *)(logarithm + i) = __builtin_convertvector(log_double(__builtin_convertvector(s, dvec)), half_unaligned);
  }
}

// Rows of one block: what each weighs, its label, and its loss.
enum { LOSS_ROWS = 4 * LANES };
struct loss_rows {
  int64_t n;
  float w[LOSS_ROWS], term[LOSS_ROWS];
  union {
    int32_t class[LOSS_ROWS];
    float value[LOSS_ROWS];
  } label;
};

// xent_row for a vector of rows with two outputs, each row in a lane. The result
// is set in the lanes of rows that this is not made for: their logits' difference
// is not finite, or the label is no class.
INLINE ivec xent_of_two(vec logit0, vec logit1, ivec label, float *term, vec gradient[2]) {
  const ivec first = logit0 >= logit1;
  const vec gap = choose(first, logit1 - logit0, logit0 - logit1), none = {0}, one = none + 1;
  const vec least = none - 110;
  float bounded[LANES], sums[LANES], logarithms[LANES];
  store(bounded, choose(gap > least, gap, least));
  log_sum(bounded, sums, logarithms);
  const vec sum = load(sums), high = one / sum, low = exp_cephes(gap) / sum;
  gradient[0] = choose(first, high, low) - choose(label == 0, one, none);
  gradient[1] = choose(first, low, high) - choose(label == 1, one, none);
  store(term, load(logarithms) - choose(label == (first & 1), gap, none));
  return ~(gap > none - 3e38f) | (label != (label & 1));
}

// The same for the rows of a block; 0 when there is a row that it is not made for.
static int xent_rows_of_two(struct loss_rows *b, const float *logits, float *gradient) {
  for (int64_t i = 0; i < b->n; i += LANES) {
    float logit[2][LANES] = {{0}};
    ivec label;
    for (int lane = 0; lane < LANES; lane++) {
      const int64_t row = smaller(i + lane, b->n - 1);
      logit[0][lane] = logits[2 * row], logit[1][lane] = logits[2 * row + 1];
      label[lane] = b->label.class[row];
    }
    vec g[2];
    const ivec odd = xent_of_two(load(logit[0]), load(logit[1]), label, b->term + i, g);
    for (int lane = 0; lane < LANES; lane++)
      if (odd[lane]) return 0;
    for (int64_t lane = 0; lane < smaller(LANES, b->n - i); lane++)
      gradient[2 * (i + lane)] = g[0][lane], gradient[2 * (i + lane) + 1] = g[1][lane];
  }
  return 1;
}

static void score_rows(const struct rnn_head *p, struct loss_rows *b, const float *logits, float *gradient) {
  const int64_t O = p->outputs;
  if (p->loss == HEAD_XENT && O == 2 && xent_rows_of_two(b, logits, gradient)) return;
  for (int64_t i = 0; i < b->n; i++)
    b->term[i] = p->loss == HEAD_MSE ? square_row(logits[i], b->label.value[i], gradient + i)
                                     : xent_row(O, logits + i * O, b->label.class[i], gradient + i * O);
}

// Adds to sum the weighted losses of logits [end-begin, rows, O], row r of step t
// of which belongs to row starts[r]+t of the series, and leaves the mean's gradient
// in dlogits. A label that is no class gives a loss that is not a number.
static void head_score(const struct rnn_head *p, const int32_t *starts, int64_t begin, int64_t end, int64_t rows,
                       const float *logits, float *dlogits, double *sum) {
  const int64_t O = p->outputs;
  const float total = (float)p->total;
  struct loss_rows b;
  int64_t t = begin, r = 0;
  for (int64_t at = 0, all = (end - begin) * rows; at < all; at += b.n) {
    b.n = smaller(LOSS_ROWS, all - at);
    for (int64_t i = 0; i < b.n; i++) {
      const int64_t row = starts[r] + t;
      b.w[i] = p->w[row];
      memcpy(b.label.class + i, (const int32_t *)p->labels + row, sizeof(int32_t));
      if (++r == rows) r = 0, t++;
    }
    float *gradient = dlogits + at * O;
    score_rows(p, &b, logits + at * O, gradient);
    for (int64_t i = 0; i < b.n; i++) {
      *sum += b.w[i] != 0 ? (double)b.term[i] * b.w[i] : 0;
      const float share = p->total > 0 ? b.w[i] / total : 0;
      for (int64_t o = 0; o < O; o++) gradient[i * O + o] = share != 0 ? gradient[i * O + o] * share : 0;
    }
  }
}

// Adds a step's part to the gradient of the bias.
static void head_bias_gradient(int64_t rows, int64_t outputs, const float *dlogits, float *dbias) {
  for (int64_t o = 0; o < outputs; o++) {
    float part = 0;
    for (int64_t r = 0; r < rows; r++) part += dlogits[r * outputs + o];
    dbias[o] += part;
  }
}

#endif
