/* What the parts of the decoder of lossy WebP share: key frames of VP8 (RFC 6386). */
#ifndef ONNXC_IMAGES_VP8_H
#define ONNXC_IMAGES_VP8_H

#include "internal.h"

/* The boolean decoder (section 7). */
typedef struct {
  onnxc_span rest;
  /* One less than the range; and the bits that are to be compared with it, `count` of which lie behind its 8. */
  uint32_t range, value;
  int count;
  int is_past_end;
} onnxc_bools;

/* Probabilities of tokens, by kind of block, band and context. */
typedef uint8_t onnxc_vp8_tokens[4][8][3][11];

/* Whole blocks are predicted in the first four ways, their parts in all of them, in the order of the leaves of the tree
 * of section 11.2. */
enum { ONNXC_VP8_DC, ONNXC_VP8_TRUE_MOTION, ONNXC_VP8_VERTICAL, ONNXC_VP8_HORIZONTAL, ONNXC_VP8_MODES = 10 };

/* Steps of quantization: DC and AC of luma, of its second transform, and of chroma. */
typedef struct {
  int32_t luma[2], second[2], chroma[2];
} onnxc_vp8_steps;

/* How a macroblock's edges are filtered; no edge is if `limit` is 0. */
typedef struct {
  uint8_t limit, inner_limit, threshold, filters_inside;
} onnxc_vp8_filter;

/* A plane of samples with a border of at least one sample above and on the left. */
typedef struct {
  uint8_t *at;
  ptrdiff_t stride;
} onnxc_plane;

typedef struct {
  uint8_t segment, skips, is_split, luma_mode, chroma_mode;
  uint8_t modes[16];
  int16_t coefficients[25][16];
  /* Whether blocks have any coefficients. */
  uint8_t has[25];
} onnxc_macroblock;

extern const uint8_t onnxc_vp8_default_tokens[4][8][3][11];
extern const uint8_t onnxc_vp8_token_updates[4][8][3][11];
/* Probabilities of modes by the modes above and on the left. */
extern const uint8_t onnxc_vp8_mode_bits[10][10][9];
extern const uint8_t onnxc_vp8_dc_steps[128];
extern const uint16_t onnxc_vp8_ac_steps[128];

void onnxc_open_bools(onnxc_bools *bools, onnxc_span data);

/* A bit that is 0 with a probability of `zero` in 256. */
static inline int onnxc_take_bool(onnxc_bools *bools, uint32_t zero) {
  if (bools->count < 0) {
    uint32_t byte = 0;
    if (bools->rest.count > 0) {
      byte = *bools->rest.at++;
      bools->rest.count--;
    } else {
      bools->is_past_end = 1;
    }
    bools->value = bools->value << 8 | byte;
    bools->count += 8;
  }
  uint32_t split = bools->range * zero >> 8;
  int bit = bools->value >> bools->count > split;
  if (bit) {
    bools->value -= (split + 1) << bools->count;
    bools->range -= split + 1;
  } else {
    bools->range = split;
  }
  while (bools->range < 127) {
    bools->range = 2 * bools->range + 1;
    bools->count--;
  }
  return bit;
}

/* A number of bits that are 0 or 1 alike, the first one highest. */
uint32_t onnxc_take_literal(onnxc_bools *bools, unsigned bits);

/* Reads the coefficients of a macroblock; `above` and `left` say of their 9 blocks at the edge whether they had any. */
void onnxc_vp8_read_coefficients(onnxc_bools *bools, onnxc_vp8_tokens tokens, const onnxc_vp8_steps *steps,
                                 onnxc_macroblock *block, uint8_t *above, uint8_t *left);

/* Predicts a macroblock at a place in its planes and adds what its coefficients say. */
void onnxc_vp8_reconstruct(const onnxc_macroblock *block, const onnxc_plane *planes, int32_t x, int32_t y, int is_last);

/* Filters the edges of the macroblocks of a frame (section 15). */
void onnxc_vp8_filter_frame(const onnxc_vp8_filter *filters, int is_simple, const onnxc_plane *planes, int32_t columns,
                            int32_t rows);

#endif
