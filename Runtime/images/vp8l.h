/* What both halves of the decoder of lossless WebP share. */
#ifndef ONNXC_IMAGES_VP8L_H
#define ONNXC_IMAGES_VP8L_H

#include "internal.h"

enum { ONNXC_VP8L_PREDICT, ONNXC_VP8L_COLOUR, ONNXC_VP8L_ADD_GREEN, ONNXC_VP8L_INDEX };

/* A step that undoes what the encoder did to pixels, which are alpha, red, green and blue from the high byte on. */
typedef struct {
  int kind;
  /* The width of the image, and the size of the blocks that an element of `data` stands for as a power of 2; for
   * indices, how many share a pixel as a power of 2. */
  int32_t width;
  unsigned bits;
  /* The colours of a palette. */
  uint32_t count;
  uint32_t *data;
} onnxc_vp8l_transform;

/* The number of blocks or groups of 2 to the power of `bits` in an extent. */
static inline int32_t onnxc_vp8l_blocks(int32_t extent, unsigned bits) {
  return (int32_t)(((uint32_t)extent + (1U << bits) - 1) >> bits);
}

/* Adds pixels without carries between their bytes. */
static inline uint32_t onnxc_add_pixels(uint32_t a, uint32_t b) {
  uint32_t high = (a & 0xff00ff00) + (b & 0xff00ff00), low = (a & 0x00ff00ff) + (b & 0x00ff00ff);
  return (high & 0xff00ff00) | (low & 0x00ff00ff);
}

/* Applies a transform to an image in place; indices make it wider. */
void onnxc_vp8l_apply(const onnxc_vp8l_transform *transform, uint32_t *pixels, int32_t height);

#endif
