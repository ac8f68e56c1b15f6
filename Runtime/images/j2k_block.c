/* The coefficients of a code-block: arithmetic decoding (ITU-T T.800, annex C) and coding of bit-planes (annex D). */
#include "j2k.h"

/* States of the probability estimation (table C.2): the probability of the less probable symbol, the next states after
 * the more and the less probable one, and whether the latter makes them change places. */
static const struct {
  uint16_t probability;
  uint8_t more, less, switches;
} states[47] = {
    {0x5601, 1, 1, 1},   {0x3401, 2, 6, 0},   {0x1801, 3, 9, 0},   {0x0ac1, 4, 12, 0},  {0x0521, 5, 29, 0},
    {0x0221, 38, 33, 0}, {0x5601, 7, 6, 1},   {0x5401, 8, 14, 0},  {0x4801, 9, 14, 0},  {0x3801, 10, 14, 0},
    {0x3001, 11, 17, 0}, {0x2401, 12, 18, 0}, {0x1c01, 13, 20, 0}, {0x1601, 29, 21, 0}, {0x5601, 15, 14, 1},
    {0x5401, 16, 14, 0}, {0x5101, 17, 15, 0}, {0x4801, 18, 16, 0}, {0x3801, 19, 17, 0}, {0x3401, 20, 18, 0},
    {0x3001, 21, 19, 0}, {0x2801, 22, 19, 0}, {0x2401, 23, 20, 0}, {0x2201, 24, 21, 0}, {0x1c01, 25, 22, 0},
    {0x1801, 26, 23, 0}, {0x1601, 27, 24, 0}, {0x1401, 28, 25, 0}, {0x1201, 29, 26, 0}, {0x1101, 30, 27, 0},
    {0x0ac1, 31, 28, 0}, {0x09c1, 32, 29, 0}, {0x08a1, 33, 30, 0}, {0x0521, 34, 31, 0}, {0x0441, 35, 32, 0},
    {0x02a1, 36, 33, 0}, {0x0221, 37, 34, 0}, {0x0141, 38, 35, 0}, {0x0111, 39, 36, 0}, {0x0085, 40, 37, 0},
    {0x0049, 41, 38, 0}, {0x0025, 42, 39, 0}, {0x0015, 43, 40, 0}, {0x0009, 44, 41, 0}, {0x0005, 45, 42, 0},
    {0x0001, 45, 43, 0}, {0x5601, 46, 46, 0},
};

/* Contexts (table D.7): 9 for significance, then those of signs, of refinement, of runs, and of equal probabilities. */
enum { SIGN = 9, REFINEMENT = 14, RUN = 17, UNIFORM = 18, CONTEXTS = 19 };

/* What is known of a sample. */
enum { IS_SIGNIFICANT = 1, IS_NEGATIVE = 2, IS_VISITED = 4, IS_REFINED = 8 };

typedef struct {
  const uint8_t *at, *end;
  uint32_t code, interval;
  unsigned count;
  /* The byte that raw bits come from. */
  uint32_t byte;
  uint8_t contexts[CONTEXTS], symbols[CONTEXTS];
} coder;

typedef struct {
  coder coder;
  onnxc_j2k_scratch *scratch;
  int32_t width, height;
  int kind;
  uint32_t style;
  /* The bit-plane of the pass, and whether its bits are coded. */
  uint32_t plane;
  int is_raw;
} block_decoder;

static void reset_contexts(coder *coder) {
  memset(coder->contexts, 0, sizeof coder->contexts);
  memset(coder->symbols, 0, sizeof coder->symbols);
  coder->contexts[0] = 4;
  coder->contexts[RUN] = 3;
  coder->contexts[UNIFORM] = 46;
}

/* A byte of the segment; ones follow its end. */
static uint32_t byte_at(const coder *coder, ptrdiff_t offset) {
  return coder->end - coder->at > offset ? coder->at[offset] : 0xff;
}

/* Brings in a byte (figure C.19). */
static void bring_in(coder *coder) {
  if (byte_at(coder, 0) == 0xff) {
    uint32_t next = byte_at(coder, 1);
    if (next > 0x8f) {
      coder->code += 0xff00;
      coder->count = 8;
      return;
    }
    coder->at++;
    coder->code += next << 9;
    coder->count = 7;
  } else {
    coder->at++;
    coder->code += byte_at(coder, 0) << 8;
    coder->count = 8;
  }
}

/* Begins a segment (figure C.20, or raw bits). */
static void open_segment(coder *coder, const uint8_t *data, size_t count, int is_raw) {
  coder->at = data;
  coder->end = data + count;
  coder->count = 0;
  coder->byte = 0;
  if (is_raw) return;
  coder->code = byte_at(coder, 0) << 16;
  bring_in(coder);
  coder->code <<= 7;
  coder->count -= 7;
  coder->interval = 0x8000;
}

/* A symbol in a context (figures C.15 to C.18). */
static uint32_t take(coder *coder, int context) {
  unsigned state = coder->contexts[context];
  uint32_t symbol = coder->symbols[context], probability = states[state].probability;
  int is_below = coder->code >> 16 < probability, is_small;
  coder->interval -= probability;
  is_small = coder->interval < probability;
  if (is_below) {
    coder->interval = probability;
  } else {
    coder->code -= probability << 16;
    if (coder->interval & 0x8000) return symbol;
  }
  if (is_below == is_small) {
    coder->contexts[context] = states[state].more;
  } else {
    coder->contexts[context] = states[state].less;
    if (states[state].switches) coder->symbols[context] ^= 1;
    symbol ^= 1;
  }
  do {
    if (coder->count == 0) bring_in(coder);
    coder->interval <<= 1;
    coder->code <<= 1;
    coder->count--;
  } while (coder->interval < 0x8000);
  return symbol;
}

/* A bit that is not coded; after a byte of ones there are 7 in the next (D.6). */
static uint32_t take_raw(coder *coder) {
  if (coder->count == 0) {
    coder->count = coder->byte == 0xff ? 7 : 8;
    coder->byte = byte_at(coder, 0);
    if (coder->at < coder->end) coder->at++;
  }
  coder->count--;
  return coder->byte >> coder->count & 1;
}

static uint8_t *flags_at(const block_decoder *block, int32_t x, int32_t y) {
  return block->scratch->flags + (y + 1) * (block->width + 2) + x + 1;
}

/* Whether the row below counts for a sample: not across stripes if the style says so (D.7). */
static int sees_below(const block_decoder *block, int32_t y) {
  return !(block->style & ONNXC_J2K_CAUSAL) || (y & 3) != 3;
}

/* The context of a sample's significance (table D.1). */
static int significance(const block_decoder *block, const uint8_t *flags, int sees) {
  ptrdiff_t stride = block->width + 2;
  const uint8_t *above = flags - stride, *below = flags + stride;
  int across = (flags[-1] & 1) + (flags[1] & 1), down = above[0] & 1, diagonal = (above[-1] & 1) + (above[1] & 1);
  if (sees) {
    down += below[0] & 1;
    diagonal += (below[-1] & 1) + (below[1] & 1);
  }
  if (block->kind == 3) {
    int others = across + down;
    if (diagonal >= 3) return 8;
    if (diagonal == 2) return others > 0 ? 7 : 6;
    if (diagonal == 1) return others > 1 ? 5 : 3 + others;
    return others > 1 ? 2 : others;
  }
  if (block->kind == 1) {
    int swapped = across;
    across = down;
    down = swapped;
  }
  if (across == 2) return 8;
  if (across == 1) return down > 0 ? 7 : diagonal > 0 ? 6 : 5;
  if (down > 0) return 2 + down;
  return diagonal > 1 ? 2 : diagonal;
}

/* What a neighbour says about a sign: 1, -1, or 0 if it is not significant. */
static int direction(uint8_t flags) { return flags & IS_SIGNIFICANT ? (flags & IS_NEGATIVE ? -1 : 1) : 0; }

static int clamp1(int value) { return value > 1 ? 1 : value < -1 ? -1 : value; }

/* Makes a sample significant and reads its sign (table D.3). */
static void find_sign(block_decoder *block, uint8_t *flags, uint32_t *magnitude, int sees) {
  ptrdiff_t stride = block->width + 2;
  uint32_t is_negative;
  if (block->is_raw) {
    is_negative = take_raw(&block->coder);
  } else {
    int across = clamp1(direction(flags[-1]) + direction(flags[1]));
    int down = clamp1(direction(flags[-stride]) + (sees ? direction(flags[stride]) : 0));
    int sum = 3 * across + down, is_flipped = sum < 0;
    int context = is_flipped ? -sum : sum;
    is_negative = take(&block->coder, SIGN + context) ^ (uint32_t)is_flipped;
  }
  *flags |= (uint8_t)(is_negative ? IS_SIGNIFICANT | IS_NEGATIVE : IS_SIGNIFICANT);
  *magnitude = (uint32_t)3 << block->plane;
}

/* Reads the significance of a sample that has significant neighbours. */
static void propagate(block_decoder *block, uint8_t *flags, uint32_t *magnitude, int sees) {
  if (*flags & IS_SIGNIFICANT) return;
  int context = significance(block, flags, sees);
  if (context == 0) return;
  *flags |= IS_VISITED;
  if (block->is_raw ? take_raw(&block->coder) : take(&block->coder, context)) find_sign(block, flags, magnitude, sees);
}

/* Reads one more bit of a significant sample (table D.4). */
static void refine(block_decoder *block, uint8_t *flags, uint32_t *magnitude, int sees) {
  if ((*flags & (IS_SIGNIFICANT | IS_VISITED)) != IS_SIGNIFICANT) return;
  int context = REFINEMENT + (*flags & IS_REFINED ? 2 : significance(block, flags, sees) > 0);
  uint32_t bit = block->is_raw ? take_raw(&block->coder) : take(&block->coder, context),
           half = (uint32_t)1 << block->plane;
  *magnitude = bit ? *magnitude + half : *magnitude - half;
  *flags |= IS_REFINED;
}

/* Whether the four samples of a column in a stripe are all without significant neighbours. */
static int is_quiet(const block_decoder *block, int32_t x, int32_t y) {
  if (block->height - y < 4) return 0;
  for (int32_t row = y; row < y + 4; row++) {
    const uint8_t *flags = flags_at(block, x, row);
    if (*flags & (IS_SIGNIFICANT | IS_VISITED) || significance(block, flags, sees_below(block, row)) != 0) return 0;
  }
  return 1;
}

/* Reads what other passes left of a column of a stripe (D.3.4). */
static void clean_up(block_decoder *block, int32_t x, int32_t y, int32_t end) {
  int is_known = 0;
  if (is_quiet(block, x, y)) {
    if (!take(&block->coder, RUN)) return;
    uint32_t high = take(&block->coder, UNIFORM);
    y += (int32_t)(2 * high + take(&block->coder, UNIFORM));
    is_known = 1;
  }
  for (; y < end; y++, is_known = 0) {
    uint8_t *flags = flags_at(block, x, y);
    int sees = sees_below(block, y);
    if (!is_known && *flags & (IS_SIGNIFICANT | IS_VISITED)) continue;
    if (!is_known && !take(&block->coder, significance(block, flags, sees))) continue;
    find_sign(block, flags, &block->scratch->magnitudes[y * block->width + x], sees);
  }
}

/* A pass over the stripes of a block: 0 for propagation, 1 for refinement, 2 for the rest. */
static void run_pass(block_decoder *block, uint32_t kind) {
  for (int32_t stripe = 0; stripe < block->height; stripe += 4) {
    int32_t end = stripe + 4 < block->height ? stripe + 4 : block->height;
    for (int32_t x = 0; x < block->width; x++) {
      if (kind == 2) {
        clean_up(block, x, stripe, end);
        for (int32_t y = stripe; y < end; y++) *flags_at(block, x, y) &= (uint8_t)~IS_VISITED;
        continue;
      }
      for (int32_t y = stripe; y < end; y++) {
        uint32_t *magnitude = &block->scratch->magnitudes[y * block->width + x];
        (kind == 0 ? propagate : refine)(block, flags_at(block, x, y), magnitude, sees_below(block, y));
      }
    }
  }
  if (kind == 2 && block->style & ONNXC_J2K_SYMBOLS) {
    for (int index = 0; index < 4; index++) take(&block->coder, UNIFORM);
  }
}

/* Joins the runs of bytes of a segment, gives its passes and moves to the next one. */
static uint32_t join_segment(const onnxc_j2k_tile *tile, uint32_t *chunk, uint8_t *data, size_t *count) {
  uint32_t passes = 0;
  *count = 0;
  while (*chunk != 0) {
    const onnxc_j2k_chunk *own = &tile->chunks[*chunk - 1];
    if (own->count > 0) memcpy(data + *count, own->at, own->count);
    *count += own->count;
    passes += own->passes;
    *chunk = own->next;
    if (own->ends_segment) break;
  }
  return passes;
}

/* A coefficient from twice its magnitude (E.1); a region of interest is brought back to the size of the rest. */
static void store(const onnxc_j2k_coding *coding, const onnxc_j2k_band *band, uint32_t magnitude, int is_negative,
                  onnxc_j2k_cell *cell) {
  if (coding->shift > 0 && magnitude >= (uint32_t)1 << coding->shift) magnitude >>= coding->shift;
  if (coding->is_reversible) {
    int32_t value = (int32_t)(magnitude / 2);
    cell->i = is_negative ? -value : value;
  } else {
    float value = (float)magnitude * (0.5f * band->step);
    cell->f = is_negative ? -value : value;
  }
}

static void store_all(const onnxc_j2k_component *part, const onnxc_j2k_band *band, const block_decoder *block,
                      int32_t x, int32_t y) {
  size_t stride = (size_t)onnxc_width(&part->area);
  for (int32_t row = 0; row < block->height; row++) {
    onnxc_j2k_cell *cells = part->cells + (size_t)(band->top + y + row) * stride + (size_t)(band->left + x);
    for (int32_t column = 0; column < block->width; column++) {
      int is_negative = *flags_at(block, column, row) & IS_NEGATIVE;
      store(part->coding, band, block->scratch->magnitudes[row * block->width + column], is_negative, &cells[column]);
    }
  }
}

/* Runs the passes of all segments. */
static void run_passes(const onnxc_j2k_tile *tile, const onnxc_j2k_block *from, uint32_t planes, block_decoder *block) {
  uint32_t pass = 0, chunk = from->first_chunk;
  reset_contexts(&block->coder);
  while (chunk != 0) {
    size_t count;
    uint32_t passes = join_segment(tile, &chunk, block->scratch->data, &count);
    block->is_raw = (block->style & ONNXC_J2K_BYPASS) && pass >= 10 && (pass + 2) % 3 != 2;
    open_segment(&block->coder, block->scratch->data, count, block->is_raw);
    for (; passes > 0; passes--, pass++) {
      block->plane = planes - 1 - (pass + 2) / 3;
      run_pass(block, (pass + 2) % 3);
      if (block->style & ONNXC_J2K_RESET) reset_contexts(&block->coder);
    }
  }
}

void onnxc_j2k_decode_block(const onnxc_j2k_tile *tile, const onnxc_j2k_component *part, const onnxc_j2k_band *band,
                            int32_t grid_x, int32_t grid_y, onnxc_j2k_scratch *scratch) {
  const onnxc_j2k_block *from = &band->blocks[(size_t)grid_y * (size_t)band->grid_width + (size_t)grid_x];
  block_decoder block;
  if (from->passes == 0) return;
  int64_t x0 = (int64_t)(band->grid_x + grid_x) << band->block_width, y0 = (int64_t)(band->grid_y + grid_y)
                                                                           << band->block_height;
  int64_t x1 = x0 + ((int64_t)1 << band->block_width), y1 = y0 + ((int64_t)1 << band->block_height);
  if (x0 < band->area.x0) x0 = band->area.x0;
  if (y0 < band->area.y0) y0 = band->area.y0;
  if (x1 > band->area.x1) x1 = band->area.x1;
  if (y1 > band->area.y1) y1 = band->area.y1;
  memset(&block, 0, sizeof block);
  block.scratch = scratch;
  block.width = (int32_t)(x1 - x0);
  block.height = (int32_t)(y1 - y0);
  block.kind = band->kind;
  block.style = part->coding->style;
  memset(scratch->flags, 0, (size_t)((block.width + 2) * (block.height + 2)));
  memset(scratch->magnitudes, 0, (size_t)(block.width * block.height) * sizeof *scratch->magnitudes);
  run_passes(tile, from, band->planes - from->empty_planes, &block);
  store_all(part, band, &block, (int32_t)(x0 - band->area.x0), (int32_t)(y0 - band->area.y0));
}
