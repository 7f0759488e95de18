// TensorFlow's C API for kernels and ops, for C.
#ifndef RNNBIN_TF_H
#define RNNBIN_TF_H

// kernels.h defines this constant in every file that includes it
#define TF_InputRange_Args_STRUCT_SIZE __attribute__((weak)) rnnbin_unused
// tensorflow/c/ops.h uses these names in C++'s way
typedef struct TF_DimensionHandle TF_DimensionHandle;
typedef struct TF_OpDefinitionBuilder TF_OpDefinitionBuilder;
typedef struct TF_ShapeHandle TF_ShapeHandle;
typedef struct TF_ShapeInferenceContext TF_ShapeInferenceContext;
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"

#endif
