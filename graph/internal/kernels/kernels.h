#ifndef RNNBIN_KERNELS_H
#define RNNBIN_KERNELS_H

#include <stdint.h>

#define RNNBIN_WINDOWS "RnnbinWindows"
#define RNNBIN_FORWARD "RnnbinRNNForward"
#define RNNBIN_BACKWARD "RnnbinRNNBackward"
#define RNNBIN_ADAM "RnnbinAdam"
#define RNNBIN_RECORD "RnnbinRecord"
#define RNNBIN_NOISE "RnnbinNoise"
#define RNNBIN_DROPOUT "RnnbinDropout"

// TensorFlow's ops that there are kernels of ours for, the kernels' label, and the
// nodes' attribute that names the instruction set.
#define RNNBIN_XENT "SoftmaxCrossEntropyWithLogits"
#define RNNBIN_SPARSE_XENT "SparseSoftmaxCrossEntropyWithLogits"
#define RNNBIN_LABEL "rnnbin"
#define RNNBIN_LABELLED_ISA "_isa"

// Registers the ops and CPU kernels with TensorFlow's runtime. Message
// becomes "" or tells what went wrong.
void rnnbin_register(char *message, int size);

// The i-th instruction set this machine can run, best first; NULL behind the last.
const char *rnnbin_isa(int i);

// How many times the kernels of cross-entropies have run in this process.
uint64_t rnnbin_xent_runs(void);

#endif
