#include <stdio.h>
#include <stdlib.h>

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

void rnnbin_register(char *message, int size) {
  TF_Status *status = TF_NewStatus();
  register_recurrence(status);
  register_train(status);
  register_adam(status);
  snprintf(message, (size_t)size, "%s", TF_GetCode(status) == TF_OK ? "" : TF_Message(status));
  TF_DeleteStatus(status);
}
