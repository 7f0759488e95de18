// The op that moves all weights at once.

#include <math.h>
#include <stdlib.h>

#include "kernels.h"
#include "op.h"

static const char *const inputs[] = {
    "weights: N * resource", "first: N * resource", "second: N * resource", "gradients: N * float",
    "beta1_power: float", "beta2_power: float", "rate: float", "loss: float", NULL};
static const char *const outputs[] = {"next1: float", "next2: float", "norm: float", NULL};
static const char *const attrs[] = {"N: int >= 1", "beta1: float", "beta2: float", "epsilon: float",
                                    "clip_norm: float = 0", "weight_decay: float = 0", "isa: string = 'auto'", NULL};
enum { WEIGHTS, FIRST, SECOND, GRADIENTS, LISTS };    // N inputs each,
enum { IN_POWER1, IN_POWER2, IN_RATE, IN_LOSS, SCALARS };  // and these behind them
enum { OUT_NEXT1, OUT_NEXT2, OUT_NORM };

struct adam_kernel {
  const struct rnn_isa *isa;
  int count;  // N
  float beta1, beta2, epsilon, clip_norm, weight_decay;
};

static void *create(TF_OpKernelConstruction *c) {
  TF_Status *status = TF_NewStatus();
  const struct adam_kernel k = {
      .isa = rnnbin_isa_attribute(c, "isa", status),
      .count = rnnbin_int_attribute(c, "N", status),
      .beta1 = rnnbin_float_attribute(c, "beta1", status),
      .beta2 = rnnbin_float_attribute(c, "beta2", status),
      .epsilon = rnnbin_float_attribute(c, "epsilon", status),
      .clip_norm = rnnbin_float_attribute(c, "clip_norm", status),
      .weight_decay = rnnbin_float_attribute(c, "weight_decay", status),
  };
  return rnnbin_finish_kernel(c, status, &k, sizeof k);
}

// The tensors of the lists, [LISTS][N]: variables share their memory.
struct lists {
  int count;
  TF_Tensor **tensor;
};

static TF_Tensor *tensor(const struct lists *l, int list, int i) { return l->tensor[list * l->count + i]; }

static float *values(const struct lists *l, int list, int i) { return TF_TensorData(tensor(l, list, i)); }

static struct lists open_lists(struct io *io, int count) {
  const struct lists l = {count, calloc((size_t)(LISTS * count), sizeof(TF_Tensor *))};
  if (!l.tensor) rnnbin_fail(io->status, TF_RESOURCE_EXHAUSTED, "no memory for the lists of weights");
  for (int i = 0; i < LISTS * count && rnnbin_ok(io); i++)
    if (i < GRADIENTS * count)
      l.tensor[i] = rnnbin_variable(io, i);
    else
      TF_GetInput(io->context, i, &l.tensor[i], io->status);
  for (int i = 0; i < count && rnnbin_ok(io); i++)
    for (int list = 0; list < LISTS; list++)
      if (TF_TensorElementCount(tensor(&l, list, i)) != TF_TensorElementCount(tensor(&l, WEIGHTS, i)))
        rnnbin_fail(io->status, TF_INVALID_ARGUMENT, "want a weight, its moments and its gradient to be of one size");
  return l;
}

static void close_lists(struct lists l) {
  for (int i = 0; i < LISTS * l.count && l.tensor; i++)
    if (l.tensor[i]) TF_DeleteTensor(l.tensor[i]);
  free(l.tensor);
}

// The instruction set's squares are float32, and infinite above 1.8e19. A sum of
// squares in double holds every finite gradient.
static double sum_of_squares(const struct rnn_isa *isa, const float *v, int64_t n) {
  double sum = isa->squares(v, n);
  if (isfinite(sum)) return sum;
  sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)v[i] * v[i];
  return sum;
}

// The Euclidean norm of all gradients.
static float global_norm(const struct rnn_isa *isa, const struct lists *l) {
  double sum = 0;
  for (int i = 0; i < l->count; i++)
    sum += sum_of_squares(isa, values(l, GRADIENTS, i), TF_TensorElementCount(tensor(l, GRADIENTS, i)));
  return (float)sqrt(sum);
}

// tf.clip_by_global_norm's factor, with its roundings.
static float clip_scale(float limit, float norm) {
  if (limit == 0) return 1;
  const float inverse = 1 / norm, least = 1 / limit;
  return limit * (least < inverse ? least : inverse);
}

static void move_weights(const struct adam_kernel *k, const struct lists *l, float power1, float power2, float rate,
                         float norm) {
  struct rnn_adam a = {
      .scale = clip_scale(k->clip_norm, norm),
      .rest1 = 1 - k->beta1,
      .rest2 = 1 - k->beta2,
      .alpha = rate * sqrtf(1 - power2) / (1 - power1),
      .epsilon = k->epsilon,
  };
  for (int i = 0; i < l->count; i++) {
    a.decay = TF_NumDims(tensor(l, WEIGHTS, i)) < 2 ? 0 : rate * k->weight_decay;  // biases keep their size
    k->isa->adam(&a, TF_TensorElementCount(tensor(l, WEIGHTS, i)), values(l, GRADIENTS, i), values(l, WEIGHTS, i),
                 values(l, FIRST, i), values(l, SECOND, i));
  }
}

// A step whose loss or norm is not finite leaves everything as it was.
static void compute(void *kernel, TF_OpKernelContext *c) {
  const struct adam_kernel *k = kernel;
  struct io io = rnnbin_begin(c, LISTS * k->count, SCALARS);
  const float power1 = rnnbin_float(&io, IN_POWER1, "beta1_power"), power2 = rnnbin_float(&io, IN_POWER2, "beta2_power");
  const float rate = rnnbin_float(&io, IN_RATE, "rate"), loss = rnnbin_float(&io, IN_LOSS, "loss");
  float *next1 = rnnbin_output(&io, OUT_NEXT1, TF_FLOAT, 0, NULL), *next2 = rnnbin_output(&io, OUT_NEXT2, TF_FLOAT, 0, NULL);
  float *norm = rnnbin_output(&io, OUT_NORM, TF_FLOAT, 0, NULL);
  const struct lists l = open_lists(&io, k->count);
  if (rnnbin_ok(&io)) {
    *norm = global_norm(k->isa, &l);
    const int finite = isfinite(loss) && isfinite(*norm);
    if (finite) move_weights(k, &l, power1, power2, rate, *norm);
    *next1 = finite ? power1 * k->beta1 : power1;
    *next2 = finite ? power2 * k->beta2 : power2;
  }
  close_lists(l);
  rnnbin_end(&io);
}

const struct op rnnbin_adam_op = {RNNBIN_ADAM, inputs, outputs, attrs, create, compute};
