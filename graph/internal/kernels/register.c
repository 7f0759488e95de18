#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TF_UNUSED_NAME rnnbin_unused_in_register
#include "kernels.h"
#include "register.h"

static void add_all(TF_OpDefinitionBuilder *b, void (*add)(TF_OpDefinitionBuilder *, const char *),
                    const char *const *specs) {
  for (; *specs; specs++) add(b, *specs);
}

void register_op(const char *name, const char *const *inputs, const char *const *outputs, const char *const *attrs,
                 void (*shape)(TF_ShapeInferenceContext *, TF_Status *), void *(*create)(TF_OpKernelConstruction *),
                 void (*compute)(void *, TF_OpKernelContext *), TF_Status *status) {
  if (TF_GetCode(status) != TF_OK) return;
  TF_OpDefinitionBuilder *b = TF_NewOpDefinitionBuilder(name);
  add_all(b, TF_OpDefinitionBuilderAddInput, inputs);
  add_all(b, TF_OpDefinitionBuilderAddOutput, outputs);
  add_all(b, TF_OpDefinitionBuilderAddAttr, attrs);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(b, shape);
  TF_RegisterOpDefinition(b, status);
  if (TF_GetCode(status) == TF_OK)
    TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, compute, free), status);
}

const char *rnnbin_isa(int i) {
  for (int k = 0; k < rnn_isa_count; k++)
    if (rnn_isas[k]->available() && i-- == 0) return rnn_isas[k]->name;
  return NULL;
}

static const struct rnn_isa *find_isa(const char *name, TF_Status *status) {
  for (int k = 0; k < rnn_isa_count; k++)
    if (rnn_isas[k]->available() && (!strcmp(name, "auto") || !strcmp(name, rnn_isas[k]->name))) return rnn_isas[k];
  char text[256];
  int n = snprintf(text, sizeof text, "this machine has no instruction set called '%s', only auto", name);
  for (int i = 0; rnnbin_isa(i) && n < (int)sizeof text; i++)
    n += snprintf(text + n, sizeof text - (size_t)n, ", %s", rnnbin_isa(i));
  TF_SetStatus(status, TF_INVALID_ARGUMENT, text);
  return NULL;
}

const struct rnn_isa *isa_attribute(TF_OpKernelConstruction *c, TF_Status *status) {
  char text[32] = "";
  TF_OpKernelConstruction_GetAttrString(c, "isa", text, sizeof text - 1, status);
  return TF_GetCode(status) == TF_OK ? find_isa(text, status) : NULL;
}

struct kernel *new_kernel(TF_OpKernelConstruction *c, int has) {
  TF_Status *status = TF_NewStatus();
  struct kernel *k = calloc(1, sizeof *k);
  char text[32] = "";
  TF_Bool input_gradient = 0;
  if (!k) TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "no memory for the kernel");
  if (TF_GetCode(status) == TF_OK)
    TF_OpKernelConstruction_GetAttrString(c, "activation", text, sizeof text - 1, status);
  if (TF_GetCode(status) == TF_OK) k->activation = strcmp(text, "tanh") ? RNN_RELU : RNN_TANH;
  if (TF_GetCode(status) == TF_OK) k->isa = isa_attribute(c, status);
  if (TF_GetCode(status) == TF_OK) TF_OpKernelConstruction_GetAttrInt32(c, "threads", &k->threads, status);
  if (TF_GetCode(status) == TF_OK && has & HAS_INPUT_GRADIENT)
    TF_OpKernelConstruction_GetAttrBool(c, "input_gradient", &input_gradient, status);
  if (TF_GetCode(status) == TF_OK && has & HAS_STEPS)
    TF_OpKernelConstruction_GetAttrInt64(c, "steps", &k->steps, status);
  if (TF_GetCode(status) == TF_OK) {
    k->input_gradient = input_gradient;
  } else {
    TF_OpKernelConstruction_Failure(c, status);
    free(k);
    k = NULL;
  }
  TF_DeleteStatus(status);
  return k;
}

void rnnbin_register(char *message, int size) {
  TF_Status *status = TF_NewStatus();
  register_recurrence(status);
  register_train(status);
  register_adam(status);
  snprintf(message, (size_t)size, "%s", TF_GetCode(status) == TF_OK ? "" : TF_Message(status));
  TF_DeleteStatus(status);
}
