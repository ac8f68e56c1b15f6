/* The inflating half of RFC 1951 (DEFLATE) and RFC 1950 (zlib). */
#include "huffman.h"

static const uint16_t length_bases[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                          31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t length_extras[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                          2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t distance_bases[30] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                            33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                            1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};

typedef struct {
  onnxc_bits *bits;
  uint8_t *out;
  size_t count, capacity;
  /* Whether there is more than the capacity. */
  int is_cut;
} inflater;

/* The codes of a block with room for their symbols. */
typedef struct {
  onnxc_code literals, distances;
  uint16_t literal_symbols[288], distance_symbols[32];
} block_codes;

/* Copies a block that is stored as it is (RFC 1951, 3.2.4). */
static int copy_stored(inflater *state) {
  onnxc_bits *bits = state->bits;
  onnxc_drop_bits(bits, bits->count & 7);
  uint32_t count = onnxc_take_bits(bits, 16), check = onnxc_take_bits(bits, 16);
  if (count != (check ^ 0xffff)) return ONNXC_IMAGE_DAMAGED;
  for (; count > 0 && state->count < state->capacity; count--) {
    state->out[state->count++] = (uint8_t)onnxc_take_bits(bits, 8);
    if (onnxc_is_past_end(bits)) return ONNXC_IMAGE_DAMAGED;
  }
  state->is_cut = count > 0;
  return ONNXC_IMAGE_OK;
}

static int make_fixed_codes(block_codes *codes) {
  uint8_t lengths[288];
  memset(lengths, 8, 144);
  memset(lengths + 144, 9, 112);
  memset(lengths + 256, 7, 24);
  memset(lengths + 280, 8, 8);
  ONNXC_TRY(onnxc_make_code(&codes->literals, lengths, 288, codes->literal_symbols, 0));
  memset(lengths, 5, 32);
  return onnxc_make_code(&codes->distances, lengths, 32, codes->distance_symbols, 0);
}

/* The lengths of both codes, themselves coded (RFC 1951, 3.2.7). */
static int read_lengths(onnxc_bits *bits, const onnxc_code *code, uint8_t *lengths, size_t count) {
  size_t place = 0;
  while (place < count) {
    int32_t symbol = onnxc_take_symbol(bits, code);
    if (symbol < 0 || onnxc_is_past_end(bits)) return ONNXC_IMAGE_DAMAGED;
    if (symbol < 16) {
      lengths[place++] = (uint8_t)symbol;
      continue;
    }
    if (symbol == 16 && place == 0) return ONNXC_IMAGE_DAMAGED;
    uint8_t value = symbol == 16 ? lengths[place - 1] : 0;
    size_t repeats = symbol == 18 ? 11 + onnxc_take_bits(bits, 7) : 3 + onnxc_take_bits(bits, symbol == 16 ? 2 : 3);
    if (repeats > count - place) return ONNXC_IMAGE_DAMAGED;
    memset(lengths + place, value, repeats);
    place += repeats;
  }
  return ONNXC_IMAGE_OK;
}

/* Whether at most one symbol has a length, which is 1: the only distance code that may leave gaps. */
static int is_single(const uint8_t *lengths, size_t count) {
  size_t sum = 0;
  for (size_t index = 0; index < count; index++) sum += lengths[index];
  return sum <= 1;
}

static int read_codes(onnxc_bits *bits, block_codes *codes) {
  static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  uint8_t lengths[320] = {0};
  uint8_t own_lengths[19] = {0};
  size_t literals = 257 + onnxc_take_bits(bits, 5), distances = 1 + onnxc_take_bits(bits, 5);
  size_t own = 4 + onnxc_take_bits(bits, 4);
  if (literals > 286 || distances > 30) return ONNXC_IMAGE_DAMAGED;
  for (size_t index = 0; index < own; index++) own_lengths[order[index]] = (uint8_t)onnxc_take_bits(bits, 3);
  ONNXC_TRY(onnxc_make_code(&codes->literals, own_lengths, 19, codes->literal_symbols, 0));
  ONNXC_TRY(read_lengths(bits, &codes->literals, lengths, literals + distances));
  if (lengths[256] == 0) return ONNXC_IMAGE_DAMAGED;
  int has_one = is_single(lengths, literals);
  ONNXC_TRY(onnxc_make_code(&codes->literals, lengths, literals, codes->literal_symbols, has_one));
  const uint8_t *rest = lengths + literals;
  return onnxc_make_code(&codes->distances, rest, distances, codes->distance_symbols, is_single(rest, distances));
}

/* Repeats what was written a distance ago. */
static int repeat(inflater *state, const block_codes *codes, uint32_t length) {
  int32_t symbol = onnxc_take_symbol(state->bits, &codes->distances);
  if (symbol < 0 || symbol > 29) return ONNXC_IMAGE_DAMAGED;
  unsigned extra = symbol < 4 ? 0 : (unsigned)symbol / 2 - 1;
  size_t distance = distance_bases[symbol] + onnxc_take_bits(state->bits, extra);
  if (distance > state->count) return ONNXC_IMAGE_DAMAGED;
  for (; length > 0 && state->count < state->capacity; length--, state->count++) {
    state->out[state->count] = state->out[state->count - distance];
  }
  state->is_cut = length > 0;
  return ONNXC_IMAGE_OK;
}

static int inflate_block(inflater *state, const block_codes *codes) {
  for (;;) {
    int32_t symbol = onnxc_take_symbol(state->bits, &codes->literals);
    if (symbol < 0 || symbol > 285 || onnxc_is_past_end(state->bits)) return ONNXC_IMAGE_DAMAGED;
    if (symbol == 256) return ONNXC_IMAGE_OK;
    if (state->count == state->capacity) {
      state->is_cut = 1;
      return ONNXC_IMAGE_OK;
    }
    if (symbol < 256) {
      state->out[state->count++] = (uint8_t)symbol;
    } else {
      uint32_t length = length_bases[symbol - 257];
      length += onnxc_take_bits(state->bits, length_extras[symbol - 257]);
      ONNXC_TRY(repeat(state, codes, length));
    }
  }
}

static int inflate_blocks(inflater *state, int *is_complete) {
  block_codes codes;
  uint32_t is_last;
  do {
    is_last = onnxc_take_bits(state->bits, 1);
    switch (onnxc_take_bits(state->bits, 2)) {
      case 0: ONNXC_TRY(copy_stored(state)); break;
      case 1:
        ONNXC_TRY(make_fixed_codes(&codes));
        ONNXC_TRY(inflate_block(state, &codes));
        break;
      case 2:
        ONNXC_TRY(read_codes(state->bits, &codes));
        ONNXC_TRY(inflate_block(state, &codes));
        break;
      default: return ONNXC_IMAGE_DAMAGED;
    }
    if (onnxc_is_past_end(state->bits)) return ONNXC_IMAGE_DAMAGED;
  } while (!is_last && !state->is_cut);
  *is_complete = !state->is_cut;
  return ONNXC_IMAGE_OK;
}

/* Adler-32 (RFC 1950, 8.2). */
static uint32_t checksum(const uint8_t *data, size_t count) {
  uint32_t a = 1, b = 0;
  while (count > 0) {
    size_t part = count < 5552 ? count : 5552;
    count -= part;
    for (; part > 0; part--) b += a += *data++;
    a %= 65521;
    b %= 65521;
  }
  return b << 16 | a;
}

int onnxc_inflate(onnxc_bits *bits, uint8_t *out, size_t capacity, size_t *count) {
  inflater state = {bits, out, 0, capacity, 0};
  int is_complete = 0;
  uint32_t method = onnxc_take_bits(bits, 8), flags = onnxc_take_bits(bits, 8);
  if ((method & 15) != 8 || (method << 8 | flags) % 31 != 0 || flags & 32) return ONNXC_IMAGE_DAMAGED;
  ONNXC_TRY(inflate_blocks(&state, &is_complete));
  *count = state.count;
  if (!is_complete) return ONNXC_IMAGE_OK;
  onnxc_drop_bits(bits, bits->count & 7);
  uint8_t stored[4];
  for (size_t index = 0; index < 4; index++) stored[index] = (uint8_t)onnxc_take_bits(bits, 8);
  if (onnxc_is_past_end(bits)) return ONNXC_IMAGE_DAMAGED;
  return checksum(out, state.count) == onnxc_big32(stored) ? ONNXC_IMAGE_OK : ONNXC_IMAGE_DAMAGED;
}
