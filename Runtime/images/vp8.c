/* Lossy WebP: a key frame of VP8 (RFC 6386). */
#include "vp8.h"
#include "webp.h"

typedef struct {
  int32_t width, height, columns, rows;
  onnxc_span header, partitions;
  /* Whether macroblocks have segments, read theirs, and whose values replace those of the frame. */
  int has_segments, reads_segments, is_absolute;
  int32_t segment_steps[4], segment_levels[4];
  uint8_t segment_bits[3];
  int is_simple, has_level_changes;
  int32_t level, sharpness, reference_change, split_change;
  int may_skip;
  uint32_t skip_bits, part_count;
  onnxc_vp8_steps steps[4];
  onnxc_vp8_tokens tokens;
  onnxc_bools bools, parts[8];
} vp8;

/* What the memory of a frame holds. */
typedef struct {
  onnxc_plane planes[3];
  onnxc_vp8_filter *filters;
  /* For each column, which blocks at the lower edge of the macroblock above have coefficients, and the modes of its
   * parts there. */
  uint8_t (*above)[9];
  uint8_t (*modes_above)[4];
} buffers;

enum { BORDER = 16 };

static ptrdiff_t stride_of(const vp8 *frame, int plane) { return (plane == 0 ? 16 : 8) * frame->columns + 2 * BORDER; }

static int64_t plane_bytes(const vp8 *frame, int plane) {
  return (int64_t)stride_of(frame, plane) * ((plane == 0 ? 16 : 8) * frame->rows + 1);
}

/* Gives the parts of a frame their memory. */
static void take_buffers(const vp8 *frame, onnxc_work *memory, buffers *taken) {
  for (int plane = 0; plane < 3; plane++) {
    ptrdiff_t stride = stride_of(frame, plane);
    uint8_t *start = onnxc_take(memory, plane_bytes(frame, plane));
    taken->planes[plane].stride = stride;
    taken->planes[plane].at = start == NULL ? NULL : start + stride + BORDER;
  }
  int64_t columns = frame->columns;
  taken->filters = onnxc_take(memory, columns * frame->rows * (int64_t)sizeof *taken->filters);
  taken->above = onnxc_take(memory, columns * (int64_t)sizeof *taken->above);
  taken->modes_above = onnxc_take(memory, columns * (int64_t)sizeof *taken->modes_above);
}

/* The first bytes (section 9.1). */
static int open_frame(onnxc_span data, vp8 *frame, onnxc_measure *measure) {
  memset(frame, 0, sizeof *frame);
  if (data.count < 10 || memcmp(data.at + 3, "\x9d\x01\x2a", 3) != 0) return ONNXC_IMAGE_DAMAGED;
  uint32_t tag = onnxc_little16(data.at) | (uint32_t)data.at[2] << 16;
  if (tag & 1 || (tag >> 1 & 7) > 3) return ONNXC_IMAGE_DAMAGED;
  ONNXC_TRY(onnxc_set_size(measure, onnxc_little16(data.at + 6) & 0x3fff, onnxc_little16(data.at + 8) & 0x3fff));
  frame->width = measure->width;
  frame->height = measure->height;
  frame->columns = (measure->width + 15) / 16;
  frame->rows = (measure->height + 15) / 16;
  if (!onnxc_has(data, 10, tag >> 5)) return ONNXC_IMAGE_DAMAGED;
  frame->header = onnxc_part(data, 10, tag >> 5);
  frame->partitions = onnxc_part(data, 10 + (tag >> 5), data.count);
  return ONNXC_IMAGE_OK;
}

static int32_t take_signed(onnxc_bools *bools, unsigned bits) {
  int32_t value = (int32_t)onnxc_take_literal(bools, bits);
  return onnxc_take_literal(bools, 1) ? -value : value;
}

/* A signed number, or 0 if a bit says that there is none. */
static int32_t take_optional(onnxc_bools *bools, unsigned bits) {
  return onnxc_take_literal(bools, 1) ? take_signed(bools, bits) : 0;
}

/* Section 9.3. */
static void read_segments(vp8 *frame) {
  onnxc_bools *bools = &frame->bools;
  memset(frame->segment_bits, 255, sizeof frame->segment_bits);
  frame->has_segments = (int)onnxc_take_literal(bools, 1);
  if (!frame->has_segments) return;
  frame->reads_segments = (int)onnxc_take_literal(bools, 1);
  if (onnxc_take_literal(bools, 1)) {
    frame->is_absolute = (int)onnxc_take_literal(bools, 1);
    for (int index = 0; index < 4; index++) frame->segment_steps[index] = take_optional(bools, 7);
    for (int index = 0; index < 4; index++) frame->segment_levels[index] = take_optional(bools, 6);
  }
  if (!frame->reads_segments) return;
  for (int index = 0; index < 3; index++) {
    if (onnxc_take_literal(bools, 1)) frame->segment_bits[index] = (uint8_t)onnxc_take_literal(bools, 8);
  }
}

/* Sections 9.4 and 9.6. Only the changes for key frames and for split macroblocks matter. */
static void read_filter(vp8 *frame) {
  onnxc_bools *bools = &frame->bools;
  frame->is_simple = (int)onnxc_take_literal(bools, 1);
  frame->level = (int32_t)onnxc_take_literal(bools, 6);
  frame->sharpness = (int32_t)onnxc_take_literal(bools, 3);
  frame->has_level_changes = (int)onnxc_take_literal(bools, 1);
  if (!frame->has_level_changes || !onnxc_take_literal(bools, 1)) return;
  for (int index = 0; index < 8; index++) {
    int32_t change = take_optional(bools, 6);
    if (index == 0) frame->reference_change = change;
    if (index == 4) frame->split_change = change;
  }
}

/* Splits what follows the header into partitions (section 9.5). */
static int open_partitions(vp8 *frame) {
  onnxc_span data = frame->partitions;
  frame->part_count = 1U << onnxc_take_literal(&frame->bools, 2);
  size_t place = 3 * (frame->part_count - 1);
  if (place > data.count) return ONNXC_IMAGE_DAMAGED;
  for (uint32_t index = 0; index < frame->part_count; index++) {
    const uint8_t *size = data.at + 3 * index;
    int is_last = index + 1 == frame->part_count;
    size_t count = is_last ? data.count : onnxc_little16(size) | (uint32_t)size[2] << 16;
    onnxc_open_bools(&frame->parts[index], onnxc_part(data, place, count));
    place += frame->parts[index].rest.count;
  }
  return ONNXC_IMAGE_OK;
}

static int32_t index_of(int32_t value, int32_t most) { return value < 0 ? 0 : value > most ? most : value; }

/* Sections 9.6 and 14.1. */
static void read_steps(vp8 *frame) {
  onnxc_bools *bools = &frame->bools;
  int32_t base = (int32_t)onnxc_take_literal(bools, 7), changes[5];
  for (int index = 0; index < 5; index++) changes[index] = take_optional(bools, 4);
  for (int index = 0; index < 4; index++) {
    onnxc_vp8_steps *steps = &frame->steps[index];
    int32_t own = base;
    if (frame->has_segments) own = frame->segment_steps[index] + (frame->is_absolute ? 0 : base);
    steps->luma[0] = onnxc_vp8_dc_steps[index_of(own + changes[0], 127)];
    steps->luma[1] = onnxc_vp8_ac_steps[index_of(own, 127)];
    steps->second[0] = 2 * onnxc_vp8_dc_steps[index_of(own + changes[1], 127)];
    steps->second[1] = onnxc_vp8_ac_steps[index_of(own + changes[2], 127)] * 155 / 100;
    if (steps->second[1] < 8) steps->second[1] = 8;
    steps->chroma[0] = onnxc_vp8_dc_steps[index_of(own + changes[3], 117)];
    steps->chroma[1] = onnxc_vp8_ac_steps[index_of(own + changes[4], 127)];
  }
}

static void read_tokens(vp8 *frame) {
  const uint8_t *updates = &onnxc_vp8_token_updates[0][0][0][0];
  uint8_t *tokens = &frame->tokens[0][0][0][0];
  memcpy(frame->tokens, onnxc_vp8_default_tokens, sizeof frame->tokens);
  for (size_t index = 0; index < sizeof frame->tokens; index++) {
    if (onnxc_take_bool(&frame->bools, updates[index])) tokens[index] = (uint8_t)onnxc_take_literal(&frame->bools, 8);
  }
}

/* The frame header (section 9.2 to 9.11). */
static int read_header(vp8 *frame) {
  onnxc_open_bools(&frame->bools, frame->header);
  onnxc_take_literal(&frame->bools, 2);
  read_segments(frame);
  read_filter(frame);
  ONNXC_TRY(open_partitions(frame));
  read_steps(frame);
  onnxc_take_literal(&frame->bools, 1);
  read_tokens(frame);
  frame->may_skip = (int)onnxc_take_literal(&frame->bools, 1);
  if (frame->may_skip) frame->skip_bits = onnxc_take_literal(&frame->bools, 8);
  return frame->bools.is_past_end ? ONNXC_IMAGE_DAMAGED : ONNXC_IMAGE_OK;
}

/* The way a part of a macroblock is predicted: a leaf of the tree of section 11.2. */
static uint8_t take_part_mode(onnxc_bools *bools, const uint8_t *p) {
  for (uint8_t mode = 0; mode < 3; mode++) {
    if (!onnxc_take_bool(bools, p[mode])) return mode;
  }
  if (!onnxc_take_bool(bools, p[3])) {
    if (!onnxc_take_bool(bools, p[4])) return 3;
    return onnxc_take_bool(bools, p[5]) ? 5 : 4;
  }
  for (uint8_t index = 6; index < 9; index++) {
    if (!onnxc_take_bool(bools, p[index])) return index;
  }
  return 9;
}

static uint8_t take_luma_mode(onnxc_bools *bools) {
  if (onnxc_take_bool(bools, 156)) return onnxc_take_bool(bools, 128) ? ONNXC_VP8_TRUE_MOTION : ONNXC_VP8_HORIZONTAL;
  return onnxc_take_bool(bools, 163) ? ONNXC_VP8_VERTICAL : ONNXC_VP8_DC;
}

static uint8_t take_chroma_mode(onnxc_bools *bools) {
  if (!onnxc_take_bool(bools, 142)) return ONNXC_VP8_DC;
  if (!onnxc_take_bool(bools, 114)) return ONNXC_VP8_VERTICAL;
  return onnxc_take_bool(bools, 183) ? ONNXC_VP8_TRUE_MOTION : ONNXC_VP8_HORIZONTAL;
}

/* The header of a macroblock (section 19.3); modes of parts at the edges of the last ones are in `above` and `left`. */
static void read_modes(vp8 *frame, onnxc_macroblock *block, uint8_t *above, uint8_t *left) {
  onnxc_bools *bools = &frame->bools;
  memset(block, 0, sizeof *block);
  if (frame->reads_segments) {
    int high = onnxc_take_bool(bools, frame->segment_bits[0]);
    block->segment = (uint8_t)(2 * high + onnxc_take_bool(bools, frame->segment_bits[high ? 2 : 1]));
  }
  if (frame->may_skip) block->skips = (uint8_t)onnxc_take_bool(bools, frame->skip_bits);
  block->is_split = !onnxc_take_bool(bools, 145);
  if (block->is_split) {
    for (int part = 0; part < 16; part++) {
      uint8_t *over = &above[part % 4], *before = &left[part / 4];
      *over = *before = block->modes[part] = take_part_mode(bools, onnxc_vp8_mode_bits[*over][*before]);
    }
  } else {
    block->luma_mode = take_luma_mode(bools);
    memset(above, block->luma_mode, 4);
    memset(left, block->luma_mode, 4);
  }
  block->chroma_mode = take_chroma_mode(bools);
}

/* How a macroblock is filtered (sections 9.6 and 15.2). */
static onnxc_vp8_filter filter_of(const vp8 *frame, const onnxc_macroblock *block) {
  onnxc_vp8_filter filter = {0, 0, 0, 0};
  int32_t level = frame->level;
  if (frame->level == 0) return filter;
  if (frame->has_segments) level = frame->segment_levels[block->segment] + (frame->is_absolute ? 0 : level);
  if (frame->has_level_changes) level += frame->reference_change + (block->is_split ? frame->split_change : 0);
  level = index_of(level, 63);
  if (level == 0) return filter;
  int32_t inner = frame->sharpness > 4 ? level >> 2 : frame->sharpness > 0 ? level >> 1 : level;
  if (frame->sharpness > 0 && inner > 9 - frame->sharpness) inner = 9 - frame->sharpness;
  if (inner < 1) inner = 1;
  filter.limit = (uint8_t)(2 * level + inner);
  filter.inner_limit = (uint8_t)inner;
  filter.threshold = level >= 40 ? 2 : level >= 15 ? 1 : 0;
  filter.filters_inside = block->is_split;
  for (int index = 0; index < 24; index++) filter.filters_inside |= block->has[index];
  return filter;
}

static int decode_row(vp8 *frame, const buffers *memory, int32_t y) {
  onnxc_bools *tokens = &frame->parts[(uint32_t)y & (frame->part_count - 1)];
  uint8_t left[9] = {0}, modes_left[4] = {0};
  onnxc_macroblock block;
  for (int32_t x = 0; x < frame->columns; x++) {
    uint8_t *above = memory->above[x];
    read_modes(frame, &block, memory->modes_above[x], modes_left);
    if (!block.skips) {
      onnxc_vp8_read_coefficients(tokens, frame->tokens, &frame->steps[block.segment], &block, above, left);
    } else {
      memset(above, 0, block.is_split ? 8 : 9);
      memset(left, 0, block.is_split ? 8 : 9);
    }
    if (frame->bools.is_past_end || tokens->is_past_end) return ONNXC_IMAGE_DAMAGED;
    onnxc_vp8_reconstruct(&block, memory->planes, x, y, x + 1 == frame->columns);
    memory->filters[(size_t)y * (size_t)frame->columns + (size_t)x] = filter_of(frame, &block);
  }
  return ONNXC_IMAGE_OK;
}

/* Borders hold what prediction finds outside of the image (section 12.2). */
static void clear_buffers(const vp8 *frame, const buffers *memory) {
  size_t columns = (size_t)frame->columns;
  for (int plane = 0; plane < 3; plane++) {
    const onnxc_plane *own = &memory->planes[plane];
    memset(own->at - own->stride - BORDER, 127, (size_t)own->stride);
    for (int32_t y = 0; y < (plane == 0 ? 16 : 8) * frame->rows; y++) own->at[y * own->stride - 1] = 129;
  }
  memset(memory->above, 0, columns * sizeof *memory->above);
  memset(memory->modes_above, ONNXC_VP8_DC, columns * sizeof *memory->modes_above);
}

/* Chroma at a pixel: 9/16 the nearest sample, 3/16 those beside it, 1/16 the one across, in the steps of libwebp. */
static int32_t interpolate(const vp8 *frame, const onnxc_plane *plane, int32_t x, int32_t y) {
  int32_t last_x = (frame->width + 1) / 2 - 1, last_y = (frame->height + 1) / 2 - 1;
  int32_t far_x = x & 1 ? x / 2 + 1 : x / 2 - 1, far_y = index_of(y & 1 ? y / 2 + 1 : y / 2 - 1, last_y);
  const uint8_t *near = plane->at + y / 2 * plane->stride, *far = plane->at + far_y * plane->stride;
  int32_t here = near[x / 2], beneath = far[x / 2];
  if (far_x < 0 || far_x > last_x) return (3 * here + beneath + 2) >> 2;
  int32_t beside = near[far_x], across = far[far_x];
  return (((here + 3 * beside + 3 * beneath + across + 8) >> 3) + here) >> 1;
}

/* A colour of 14 bits, brought to 8. */
static uint8_t colour(int32_t value) { return onnxc_clamp8(value < 0 ? -1 : value >> 6); }

static void put_pixels(const vp8 *frame, const onnxc_plane *planes, const onnxc_canvas *canvas, int32_t left,
                       int32_t top) {
  for (int32_t y = 0; y < frame->height; y++) {
    for (int32_t x = 0; x < frame->width; x++) {
      int32_t light = planes[0].at[y * planes[0].stride + x] * 19077 >> 8;
      int32_t u = interpolate(frame, &planes[1], x, y), v = interpolate(frame, &planes[2], x, y);
      onnxc_put(canvas, left + x, top + y, colour(light + (v * 26149 >> 8) - 14234),
                colour(light - (u * 6419 >> 8) - (v * 13320 >> 8) + 8708), colour(light + (u * 33050 >> 8) - 17685));
    }
  }
}

int onnxc_vp8_measure(onnxc_span data, onnxc_measure *measure) {
  vp8 frame;
  buffers taken;
  onnxc_work memory = {NULL, 0};
  ONNXC_TRY(open_frame(data, &frame, measure));
  take_buffers(&frame, &memory, &taken);
  measure->work = memory.used;
  return ONNXC_IMAGE_OK;
}

int onnxc_vp8_decode(onnxc_span data, const onnxc_canvas *canvas, int32_t left, int32_t top, uint8_t *work) {
  vp8 frame;
  buffers memory;
  onnxc_work taken = {work, 0};
  onnxc_measure measure;
  ONNXC_TRY(open_frame(data, &frame, &measure));
  ONNXC_TRY(read_header(&frame));
  take_buffers(&frame, &taken, &memory);
  clear_buffers(&frame, &memory);
  for (int32_t y = 0; y < frame.rows; y++) ONNXC_TRY(decode_row(&frame, &memory, y));
  onnxc_vp8_filter_frame(memory.filters, frame.is_simple, memory.planes, frame.columns, frame.rows);
  put_pixels(&frame, memory.planes, canvas, left, top);
  return ONNXC_IMAGE_OK;
}
