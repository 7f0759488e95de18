// Adam as TensorFlow 1 has it, for one weight.
#ifndef RNNBIN_ADAM_H
#define RNNBIN_ADAM_H

struct rnn_adam {
  float scale;         // of gradients
  float rest1, rest2;  // 1 - beta1, 1 - beta2
  float alpha;         // rate sqrt(1 - beta2^t) / (1 - beta1^t)
  float epsilon;
};

#endif
