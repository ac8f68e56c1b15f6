#include "huffman.h"

/* Enters a code of at most ONNXC_FAST_BITS bits, which comes with its first bit highest. */
static void enter_fast(onnxc_code *code, uint32_t bits, unsigned length, size_t symbol) {
  uint32_t reversed = 0;
  for (unsigned bit = 0; bit < length; bit++) reversed |= (bits >> bit & 1) << (length - 1 - bit);
  for (; reversed < 1U << ONNXC_FAST_BITS; reversed += 1U << length)
    code->fast[reversed] = (uint16_t)(symbol << 4 | length);
}

int onnxc_make_code(onnxc_code *code, const uint8_t *lengths, size_t count, uint16_t *symbols, int allows_gaps) {
  uint16_t places[ONNXC_CODE_BITS + 2] = {0};
  uint32_t next[ONNXC_CODE_BITS + 2] = {0};
  int32_t left = 1;
  memset(code->fast, 0, sizeof code->fast);
  memset(code->counts, 0, sizeof code->counts);
  code->symbols = symbols;
  for (size_t symbol = 0; symbol < count; symbol++) code->counts[lengths[symbol]]++;
  code->counts[0] = 0;
  for (unsigned length = 1; length <= ONNXC_CODE_BITS; length++) {
    left = 2 * left - code->counts[length];
    if (left < 0) return ONNXC_IMAGE_DAMAGED;
    places[length + 1] = (uint16_t)(places[length] + code->counts[length]);
    next[length + 1] = (next[length] + code->counts[length]) << 1;
  }
  if (left > 0 && !allows_gaps) return ONNXC_IMAGE_DAMAGED;
  for (size_t symbol = 0; symbol < count; symbol++) {
    unsigned length = lengths[symbol];
    if (length == 0) continue;
    symbols[places[length]++] = (uint16_t)symbol;
    if (length <= ONNXC_FAST_BITS) enter_fast(code, next[length], length, symbol);
    next[length]++;
  }
  return ONNXC_IMAGE_OK;
}

int32_t onnxc_take_symbol(onnxc_bits *bits, const onnxc_code *code) {
  onnxc_fill_bits(bits);
  uint32_t entry = code->fast[bits->held & ((1U << ONNXC_FAST_BITS) - 1)];
  if (entry != 0) {
    onnxc_drop_bits(bits, entry & 15);
    return (int32_t)(entry >> 4);
  }
  uint32_t value = 0, first = 0, index = 0;
  for (unsigned length = 1; length <= ONNXC_CODE_BITS; length++) {
    value |= (uint32_t)(bits->held >> (length - 1)) & 1;
    if (value < first + code->counts[length]) {
      onnxc_drop_bits(bits, length);
      return code->symbols[index + (value - first)];
    }
    index += code->counts[length];
    first = (first + code->counts[length]) << 1;
    value <<= 1;
  }
  return -1;
}
