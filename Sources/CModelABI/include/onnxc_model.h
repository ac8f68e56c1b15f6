/* The descriptor that generated code exports, for hosts written in C or Swift. */
#ifndef ONNXC_MODEL_H
#define ONNXC_MODEL_H

#include <stddef.h>
#include <stdint.h>

/* One input or output of a model. */
typedef struct onnxc_tensor {
  const char *name;    /* as the model spells it */
  int32_t element;     /* number of ONNX TensorProto.DataType */
  int32_t rank;
  const int64_t *dims; /* -1 where the dimension is symbolic */
  uint64_t bytes;      /* 0 if a dimension is symbolic */
} onnxc_tensor;

/* A compiled model, for hosts that do not know its signature. */
typedef struct onnxc_model {
  uint32_t abi_version; /* 1 */
  const char *name;
  const char *hash;
  uint32_t input_count;
  uint32_t output_count;
  const onnxc_tensor *inputs;
  const onnxc_tensor *outputs;
  uint32_t symbol_count;
  const char *const *symbols; /* names of the symbolic dimensions */
  uint64_t arena_bytes;       /* 0 if it depends on symbols */
  uint64_t arena_align;
  uint64_t (*arena_size)(const int64_t *symbols);
  int (*run)(void *arena, const void *const *inputs, void *const *outputs, const int64_t *symbols);
} onnxc_model;

#endif
