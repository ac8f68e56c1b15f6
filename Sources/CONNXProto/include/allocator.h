#ifndef ONNX_ALLOCATOR_H
#define ONNX_ALLOCATOR_H

#include <protobuf-c/protobuf-c.h>

/* Allocates with malloc, with large tensors on huge pages; `free` releases what it gives. */
ProtobufCAllocator *onnx_allocator(void);

#endif
