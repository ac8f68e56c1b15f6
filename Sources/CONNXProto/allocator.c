#define _GNU_SOURCE
#include "allocator.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 1 << 21 };

static void *allocate(void *data, size_t size) {
  (void)data;
  if (size < 2 * HUGE_PAGE) return malloc(size);
  size_t rounded = (size + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
  void *memory = aligned_alloc(HUGE_PAGE, rounded);
  if (memory) madvise(memory, rounded, MADV_HUGEPAGE);
  return memory;
}

static void release(void *data, void *memory) {
  (void)data;
  free(memory);
}

static ProtobufCAllocator allocator = {allocate, release, NULL};

ProtobufCAllocator *onnx_allocator(void) { return &allocator; }
