// The ops that draw random numbers in training.

#include "kernels.h"
#include "op.h"

static const char *const inputs[] = {"x: float", "seeds: int64", NULL};
static const char *const outputs[] = {"y: float", NULL};
static const char *const noise_attrs[] = {"deviation: float", "isa: string = 'auto'", NULL};
static const char *const dropout_attrs[] = {"rate: float", "isa: string = 'auto'", NULL};
enum { IN_X, IN_SEEDS, INPUTS };

struct draw_kernel {
  const struct rnn_isa *isa;
  void (*run)(const struct rnn_draw *, int64_t n, const float *x, float *y);
  float rate, size;
};

static void *create_noise(TF_OpKernelConstruction *c) {
  TF_Status *status = TF_NewStatus();
  struct draw_kernel k = {.isa = rnnbin_isa_attribute(c, "isa", status), .size = rnnbin_float_attribute(c, "deviation", status)};
  if (k.isa) k.run = k.isa->noise;
  return rnnbin_finish_kernel(c, status, &k, sizeof k);
}

static void *create_dropout(TF_OpKernelConstruction *c) {
  TF_Status *status = TF_NewStatus();
  struct draw_kernel k = {.isa = rnnbin_isa_attribute(c, "isa", status), .rate = rnnbin_float_attribute(c, "rate", status)};
  k.size = 1 / (1 - k.rate);
  if (k.isa) k.run = k.isa->dropout;
  return rnnbin_finish_kernel(c, status, &k, sizeof k);
}

enum { RANK_MAX = 8 };

static void compute(void *kernel, TF_OpKernelContext *c) {
  const struct draw_kernel *k = kernel;
  struct io io = rnnbin_begin(c, 0, INPUTS);
  int64_t dim[RANK_MAX], n = 1;
  if (rnnbin_ok(&io) && (TF_NumDims(io.in[IN_X]) > RANK_MAX || TF_NumDims(io.in[IN_SEEDS]) != 1 || TF_Dim(io.in[IN_SEEDS], 0) != 2))
    rnnbin_fail(io.status, TF_INVALID_ARGUMENT, "want seeds [2] and x of at most %d dimensions", RANK_MAX);
  const int rank = rnnbin_ok(&io) ? TF_NumDims(io.in[IN_X]) : 0;
  for (int i = 0; i < rank; i++) n *= dim[i] = TF_Dim(io.in[IN_X], i);
  float *y = rnnbin_output(&io, 0, TF_FLOAT, rank, dim);
  if (rnnbin_ok(&io)) {
    const struct rnn_draw d = {TF_TensorData(io.in[IN_SEEDS]), k->rate, k->size};
    k->run(&d, n, TF_TensorData(io.in[IN_X]), y);
  }
  rnnbin_end(&io);
}

const struct op rnnbin_noise_op = {RNNBIN_NOISE, inputs, outputs, noise_attrs, create_noise, compute};
const struct op rnnbin_dropout_op = {RNNBIN_DROPOUT, inputs, outputs, dropout_attrs, create_dropout, compute};
