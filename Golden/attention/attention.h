/* Interface of the compiled model 'attention'.
 * Producer: onnxc 
 */
#ifndef ATTENTION_H
#define ATTENTION_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ONNXC_MODEL_H
#define ONNXC_MODEL_H

/* One input or output of a model. */
typedef struct onnxc_tensor {
  const char *name;    /* as the model spells it */
  int32_t element;     /* number of ONNX TensorProto.DataType */
  int32_t rank;
  const int64_t *dims; /* -1 where the dimension is not fixed */
  uint64_t bytes;      /* 0 if a dimension is not fixed */
} onnxc_tensor;

/* Where calls find memory for what has no bound; unused by most models. */
typedef struct onnxc_memory {
  /* Gives memory aligned to 64 bytes that stays valid until the results are used, or NULL. */
  void *(*allocate)(void *context, uint64_t bytes);
  void *context;
} onnxc_memory;

/* Runs parts of a computation at the same time; unused by models compiled for one thread. */
typedef struct onnxc_parallel {
  /* Calls task(arguments, part) once for every part below parts, and returns when all calls have. */
  void (*run)(void *context, void (*task)(void *arguments, uint32_t part), void *arguments, uint32_t parts);
  void *context;
} onnxc_parallel;

/* A compiled model, for hosts that do not know its signature. */
typedef struct onnxc_model {
  uint32_t abi_version; /* 3 */
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
  /* Bytes to provide for an output; 0 for one that the call allocates. */
  uint64_t (*output_size)(uint32_t output, const int64_t *symbols);
  /* Sets the extents of all outputs, one output after the other, in output_dims; allocated outputs appear in outputs. */
  int (*run)(void *arena, const void *const *inputs, void **outputs, const int64_t *symbols, int64_t *output_dims,
             const onnxc_memory *memory, const onnxc_parallel *parallel);
} onnxc_model;

/* The meaning of a status code. */
const char *onnxc_strerror(int status);

#endif

#define ATTENTION_ARENA_BYTES 4096
#define ATTENTION_ARENA_ALIGN 64

#define ATTENTION_X_RANK 3
#define ATTENTION_X_DIM0 1
#define ATTENTION_X_DIM1 10
#define ATTENTION_X_DIM2 24
#define ATTENTION_X_COUNT 240
#define ATTENTION_X_BYTES 960

#define ATTENTION_Y_RANK 3
#define ATTENTION_Y_DIM0 1
#define ATTENTION_Y_DIM1 10
#define ATTENTION_Y_DIM2 24
#define ATTENTION_Y_COUNT 240
#define ATTENTION_Y_BYTES 960
#define ATTENTION_Y_MAY_BE_X 1

/* Runs the model once and returns 0 or a status for onnxc_strerror.
 *
 * arena: working memory of 4096 bytes, aligned to 64
 * x (in): f32 [1, 10, 24]
 * y (out): f32 [1, 10, 24]; may be x
 * An output that may be an input updates it in place where both pointers are the same;
 * a run that fails leaves it undefined. Other memory does not overlap.
 */
int attention_run(void *arena, const float *x, float *y);

/* The model's description for generic hosts. */
const onnxc_model *attention_model(void);

#ifdef __cplusplus
}
#endif

#endif
