/* Prediction within a frame (RFC 6386, section 12) and the inverse transform (14.3, 14.4). */
#include "vp8.h"

/* How parts of macroblocks are predicted along a direction, from their edge: two or three times the sample at the lower
 * left, the column on the left upwards, the corner, the row above and four more on its right, the last one twice.
 * Number 2 * n is the smoothed value at place n, 2 * n + 1 the mean of places n and n + 1. */
static const uint8_t directions[8][16] = {
    {14, 16, 18, 20, 14, 16, 18, 20, 14, 16, 18, 20, 14, 16, 18, 20},
    {10, 10, 10, 10, 8, 8, 8, 8, 6, 6, 6, 6, 4, 4, 4, 4},
    {12, 14, 16, 18, 10, 12, 14, 16, 8, 10, 12, 14, 6, 8, 10, 12},
    {13, 15, 17, 19, 12, 14, 16, 18, 10, 13, 15, 17, 8, 12, 14, 16},
    {16, 18, 20, 22, 18, 20, 22, 24, 20, 22, 24, 26, 22, 24, 26, 28},
    {15, 17, 19, 21, 16, 18, 20, 22, 17, 19, 21, 24, 18, 20, 22, 26},
    {11, 12, 14, 16, 9, 10, 11, 12, 7, 8, 9, 10, 5, 6, 7, 8},
    {9, 8, 7, 6, 7, 6, 5, 4, 5, 4, 2, 2, 2, 2, 2, 2},
};

/* A number times a factor of 16 bits behind the point. */
static int32_t scaled(int32_t value, int32_t factor) { return (int32_t)((int64_t)value * factor >> 16); }

/* The transform of four numbers: the square root of 2 times the cosine and the sine of pi / 8 are the factors. */
static void transform(int32_t p, int32_t q, int32_t r, int32_t s, int32_t *out) {
  int32_t a = p + r, b = p - r;
  int32_t c = scaled(q, 35468) - scaled(s, 20091) - s, d = scaled(q, 20091) + q + scaled(s, 35468);
  out[0] = a + d;
  out[1] = b + c;
  out[2] = b - c;
  out[3] = a - d;
}

static void add_block(const int16_t *in, uint8_t *out, ptrdiff_t stride) {
  int32_t columns[4][4], row[4];
  for (int x = 0; x < 4; x++) transform(in[x], in[4 + x], in[8 + x], in[12 + x], columns[x]);
  for (int y = 0; y < 4; y++, out += stride) {
    transform(columns[0][y] + 4, columns[1][y], columns[2][y], columns[3][y], row);
    for (int x = 0; x < 4; x++) out[x] = onnxc_clamp8(out[x] + (row[x] >> 3));
  }
}

/* The mean of the row above and the column on the left, as far as they are in the image. */
static uint8_t mean(const uint8_t *at, ptrdiff_t stride, int size, int has_left, int has_above) {
  int32_t sum = 0, count = size * (has_left + has_above);
  if (count == 0) return 128;
  for (int index = 0; index < size; index++) {
    if (has_above) sum += at[index - stride];
    if (has_left) sum += at[index * stride - 1];
  }
  return (uint8_t)((sum + count / 2) / count);
}

static void predict_true_motion(uint8_t *at, ptrdiff_t stride, int size) {
  const uint8_t *above = at - stride;
  int32_t corner = above[-1];
  for (int y = 0; y < size; y++, at += stride) {
    for (int x = 0; x < size; x++) at[x] = onnxc_clamp8(at[-1] + above[x] - corner);
  }
}

/* A macroblock of luma or chroma as a whole. */
static void predict_whole(uint8_t *at, ptrdiff_t stride, int size, int mode, int has_left, int has_above) {
  if (mode == ONNXC_VP8_TRUE_MOTION) {
    predict_true_motion(at, stride, size);
    return;
  }
  uint8_t value = mean(at, stride, size, has_left, has_above);
  const uint8_t *above = at - stride;
  for (int y = 0; y < size; y++, at += stride) {
    if (mode == ONNXC_VP8_VERTICAL) {
      memcpy(at, above, (size_t)size);
    } else {
      memset(at, mode == ONNXC_VP8_DC ? value : at[-1], (size_t)size);
    }
  }
}

static void predict_along(const uint8_t *edge, const uint8_t *direction, uint8_t *at, ptrdiff_t stride) {
  for (int y = 0; y < 4; y++, at += stride) {
    for (int x = 0; x < 4; x++) {
      const uint8_t *middle = edge + direction[4 * y + x] / 2;
      int is_mean = direction[4 * y + x] & 1;
      at[x] = (uint8_t)(is_mean ? (middle[0] + middle[1] + 1) >> 1 : (middle[-1] + 2 * middle[0] + middle[1] + 2) >> 2);
    }
  }
}

/* A part of 4 * 4 samples; `right` are the four samples above on the right. */
static void predict_part(uint8_t *at, ptrdiff_t stride, int mode, const uint8_t *right) {
  uint8_t edge[16];
  if (mode == ONNXC_VP8_TRUE_MOTION || mode == ONNXC_VP8_DC) {
    predict_whole(at, stride, 4, mode, 1, 1);
    return;
  }
  for (int y = 0; y < 4; y++) edge[5 - y] = at[y * stride - 1];
  edge[0] = edge[1] = edge[2];
  memcpy(edge + 6, at - stride - 1, 5);
  memcpy(edge + 11, right, 4);
  edge[15] = edge[14];
  predict_along(edge, directions[mode - ONNXC_VP8_VERTICAL], at, stride);
}

/* The parts in the last column have the samples above the macroblock on their right. */
static void reconstruct_parts(const onnxc_macroblock *block, uint8_t *at, ptrdiff_t stride, const uint8_t *right) {
  for (int part = 0; part < 16; part++) {
    uint8_t *place = at + part / 4 * 4 * stride + part % 4 * 4;
    predict_part(place, stride, block->modes[part], part % 4 == 3 ? right : place - stride + 4);
    if (block->has[part]) add_block(block->coefficients[part], place, stride);
  }
}

void onnxc_vp8_reconstruct(const onnxc_macroblock *block, const onnxc_plane *planes, int32_t x, int32_t y,
                           int is_last) {
  ptrdiff_t stride = planes[0].stride;
  uint8_t *at = planes[0].at + 16 * y * stride + 16 * x;
  uint8_t right[4];
  if (y > 0 && is_last) {
    memset(right, at[15 - stride], 4);
  } else {
    memcpy(right, at + 16 - stride, 4);
  }
  if (block->is_split) {
    reconstruct_parts(block, at, stride, right);
  } else {
    predict_whole(at, stride, 16, block->luma_mode, x > 0, y > 0);
    for (int part = 0; part < 16; part++) {
      if (block->has[part]) add_block(block->coefficients[part], at + part / 4 * 4 * stride + part % 4 * 4, stride);
    }
  }
  for (int plane = 1; plane <= 2; plane++) {
    stride = planes[plane].stride;
    at = planes[plane].at + 8 * y * stride + 8 * x;
    predict_whole(at, stride, 8, block->chroma_mode, x > 0, y > 0);
    for (int part = 0; part < 4; part++) {
      int number = 12 + 4 * plane + part;
      if (block->has[number]) add_block(block->coefficients[number], at + part / 2 * 4 * stride + part % 2 * 4, stride);
    }
  }
}
