// Kernels for TensorFlow's own softmax cross-entropies.

#include <inttypes.h>
#include <stdatomic.h>

#include "kernels.h"
#include "op.h"
#include "store.h"

enum { IN_LOGITS, IN_LABELS, INPUTS };
enum { OUT_LOSS, OUT_GRADIENT };

static atomic_uint_least64_t runs;

uint64_t rnnbin_xent_runs(void) { return runs; }

struct xent_kernel {
  const struct rnn_isa *isa;
};

static void *create(TF_OpKernelConstruction *c) {
  TF_Status *status = TF_NewStatus();
  const struct xent_kernel k = {rnnbin_isa_attribute(c, RNNBIN_LABELLED_ISA, status)};
  return rnnbin_finish_kernel(c, status, &k, sizeof k);
}

// The rows and classes of logits [N,C], with labels [N] if sparse, else [N,C].
static void find_shape(struct io *io, int sparse, struct rnn_xent *x) {
  if (!rnnbin_ok(io)) return;
  const TF_Tensor *logits = io->in[IN_LOGITS], *labels = io->in[IN_LABELS];
  if (TF_NumDims(logits) != 2 || TF_Dim(logits, 1) == 0) {
    rnnbin_fail(io->status, TF_INVALID_ARGUMENT, "want logits [rows, classes], of at least one class");
    return;
  }
  x->rows = TF_Dim(logits, 0), x->classes = TF_Dim(logits, 1);
  if (TF_NumDims(labels) != (sparse ? 1 : 2) || TF_Dim(labels, 0) != x->rows || (!sparse && TF_Dim(labels, 1) != x->classes))
    rnnbin_fail(io->status, TF_INVALID_ARGUMENT, "want labels %s, as many as logits [%" PRId64 ", %" PRId64 "] has",
                sparse ? "[rows]" : "[rows, classes]", x->rows, x->classes);
}

static void check_labels(struct io *io, const struct rnn_xent *x) {
  for (int64_t i = 0; i < x->rows && rnnbin_ok(io); i++)
    if (x->labels[i] < 0 || x->labels[i] >= x->classes)
      rnnbin_fail(io->status, TF_INVALID_ARGUMENT, "label %d of row %" PRId64 " is not from 0 to %" PRId64, x->labels[i], i,
                  x->classes - 1);
}

static void run(const struct rnn_isa *isa, struct io *io, struct rnn_xent *x) {
  if (!rnnbin_ok(io)) return;
  if (!(x->scratch = rnnbin_store_take((size_t)rnn_xent_scratch(x->classes)))) {
    rnnbin_fail(io->status, TF_RESOURCE_EXHAUSTED, "no memory for cross-entropies");
    return;
  }
  isa->xent(x);
  rnnbin_store_give(x->scratch);
}

static void compute(void *kernel, TF_OpKernelContext *c) {
  const struct xent_kernel *k = kernel;
  atomic_fetch_add_explicit(&runs, 1, memory_order_relaxed);
  struct io io = rnnbin_begin(c, 0, INPUTS);
  const int sparse = rnnbin_ok(&io) && TF_TensorType(io.in[IN_LABELS]) == TF_INT32;
  struct rnn_xent x = {0};
  find_shape(&io, sparse, &x);
  x.loss = rnnbin_output(&io, OUT_LOSS, TF_FLOAT, 1, &x.rows);
  x.gradient = rnnbin_output(&io, OUT_GRADIENT, TF_FLOAT, 2, (int64_t[]){x.rows, x.classes});
  if (rnnbin_ok(&io)) {
    x.logits = TF_TensorData(io.in[IN_LOGITS]);
    if (sparse)
      x.labels = TF_TensorData(io.in[IN_LABELS]);
    else
      x.targets = TF_TensorData(io.in[IN_LABELS]);
  }
  if (sparse) check_labels(&io, &x);
  run(k->isa, &io, &x);
  rnnbin_end(&io);
}

const struct standard_kernel rnnbin_xent_kernel = {{RNNBIN_XENT, RNNBIN_SPARSE_XENT}, create, compute};
