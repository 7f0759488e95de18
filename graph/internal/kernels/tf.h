// TensorFlow's C API for kernels and ops, for C. Each file that includes it
// defines TF_UNUSED_NAME first: the header defines a constant that only one file
// could otherwise have.
#ifndef RNNBIN_TF_H
#define RNNBIN_TF_H

#define TF_InputRange_Args_STRUCT_SIZE TF_UNUSED_NAME
// tensorflow/c/ops.h uses these names in C++'s way
typedef struct TF_DimensionHandle TF_DimensionHandle;
typedef struct TF_OpDefinitionBuilder TF_OpDefinitionBuilder;
typedef struct TF_ShapeHandle TF_ShapeHandle;
typedef struct TF_ShapeInferenceContext TF_ShapeInferenceContext;
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"

#endif
