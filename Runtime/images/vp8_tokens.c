/* The boolean decoder and the tokens of coefficients (RFC 6386, sections 7 and 13). */
#include "vp8.h"

static const uint8_t bands[17] = {0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0};
static const uint8_t zigzag[16] = {0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15};

/* Probabilities of the bits of large numbers; they end with 0. */
static const uint8_t large_bits[4][12] = {{173, 148, 140, 0},
                                          {176, 155, 140, 135, 0},
                                          {180, 157, 141, 134, 130, 0},
                                          {254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129, 0}};

void onnxc_open_bools(onnxc_bools *bools, onnxc_span data) {
  bools->rest = data;
  bools->range = 254;
  bools->value = 0;
  bools->count = -8;
  bools->is_past_end = 0;
}

uint32_t onnxc_take_literal(onnxc_bools *bools, unsigned bits) {
  uint32_t value = 0;
  for (; bits > 0; bits--) value = value << 1 | (uint32_t)onnxc_take_bool(bools, 128);
  return value;
}

/* A number of at least 2. */
static int32_t take_large(onnxc_bools *bools, const uint8_t *p) {
  if (!onnxc_take_bool(bools, p[3])) {
    if (!onnxc_take_bool(bools, p[4])) return 2;
    return 3 + onnxc_take_bool(bools, p[5]);
  }
  if (!onnxc_take_bool(bools, p[6])) {
    if (!onnxc_take_bool(bools, p[7])) return 5 + onnxc_take_bool(bools, 159);
    int high = onnxc_take_bool(bools, 165);
    return 7 + 2 * high + onnxc_take_bool(bools, 145);
  }
  int high = onnxc_take_bool(bools, p[8]), kind = 2 * high + onnxc_take_bool(bools, p[9 + high]);
  int32_t value = 0;
  for (const uint8_t *bit = large_bits[kind]; *bit != 0; bit++) value = 2 * value + onnxc_take_bool(bools, *bit);
  return value + 3 + (8 << kind);
}

/* Reads the coefficients of a block from `first` on; gives the place behind the last one. */
static int read_block(onnxc_bools *bools, uint8_t (*tokens)[3][11], int context, const int32_t *steps, int first,
                      int16_t *out) {
  int place = first;
  const uint8_t *p = tokens[bands[place]][context];
  while (place < 16) {
    if (!onnxc_take_bool(bools, p[0])) return place;
    while (!onnxc_take_bool(bools, p[1])) {
      if (++place == 16) return 16;
      p = tokens[bands[place]][0];
    }
    int32_t value = onnxc_take_bool(bools, p[2]) ? take_large(bools, p) : 1;
    p = tokens[bands[place + 1]][value == 1 ? 1 : 2];
    if (onnxc_take_bool(bools, 128)) value = -value;
    out[zigzag[place]] = (int16_t)(value * steps[place > 0]);
    place++;
  }
  return 16;
}

/* Undoes the second transform, of the first coefficients of luma (section 14.3). */
static void transform_second(const int16_t *in, int16_t (*out)[16]) {
  int32_t rows[16];
  for (int x = 0; x < 4; x++) {
    int32_t a = in[x] + in[12 + x], b = in[4 + x] + in[8 + x], c = in[4 + x] - in[8 + x], d = in[x] - in[12 + x];
    rows[x] = a + b;
    rows[4 + x] = c + d;
    rows[8 + x] = a - b;
    rows[12 + x] = d - c;
  }
  for (int y = 0; y < 4; y++) {
    const int32_t *row = rows + 4 * y;
    int32_t a = row[0] + row[3] + 3, b = row[1] + row[2], c = row[1] - row[2], d = row[0] - row[3] + 3;
    out[4 * y][0] = (int16_t)((a + b) >> 3);
    out[4 * y + 1][0] = (int16_t)((c + d) >> 3);
    out[4 * y + 2][0] = (int16_t)((a - b) >> 3);
    out[4 * y + 3][0] = (int16_t)((d - c) >> 3);
  }
}

/* Reads `size` * `size` blocks from block `start` on. */
static void read_plane(onnxc_bools *bools, uint8_t (*tokens)[3][11], const int32_t *steps, onnxc_macroblock *block,
                       int start, int size, int first, uint8_t *above, uint8_t *left) {
  for (int y = 0; y < size; y++) {
    for (int x = 0; x < size; x++) {
      int16_t *out = block->coefficients[start + size * y + x];
      int end = read_block(bools, tokens, above[x] + left[y], steps, first, out);
      above[x] = left[y] = end > first;
      block->has[start + size * y + x] = end > 1 || out[0] != 0;
    }
  }
}

void onnxc_vp8_read_coefficients(onnxc_bools *bools, onnxc_vp8_tokens tokens, const onnxc_vp8_steps *steps,
                                 onnxc_macroblock *block, uint8_t *above, uint8_t *left) {
  int first = block->is_split ? 0 : 1;
  if (first == 1) {
    int end = read_block(bools, tokens[1], above[8] + left[8], steps->second, 0, block->coefficients[24]);
    above[8] = left[8] = end > 0;
    transform_second(block->coefficients[24], block->coefficients);
  }
  read_plane(bools, tokens[first == 1 ? 0 : 3], steps->luma, block, 0, 4, first, above, left);
  read_plane(bools, tokens[2], steps->chroma, block, 16, 2, 0, above + 4, left + 4);
  read_plane(bools, tokens[2], steps->chroma, block, 20, 2, 0, above + 6, left + 6);
}
