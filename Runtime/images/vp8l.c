/* Lossless WebP (RFC 9649, section 3).
 *
 * How much memory an image needs depends on its codes. Measuring reads them as decoding does, but keeps no pixels: the
 * greatest number of a group of codes is found among the literals, for all other pixels are copies. */
#include "huffman.h"
#include "vp8l.h"
#include "webp.h"

enum { GREEN, RED, BLUE, ALPHA, DISTANCE, CODES };

enum { LENGTHS = 24, MOST_SYMBOLS = 256 + LENGTHS + (1 << 11), MOST_CACHE_BITS = 11 };

typedef struct {
  onnxc_code code;
  /* The only symbol of a code without bits; -1 if there are more. */
  int32_t only;
} prefix_code;

/* The codes of a part of an image. */
typedef struct {
  prefix_code codes[CODES];
} group;

/* A group with room for its symbols, for images that have one group only. */
typedef struct {
  group group;
  uint16_t symbols[MOST_SYMBOLS + 3 * 256 + 40];
} single_group;

/* An image that is stored with codes, and what is needed to read its pixels. */
typedef struct {
  int32_t width, height;
  unsigned cache_bits;
  uint32_t *cache;
  /* The groups of the blocks of 2 to the power of `block_bits` pixels; NULL where there is one group only. */
  const uint32_t *blocks;
  unsigned block_bits;
  const group *groups;
  /* NULL where pixels are not wanted. */
  uint32_t *pixels;
} coded_image;

typedef struct {
  onnxc_bits bits;
  int32_t width, height;
  onnxc_vp8l_transform transforms[4];
  int transform_count;
  onnxc_work memory;
} decoder;

static const int8_t neighbours[120][2] = {
    {0, 1},  {1, 0},  {1, 1},  {-1, 1}, {0, 2},  {2, 0},  {1, 2},  {-1, 2}, {2, 1},  {-2, 1}, {2, 2}, {-2, 2},
    {0, 3},  {3, 0},  {1, 3},  {-1, 3}, {3, 1},  {-3, 1}, {2, 3},  {-2, 3}, {3, 2},  {-3, 2}, {0, 4}, {4, 0},
    {1, 4},  {-1, 4}, {4, 1},  {-4, 1}, {3, 3},  {-3, 3}, {2, 4},  {-2, 4}, {4, 2},  {-4, 2}, {0, 5}, {3, 4},
    {-3, 4}, {4, 3},  {-4, 3}, {5, 0},  {1, 5},  {-1, 5}, {5, 1},  {-5, 1}, {2, 5},  {-2, 5}, {5, 2}, {-5, 2},
    {4, 4},  {-4, 4}, {3, 5},  {-3, 5}, {5, 3},  {-5, 3}, {0, 6},  {6, 0},  {1, 6},  {-1, 6}, {6, 1}, {-6, 1},
    {2, 6},  {-2, 6}, {6, 2},  {-6, 2}, {4, 5},  {-4, 5}, {5, 4},  {-5, 4}, {3, 6},  {-3, 6}, {6, 3}, {-6, 3},
    {0, 7},  {7, 0},  {1, 7},  {-1, 7}, {5, 5},  {-5, 5}, {7, 1},  {-7, 1}, {4, 6},  {-4, 6}, {6, 4}, {-6, 4},
    {2, 7},  {-2, 7}, {7, 2},  {-7, 2}, {3, 7},  {-3, 7}, {7, 3},  {-7, 3}, {5, 6},  {-5, 6}, {6, 5}, {-6, 5},
    {8, 0},  {4, 7},  {-4, 7}, {7, 4},  {-7, 4}, {8, 1},  {8, 2},  {6, 6},  {-6, 6}, {8, 3},  {5, 7}, {-5, 7},
    {7, 5},  {-7, 5}, {8, 4},  {6, 7},  {-6, 7}, {7, 6},  {-7, 6}, {8, 5},  {7, 7},  {-7, 7}, {8, 6}, {8, 7}};

static int read_simple_lengths(onnxc_bits *bits, uint8_t *lengths) {
  uint32_t count = onnxc_take_bits(bits, 1) + 1;
  lengths[onnxc_take_bits(bits, onnxc_take_bits(bits, 1) ? 8 : 1)] = 1;
  if (count == 2) lengths[onnxc_take_bits(bits, 8)] = 1;
  return ONNXC_IMAGE_OK;
}

/* Makes a code that has no bits if it has one symbol only. */
static int make_code(prefix_code *code, const uint8_t *lengths, size_t count, uint16_t *symbols, size_t *used) {
  size_t last = 0;
  *used = 0;
  for (size_t symbol = 0; symbol < count; symbol++) {
    if (lengths[symbol] == 0) continue;
    ++*used;
    last = symbol;
  }
  code->only = *used == 1 ? (int32_t)last : -1;
  if (*used == 1) return ONNXC_IMAGE_OK;
  return onnxc_make_code(&code->code, lengths, count, symbols, 0);
}

static int32_t take_symbol(onnxc_bits *bits, const prefix_code *code) {
  return code->only >= 0 ? code->only : onnxc_take_symbol(bits, &code->code);
}

/* Lengths that are coded themselves (section 3.7.2.1.2). */
static int read_coded_lengths(onnxc_bits *bits, uint8_t *lengths, size_t count) {
  static const uint8_t order[19] = {17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  uint8_t own_lengths[19] = {0}, previous = 8;
  uint16_t symbols[19];
  prefix_code code;
  size_t own = 4 + onnxc_take_bits(bits, 4), used, most = count, place = 0;
  for (size_t index = 0; index < own; index++) own_lengths[order[index]] = (uint8_t)onnxc_take_bits(bits, 3);
  if (onnxc_take_bits(bits, 1)) most = 2 + onnxc_take_bits(bits, 2 + 2 * onnxc_take_bits(bits, 3));
  if (most > count) return ONNXC_IMAGE_DAMAGED;
  ONNXC_TRY(make_code(&code, own_lengths, 19, symbols, &used));
  for (; place < count && most > 0; most--) {
    int32_t symbol = take_symbol(bits, &code);
    if (symbol < 0) return ONNXC_IMAGE_DAMAGED;
    if (symbol < 16) {
      lengths[place++] = (uint8_t)symbol;
      if (symbol != 0) previous = (uint8_t)symbol;
      continue;
    }
    size_t repeats = symbol == 18 ? 11 + onnxc_take_bits(bits, 7) : 3 + onnxc_take_bits(bits, symbol == 16 ? 2 : 3);
    if (repeats > count - place) return ONNXC_IMAGE_DAMAGED;
    memset(lengths + place, symbol == 16 ? previous : 0, repeats);
    place += repeats;
  }
  return ONNXC_IMAGE_OK;
}

/* Reads a code; gives how many symbols it has. */
static int read_code(onnxc_bits *bits, prefix_code *code, size_t count, uint16_t *symbols, size_t *used) {
  uint8_t lengths[MOST_SYMBOLS] = {0};
  ONNXC_TRY(onnxc_take_bits(bits, 1) ? read_simple_lengths(bits, lengths) : read_coded_lengths(bits, lengths, count));
  if (onnxc_is_past_end(bits)) return ONNXC_IMAGE_DAMAGED;
  return make_code(code, lengths, count, symbols, used);
}

static int read_group(onnxc_bits *bits, unsigned cache_bits, group *codes, uint16_t *symbols, size_t *used) {
  size_t counts[CODES] = {256 + LENGTHS, 256, 256, 256, 40}, own;
  if (cache_bits > 0) counts[GREEN] += (size_t)1 << cache_bits;
  *used = 0;
  for (size_t index = 0; index < CODES; index++) {
    ONNXC_TRY(read_code(bits, &codes->codes[index], counts[index], symbols + *used, &own));
    *used += own;
  }
  return ONNXC_IMAGE_OK;
}

/* A length or distance, of which a symbol tells how many bits follow (section 3.6.2.2). */
static uint32_t take_number(onnxc_bits *bits, uint32_t symbol) {
  if (symbol < 4) return symbol + 1;
  unsigned extra = (symbol - 2) >> 1;
  return ((2 + (symbol & 1)) << extra) + onnxc_take_bits(bits, extra) + 1;
}

/* How many pixels back a distance lies; the first 120 are neighbours in the plane. */
static int64_t distance_of(uint32_t code, int32_t width) {
  if (code > 120) return (int64_t)code - 120;
  int64_t distance = neighbours[code - 1][0] + (int64_t)neighbours[code - 1][1] * width;
  return distance < 1 ? 1 : distance;
}

static void remember(const coded_image *image, uint32_t pixel) {
  if (image->cache_bits > 0) image->cache[(uint32_t)(0x1e35a7bd * (uint64_t)pixel) >> (32 - image->cache_bits)] = pixel;
}

static const group *group_at(const coded_image *image, size_t place) {
  if (image->blocks == NULL) return image->groups;
  size_t x = place % (size_t)image->width, y = place / (size_t)image->width;
  size_t across = (size_t)onnxc_vp8l_blocks(image->width, image->block_bits);
  return image->groups + image->blocks[(y >> image->block_bits) * across + (x >> image->block_bits)];
}

/* A pixel whose green is known. */
static int take_literal(onnxc_bits *bits, const group *codes, uint32_t green, uint32_t *pixel) {
  int32_t red = take_symbol(bits, &codes->codes[RED]), blue = take_symbol(bits, &codes->codes[BLUE]);
  int32_t alpha = take_symbol(bits, &codes->codes[ALPHA]);
  if (red < 0 || blue < 0 || alpha < 0) return ONNXC_IMAGE_DAMAGED;
  *pixel = (uint32_t)alpha << 24 | (uint32_t)red << 16 | green << 8 | (uint32_t)blue;
  return ONNXC_IMAGE_OK;
}

/* Copies pixels that came before; `*place` moves behind them. */
static int copy_pixels(onnxc_bits *bits, const coded_image *image, const group *codes, uint32_t symbol, size_t *place) {
  size_t length = take_number(bits, symbol), count = (size_t)image->width * (size_t)image->height;
  int32_t far = take_symbol(bits, &codes->codes[DISTANCE]);
  if (far < 0) return ONNXC_IMAGE_DAMAGED;
  int64_t distance = distance_of(take_number(bits, (uint32_t)far), image->width);
  if (distance > (int64_t)*place || length > count - *place) return ONNXC_IMAGE_DAMAGED;
  for (size_t end = *place + length; *place < end; ++*place) {
    if (image->pixels == NULL) continue;
    image->pixels[*place] = image->pixels[*place - (size_t)distance];
    remember(image, image->pixels[*place]);
  }
  return ONNXC_IMAGE_OK;
}

/* Reads all pixels; `*most` becomes the greatest value of red and green among literals. */
static int read_pixels(onnxc_bits *bits, const coded_image *image, uint32_t *most) {
  size_t count = (size_t)image->width * (size_t)image->height, place = 0;
  *most = 0;
  while (place < count) {
    const group *codes = group_at(image, place);
    int32_t symbol = take_symbol(bits, &codes->codes[GREEN]);
    uint32_t pixel = 0;
    if (symbol < 0 || onnxc_is_past_end(bits)) return ONNXC_IMAGE_DAMAGED;
    if (symbol >= 256 && symbol < 256 + LENGTHS) {
      ONNXC_TRY(copy_pixels(bits, image, codes, (uint32_t)symbol - 256, &place));
      continue;
    }
    if (symbol < 256) {
      ONNXC_TRY(take_literal(bits, codes, (uint32_t)symbol, &pixel));
      if ((pixel >> 8 & 0xffff) > *most) *most = pixel >> 8 & 0xffff;
    } else if (image->pixels != NULL) {
      pixel = image->cache[symbol - 256 - LENGTHS];
    }
    if (image->pixels != NULL) {
      image->pixels[place] = pixel;
      remember(image, pixel);
    }
    place++;
  }
  return onnxc_is_past_end(bits) ? ONNXC_IMAGE_DAMAGED : ONNXC_IMAGE_OK;
}

static int read_cache_bits(onnxc_bits *bits, unsigned *cache_bits) {
  *cache_bits = 0;
  if (!onnxc_take_bits(bits, 1)) return ONNXC_IMAGE_OK;
  *cache_bits = onnxc_take_bits(bits, 4);
  return *cache_bits >= 1 && *cache_bits <= MOST_CACHE_BITS ? ONNXC_IMAGE_OK : ONNXC_IMAGE_DAMAGED;
}

/* Reads an image that has one group of codes: elements of a transform, a palette, or numbers of groups. */
static int read_inner_image(decoder *state, int32_t width, int32_t height, uint32_t **pixels, uint32_t *most) {
  uint32_t cache[1 << MOST_CACHE_BITS] = {0};
  single_group own;
  size_t used;
  coded_image image = {width, height, 0, cache, NULL, 0, &own.group, NULL};
  *pixels = image.pixels = onnxc_take(&state->memory, (int64_t)width * height * 4);
  ONNXC_TRY(read_cache_bits(&state->bits, &image.cache_bits));
  ONNXC_TRY(read_group(&state->bits, image.cache_bits, &own.group, own.symbols, &used));
  return read_pixels(&state->bits, &image, most);
}

/* A palette, of which each colour is stored as the difference to the one before; it gives the width of the image of
 * indices. */
static int read_palette(decoder *state, onnxc_vp8l_transform *transform, int32_t *width) {
  uint32_t most;
  transform->count = onnxc_take_bits(&state->bits, 8) + 1;
  transform->bits = transform->count <= 2 ? 3 : transform->count <= 4 ? 2 : transform->count <= 16 ? 1 : 0;
  *width = onnxc_vp8l_blocks(*width, transform->bits);
  ONNXC_TRY(read_inner_image(state, (int32_t)transform->count, 1, &transform->data, &most));
  for (uint32_t index = 1; transform->data != NULL && index < transform->count; index++) {
    transform->data[index] = onnxc_add_pixels(transform->data[index], transform->data[index - 1]);
  }
  return ONNXC_IMAGE_OK;
}

/* Reads the transforms; each kind may occur once. `*width` becomes that of the image that they are applied to. */
static int read_transforms(decoder *state, int32_t *width) {
  unsigned seen = 0;
  uint32_t most;
  while (onnxc_take_bits(&state->bits, 1)) {
    unsigned kind = onnxc_take_bits(&state->bits, 2);
    if (seen & 1U << kind) return ONNXC_IMAGE_DAMAGED;
    seen |= 1U << kind;
    onnxc_vp8l_transform *transform = &state->transforms[state->transform_count++];
    transform->kind = (int)kind;
    transform->width = *width;
    if (kind == ONNXC_VP8L_INDEX) {
      ONNXC_TRY(read_palette(state, transform, width));
    } else if (kind != ONNXC_VP8L_ADD_GREEN) {
      transform->bits = onnxc_take_bits(&state->bits, 3) + 2;
      int32_t across = onnxc_vp8l_blocks(*width, transform->bits),
              down = onnxc_vp8l_blocks(state->height, transform->bits);
      ONNXC_TRY(read_inner_image(state, across, down, &transform->data, &most));
    }
  }
  return ONNXC_IMAGE_OK;
}

/* Reads the groups of codes of the image; `bytes` of symbols are known once they were measured. */
static int read_groups(decoder *state, unsigned cache_bits, uint32_t count, group *groups, uint16_t *symbols,
                       int64_t *bytes) {
  single_group own;
  size_t used;
  *bytes = 0;
  for (uint32_t index = 0; index < count; index++) {
    uint16_t *place = groups == NULL ? own.symbols : symbols + *bytes / 2;
    ONNXC_TRY(read_group(&state->bits, cache_bits, groups == NULL ? &own.group : &groups[index], place, &used));
    *bytes += 2 * (int64_t)used;
  }
  return ONNXC_IMAGE_OK;
}

/* Reads everything up to the pixels of the image, which are to be read with the groups of `image`. */
static int read_header(decoder *state, onnxc_span data, coded_image *image) {
  uint32_t count = 1, *blocks = NULL;
  int64_t bytes;
  state->bits.rest = data;
  if (data.count < 5 || onnxc_take_bits(&state->bits, 8) != 0x2f) return ONNXC_IMAGE_DAMAGED;
  state->width = (int32_t)onnxc_take_bits(&state->bits, 14) + 1;
  state->height = (int32_t)onnxc_take_bits(&state->bits, 14) + 1;
  if (onnxc_take_bits(&state->bits, 4) >> 1 != 0) return ONNXC_IMAGE_DAMAGED;
  memset(image, 0, sizeof *image);
  image->width = state->width;
  image->height = state->height;
  ONNXC_TRY(read_transforms(state, &image->width));
  ONNXC_TRY(read_cache_bits(&state->bits, &image->cache_bits));
  if (onnxc_take_bits(&state->bits, 1)) {
    image->block_bits = onnxc_take_bits(&state->bits, 3) + 2;
    int32_t across = onnxc_vp8l_blocks(image->width, image->block_bits);
    int32_t down = onnxc_vp8l_blocks(image->height, image->block_bits);
    ONNXC_TRY(read_inner_image(state, across, down, &blocks, &count));
    size_t total = (size_t)across * (size_t)down;
    for (size_t index = 0; blocks != NULL && index < total; index++) blocks[index] = blocks[index] >> 8 & 0xffff;
    count++;
  }
  /* The rest of the memory is for symbols, whose count is not known before they are read. */
  group *groups = onnxc_take(&state->memory, (int64_t)(count * sizeof *groups));
  image->cache = onnxc_take(&state->memory, (int64_t)4 << image->cache_bits);
  image->pixels = onnxc_take(&state->memory, (int64_t)state->width * state->height * 4);
  image->blocks = blocks;
  image->groups = groups;
  ONNXC_TRY(read_groups(state, image->cache_bits, count, groups, onnxc_take(&state->memory, 0), &bytes));
  onnxc_take(&state->memory, bytes);
  return ONNXC_IMAGE_OK;
}

int onnxc_vp8l_measure(onnxc_span data, onnxc_measure *measure) {
  decoder state;
  coded_image image;
  memset(&state, 0, sizeof state);
  ONNXC_TRY(read_header(&state, data, &image));
  measure->work = state.memory.used;
  return onnxc_set_size(measure, state.width, state.height);
}

int onnxc_vp8l_decode(onnxc_span data, const onnxc_canvas *canvas, int32_t left, int32_t top, uint8_t *work) {
  decoder state;
  coded_image image;
  uint32_t most;
  memset(&state, 0, sizeof state);
  state.memory.start = work;
  ONNXC_TRY(read_header(&state, data, &image));
  memset(image.cache, 0, (size_t)4 << image.cache_bits);
  ONNXC_TRY(read_pixels(&state.bits, &image, &most));
  for (int index = state.transform_count; index-- > 0;)
    onnxc_vp8l_apply(&state.transforms[index], image.pixels, state.height);
  for (int32_t y = 0; y < state.height; y++) {
    for (int32_t x = 0; x < state.width; x++) {
      uint32_t pixel = image.pixels[(size_t)y * (size_t)state.width + (size_t)x];
      onnxc_put(canvas, left + x, top + y, (uint8_t)(pixel >> 16), (uint8_t)(pixel >> 8), (uint8_t)pixel);
    }
  }
  return ONNXC_IMAGE_OK;
}
