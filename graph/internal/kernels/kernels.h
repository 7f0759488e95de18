#ifndef RNNBIN_KERNELS_H
#define RNNBIN_KERNELS_H

#define RNNBIN_WINDOWS "RnnbinWindows"
#define RNNBIN_FORWARD "RnnbinRNNForward"
#define RNNBIN_BACKWARD "RnnbinRNNBackward"
#define RNNBIN_ADAM "RnnbinAdam"
#define RNNBIN_RECORD "RnnbinRecord"

// Registers the ops and their CPU kernels with TensorFlow's runtime. Message
// becomes "" or tells what went wrong.
void rnnbin_register(char *message, int size);

// The i-th instruction set this machine can run, best first; NULL behind the last.
const char *rnnbin_isa(int i);

#endif
