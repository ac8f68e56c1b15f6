/* The entropy-coded data of a scan: sequential (annex F) and progressive (annex G). */
#include "jpeg.h"

static void fill(onnxc_jpeg_bits *bits) {
  while (bits->count <= 48) {
    uint64_t byte = 0;
    onnxc_span file = bits->file;
    if (bits->place < file.count && file.at[bits->place] != 0xff) {
      byte = file.at[bits->place++];
    } else if (onnxc_has(file, bits->place, 2) && file.at[bits->place + 1] == 0) {
      byte = 0xff;
      bits->place += 2;
    } else {
      bits->missing += 8;
    }
    bits->held = bits->held << 8 | byte;
    bits->count += 8;
  }
}

static int is_past_end(const onnxc_jpeg_bits *bits) { return bits->missing > bits->count; }

/* Up to 16 bits. */
static uint32_t take(onnxc_jpeg_bits *bits, unsigned count) {
  fill(bits);
  bits->count -= count;
  return (uint32_t)(bits->held >> bits->count) & ((1U << count) - 1);
}

/* A symbol of a code, or -1 where none matches. */
static int32_t take_symbol(onnxc_jpeg_bits *bits, const onnxc_jpeg_code *code) {
  fill(bits);
  uint32_t next = (uint32_t)(bits->held >> (bits->count - 16)) & 0xffff;
  uint32_t entry = code->fast[next >> (16 - ONNXC_JPEG_FAST_BITS)];
  if (entry != 0) {
    bits->count -= entry & 15;
    return (int32_t)(entry >> 4);
  }
  for (unsigned length = ONNXC_JPEG_FAST_BITS + 1; length <= 16; length++) {
    uint32_t offset = (next >> (16 - length)) - code->first[length];
    if (offset >= code->counts[length]) continue;
    bits->count -= length;
    return code->symbols[code->places[length] + offset];
  }
  return -1;
}

/* A number of a size, negative if its first bit is 0 (F.2.2.1). */
static int32_t take_number(onnxc_jpeg_bits *bits, unsigned size) {
  if (size == 0) return 0;
  int32_t value = (int32_t)take(bits, size);
  return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
}

/* The difference of a DC coefficient to the one before, added. */
static int take_dc(onnxc_jpeg_bits *bits, onnxc_jpeg_component *part) {
  int32_t size = take_symbol(bits, part->dc);
  if (size < 0 || size > 15) return ONNXC_IMAGE_DAMAGED;
  part->prediction = (int16_t)(part->prediction + take_number(bits, (unsigned)size));
  return ONNXC_IMAGE_OK;
}

/* A whole block (F.2.2). */
static int read_block(onnxc_jpeg_bits *bits, onnxc_jpeg_component *part, int16_t *block) {
  memset(block, 0, 64 * sizeof *block);
  ONNXC_TRY(take_dc(bits, part));
  block[0] = (int16_t)part->prediction;
  for (unsigned index = 1; index < 64; index++) {
    int32_t symbol = take_symbol(bits, part->ac);
    if (symbol < 0) return ONNXC_IMAGE_DAMAGED;
    unsigned run = (unsigned)symbol >> 4, size = (unsigned)symbol & 15;
    if (size == 0 && run != 15) break;
    index += run;
    if (index > 63) return ONNXC_IMAGE_DAMAGED;
    block[onnxc_jpeg_zigzag[index]] = (int16_t)take_number(bits, size);
  }
  return ONNXC_IMAGE_OK;
}

/* The state of a progressive scan: how many blocks that follow have no further coefficients. */
typedef struct {
  onnxc_jpeg *image;
  onnxc_jpeg_bits bits;
  uint32_t empty_blocks;
} scan;

/* The number of blocks that a symbol of the end of a band stands for (G.1.2.2). */
static uint32_t take_run(onnxc_jpeg_bits *bits, unsigned size) { return (1U << size) + take(bits, size); }

/* The first bits of the coefficients of a band. */
static int read_band(scan *state, onnxc_jpeg_component *part, int16_t *block) {
  if (state->empty_blocks > 0) {
    state->empty_blocks--;
    return ONNXC_IMAGE_OK;
  }
  for (uint32_t index = state->image->first; index <= state->image->last; index++) {
    int32_t symbol = take_symbol(&state->bits, part->ac);
    if (symbol < 0) return ONNXC_IMAGE_DAMAGED;
    unsigned run = (unsigned)symbol >> 4, size = (unsigned)symbol & 15;
    if (size == 0 && run != 15) {
      state->empty_blocks = take_run(&state->bits, run) - 1;
      break;
    }
    index += run;
    if (index > 63) return ONNXC_IMAGE_DAMAGED;
    block[onnxc_jpeg_zigzag[index]] = (int16_t)(take_number(&state->bits, size) * (1 << state->image->low));
  }
  return ONNXC_IMAGE_OK;
}

/* Corrects a coefficient that is not 0 by the next bit. */
static void refine(scan *state, int16_t *coefficient) {
  int32_t bit = 1 << state->image->low;
  if (take(&state->bits, 1) == 0 || *coefficient & bit) return;
  *coefficient = (int16_t)(*coefficient < 0 ? *coefficient - bit : *coefficient + bit);
}

/* Refines from `index` on until `run` coefficients that are 0 were passed; gives the place of the next one of these. */
static uint32_t refine_run(scan *state, int16_t *block, uint32_t index, uint32_t run) {
  for (; index <= state->image->last; index++) {
    int16_t *coefficient = &block[onnxc_jpeg_zigzag[index]];
    if (*coefficient != 0) {
      refine(state, coefficient);
    } else if (run-- == 0) {
      break;
    }
  }
  return index;
}

/* One more bit of the coefficients of a band (G.1.2.3). */
static int refine_band(scan *state, onnxc_jpeg_component *part, int16_t *block) {
  uint32_t index = state->image->first;
  for (; state->empty_blocks == 0 && index <= state->image->last; index++) {
    int32_t symbol = take_symbol(&state->bits, part->ac), value = 0;
    if (symbol < 0) return ONNXC_IMAGE_DAMAGED;
    unsigned run = (unsigned)symbol >> 4, size = (unsigned)symbol & 15;
    if (size == 0 && run != 15) {
      state->empty_blocks = take_run(&state->bits, run);
      break;
    }
    if (size > 1) return ONNXC_IMAGE_DAMAGED;
    if (size == 1) value = take(&state->bits, 1) ? 1 << state->image->low : -(1 << state->image->low);
    index = refine_run(state, block, index, run);
    if (value != 0 && index <= state->image->last) block[onnxc_jpeg_zigzag[index]] = (int16_t)value;
  }
  if (state->empty_blocks == 0) return ONNXC_IMAGE_OK;
  refine_run(state, block, index, 64);
  state->empty_blocks--;
  return ONNXC_IMAGE_OK;
}

static int decode_progressive(scan *state, onnxc_jpeg_component *part, int16_t *block) {
  const onnxc_jpeg *image = state->image;
  if (image->first > 0) return image->high == 0 ? read_band(state, part, block) : refine_band(state, part, block);
  if (image->high == 0) {
    ONNXC_TRY(take_dc(&state->bits, part));
    block[0] = (int16_t)(part->prediction * (1 << image->low));
  } else if (take(&state->bits, 1)) {
    block[0] = (int16_t)(block[0] | 1 << image->low);
  }
  return ONNXC_IMAGE_OK;
}

static int decode_block(scan *state, onnxc_jpeg_component *part, int32_t x, int32_t y) {
  size_t stride = (size_t)part->padded_x * 8;
  if (state->image->is_progressive) {
    ONNXC_TRY(
        decode_progressive(state, part, part->coefficients + ((size_t)y * (size_t)part->padded_x + (size_t)x) * 64));
  } else {
    int16_t block[64];
    ONNXC_TRY(read_block(&state->bits, part, block));
    onnxc_jpeg_transform(block, part->steps, part->samples + (size_t)y * 8 * stride + (size_t)x * 8, stride);
  }
  return is_past_end(&state->bits) ? ONNXC_IMAGE_DAMAGED : ONNXC_IMAGE_OK;
}

/* A unit of an interleaved scan: the blocks of all its components (A.2.3). */
static int decode_unit(scan *state, int32_t x, int32_t y) {
  for (uint32_t index = 0; index < state->image->part_count; index++) {
    onnxc_jpeg_component *part = state->image->parts[index];
    int32_t across = (int32_t)part->across, down = (int32_t)part->down;
    for (int32_t block = 0; block < across * down; block++) {
      ONNXC_TRY(decode_block(state, part, x * across + block % across, y * down + block / across));
    }
  }
  return ONNXC_IMAGE_OK;
}

/* Goes past the marker between intervals and forgets what they must not share (E.2.4). */
static int restart(scan *state, uint32_t number) {
  onnxc_jpeg_bits *bits = &state->bits;
  while (onnxc_has(bits->file, bits->place, 2) &&
         (bits->file.at[bits->place] != 0xff || bits->file.at[bits->place + 1] == 0xff ||
          bits->file.at[bits->place + 1] == 0)) {
    bits->place++;
  }
  if (!onnxc_has(bits->file, bits->place, 2) || bits->file.at[bits->place + 1] != 0xd0 + number % 8)
    return ONNXC_IMAGE_DAMAGED;
  bits->place += 2;
  bits->count = 0;
  bits->missing = 0;
  state->empty_blocks = 0;
  for (uint32_t index = 0; index < state->image->part_count; index++) state->image->parts[index]->prediction = 0;
  return ONNXC_IMAGE_OK;
}

int onnxc_jpeg_decode_scan(onnxc_jpeg *image) {
  scan state = {image, {image->file, image->place, 0, 0, 0}, 0};
  const onnxc_jpeg_component *part = image->parts[0];
  int is_single = image->part_count == 1;
  int32_t columns = is_single ? part->blocks_x : part->padded_x / (int32_t)part->across;
  int32_t rows = is_single ? part->blocks_y : part->padded_y / (int32_t)part->down;
  uint32_t done = 0, restarts = 0;
  for (uint32_t index = 0; index < image->part_count; index++) image->parts[index]->prediction = 0;
  for (int32_t y = 0; y < rows; y++) {
    for (int32_t x = 0; x < columns; x++, done++) {
      if (image->restart_interval > 0 && done == image->restart_interval) {
        ONNXC_TRY(restart(&state, restarts++));
        done = 0;
      }
      ONNXC_TRY(is_single ? decode_block(&state, image->parts[0], x, y) : decode_unit(&state, x, y));
    }
  }
  image->place = state.bits.place;
  return ONNXC_IMAGE_OK;
}
