// All ops and kernels of the package.

#include <stdio.h>
#include <stdlib.h>

#include "kernels.h"
#include "op.h"

extern const struct op rnnbin_windows_op, rnnbin_forward_op, rnnbin_backward_op, rnnbin_adam_op, rnnbin_record_op,
    rnnbin_noise_op, rnnbin_dropout_op;
static const struct op *const ops[] = {&rnnbin_windows_op, &rnnbin_forward_op, &rnnbin_backward_op, &rnnbin_adam_op, &rnnbin_record_op,
                                      &rnnbin_noise_op, &rnnbin_dropout_op};

extern const struct standard_kernel rnnbin_xent_kernel;

static void add_all(TF_OpDefinitionBuilder *b, void (*add)(TF_OpDefinitionBuilder *, const char *),
                    const char *const *specs) {
  for (; *specs; specs++) add(b, *specs);
}

static void register_op(const struct op *op, TF_Status *status) {
  TF_OpDefinitionBuilder *b = TF_NewOpDefinitionBuilder(op->name);
  add_all(b, TF_OpDefinitionBuilderAddInput, op->inputs);
  add_all(b, TF_OpDefinitionBuilderAddOutput, op->outputs);
  add_all(b, TF_OpDefinitionBuilderAddAttr, op->attrs);
  // shapes are known when an op runs: it checks them then
  TF_OpDefinitionBuilderSetShapeInferenceFunction(b, TF_ShapeInferenceContextSetUnknownShape);
  TF_RegisterOpDefinition(b, status);
  if (TF_GetCode(status) == TF_OK)
    TF_RegisterKernelBuilder(op->name, TF_NewKernelBuilder(op->name, "CPU", op->create, op->compute, free), status);
}

static void register_standard(const struct standard_kernel *k, int sparse, TF_Status *status) {
  TF_KernelBuilder *b = TF_NewKernelBuilder(k->op[sparse], "CPU", k->create, k->compute, free);
  TF_KernelBuilder_Label(b, RNNBIN_LABEL);
  TF_KernelBuilder_TypeConstraint(b, "T", TF_FLOAT, status);
  if (sparse && TF_GetCode(status) == TF_OK) TF_KernelBuilder_TypeConstraint(b, "Tlabels", TF_INT32, status);
  if (TF_GetCode(status) == TF_OK)
    TF_RegisterKernelBuilder(k->op[sparse], b, status);
  else
    TF_DeleteKernelBuilder(b);
}

void rnnbin_register(char *message, int size) {
  TF_Status *status = TF_NewStatus();
  for (size_t i = 0; i < sizeof ops / sizeof *ops && TF_GetCode(status) == TF_OK; i++) register_op(ops[i], status);
  for (int sparse = 0; sparse < 2 && TF_GetCode(status) == TF_OK; sparse++) register_standard(&rnnbin_xent_kernel, sparse, status);
  snprintf(message, (size_t)size, "%s", TF_GetCode(status) == TF_OK ? "" : TF_Message(status));
  TF_DeleteStatus(status);
}
