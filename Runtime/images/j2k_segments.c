/* The marker segments of JPEG 2000 (ITU-T T.800, annex A). */
#include "j2k.h"

enum {
  SIZ = 0xff51,
  COD = 0xff52,
  COC = 0xff53,
  QCD = 0xff5c,
  QCC = 0xff5d,
  RGN = 0xff5e,
  POC = 0xff5f,
  PPM = 0xff60,
  PPT = 0xff61,
  SOT = 0xff90,
  SOD = 0xff93,
  EOC = 0xffd9,
  CAP = 0xff50
};

/* Bodies of segments, from the front on; what is missing counts as zeros and makes the segment damaged. */
typedef struct {
  onnxc_span rest;
  int is_short;
} body;

static uint32_t take(body *from, size_t bytes) {
  uint32_t value = 0;
  if (from->rest.count < bytes) {
    from->is_short = 1;
    from->rest.count = 0;
    return 0;
  }
  for (size_t index = 0; index < bytes; index++) value = value << 8 | from->rest.at[index];
  from->rest = onnxc_part(from->rest, bytes, from->rest.count);
  return value;
}

static int state_of(const body *from) { return from->is_short ? ONNXC_IMAGE_DAMAGED : ONNXC_IMAGE_OK; }

/* Extents of the image and its tiles (A.5.1). */
static int read_size(onnxc_j2k *image, body *from) {
  uint32_t values[8];
  take(from, 2);
  for (int index = 0; index < 8; index++) {
    values[index] = take(from, 4);
    if (values[index] > 0x7fffffff) return ONNXC_IMAGE_UNSUPPORTED;
  }
  const onnxc_rect area = {(int32_t)values[2], (int32_t)values[3], (int32_t)values[0], (int32_t)values[1]};
  int64_t end_x = (int64_t)values[6] + values[4], end_y = (int64_t)values[7] + values[5];
  image->area = area;
  image->tile_width = (int32_t)values[4];
  image->tile_height = (int32_t)values[5];
  image->tile_x = (int32_t)values[6];
  image->tile_y = (int32_t)values[7];
  if (area.x0 >= area.x1 || area.y0 >= area.y1 || values[4] < 1 || values[5] < 1) return ONNXC_IMAGE_DAMAGED;
  if (image->tile_x > area.x0 || image->tile_y > area.y0 || end_x <= area.x0 || end_y <= area.y0)
    return ONNXC_IMAGE_DAMAGED;
  int64_t across = ((int64_t)area.x1 - image->tile_x + image->tile_width - 1) / image->tile_width;
  int64_t down = ((int64_t)area.y1 - image->tile_y + image->tile_height - 1) / image->tile_height;
  if (across > 65535 || down > 65535 || across * down > 65535) return ONNXC_IMAGE_DAMAGED;
  image->across = (int32_t)across;
  image->down = (int32_t)down;
  image->count = take(from, 2);
  if (image->count < 1) return ONNXC_IMAGE_DAMAGED;
  if (image->count > ONNXC_J2K_COMPONENTS) return ONNXC_IMAGE_UNSUPPORTED;
  for (uint32_t index = 0; index < image->count; index++) {
    uint32_t depth = take(from, 1);
    image->is_signed[index] = depth >> 7 != 0;
    image->depth[index] = (depth & 127) + 1;
    image->step_x[index] = (int32_t)take(from, 1);
    image->step_y[index] = (int32_t)take(from, 1);
    if (image->step_x[index] < 1 || image->step_y[index] < 1) return ONNXC_IMAGE_DAMAGED;
    if (image->depth[index] > 16) return ONNXC_IMAGE_UNSUPPORTED;
  }
  return state_of(from);
}

/* The part that COD and COC share (table A.15, A.20). */
static int read_coding(body *from, int has_precincts, onnxc_j2k_coding *coding) {
  coding->levels = take(from, 1);
  coding->block_width = take(from, 1) + 2;
  coding->block_height = take(from, 1) + 2;
  coding->style = take(from, 1);
  coding->is_reversible = take(from, 1) == 1;
  if (coding->levels > ONNXC_J2K_LEVELS) return ONNXC_IMAGE_DAMAGED;
  if (coding->block_width > 10 || coding->block_height > 10 || coding->block_width + coding->block_height > 12)
    return ONNXC_IMAGE_DAMAGED;
  if (coding->style > 63) return ONNXC_IMAGE_UNSUPPORTED;
  for (uint32_t index = 0; index <= coding->levels; index++) {
    uint32_t extents = has_precincts ? take(from, 1) : 0xff;
    coding->precinct_width[index] = extents & 15;
    coding->precinct_height[index] = (uint8_t)(extents >> 4);
    if (index > 0 && ((extents & 15) == 0 || extents >> 4 == 0)) return ONNXC_IMAGE_DAMAGED;
  }
  return state_of(from);
}

static void copy_coding(onnxc_j2k_coding *to, const onnxc_j2k_coding *from) {
  to->levels = from->levels;
  to->block_width = from->block_width;
  to->block_height = from->block_height;
  to->style = from->style;
  to->is_reversible = from->is_reversible;
  memcpy(to->precinct_width, from->precinct_width, sizeof to->precinct_width);
  memcpy(to->precinct_height, from->precinct_height, sizeof to->precinct_height);
}

static int read_default_coding(const onnxc_j2k *image, body *from, onnxc_j2k_settings *settings) {
  onnxc_j2k_coding coding;
  uint32_t style = take(from, 1);
  settings->order = take(from, 1);
  settings->layers = take(from, 2);
  settings->mixes = take(from, 1) != 0;
  if (settings->order > 4 || settings->layers < 1) return ONNXC_IMAGE_DAMAGED;
  ONNXC_TRY(read_coding(from, style & 1, &coding));
  for (uint32_t index = 0; index < image->count; index++) {
    if (!settings->codings[index].has_own_coding) copy_coding(&settings->codings[index], &coding);
  }
  return ONNXC_IMAGE_OK;
}

/* The component that a segment is about; one byte is enough for its number. */
static onnxc_j2k_coding *take_component(const onnxc_j2k *image, body *from, onnxc_j2k_settings *settings) {
  uint32_t index = take(from, 1);
  return index < image->count ? &settings->codings[index] : NULL;
}

static int read_own_coding(const onnxc_j2k *image, body *from, onnxc_j2k_settings *settings) {
  onnxc_j2k_coding *coding = take_component(image, from, settings);
  if (coding == NULL) return ONNXC_IMAGE_DAMAGED;
  coding->has_own_coding = 1;
  uint32_t style = take(from, 1);
  return read_coding(from, style & 1, coding);
}

/* Steps of quantization (A.6.4): exponents of 5 bits, and mantissas of 11 where coefficients are not whole numbers. */
static int read_steps(body *from, onnxc_j2k_coding *coding) {
  uint32_t style = take(from, 1);
  coding->quantization = style & 31;
  coding->guard_bits = style >> 5;
  coding->step_count = 0;
  if (coding->quantization > 2) return ONNXC_IMAGE_DAMAGED;
  size_t bytes = coding->quantization == 0 ? 1 : 2;
  while (from->rest.count >= bytes && coding->step_count < ONNXC_J2K_BANDS) {
    uint32_t value = take(from, bytes);
    coding->steps[coding->step_count++] = (uint16_t)(bytes == 1 ? value >> 3 << 11 : value);
  }
  return coding->step_count == 0 ? ONNXC_IMAGE_DAMAGED : state_of(from);
}

static int read_default_steps(const onnxc_j2k *image, body *from, onnxc_j2k_settings *settings) {
  onnxc_j2k_coding coding;
  ONNXC_TRY(read_steps(from, &coding));
  for (uint32_t index = 0; index < image->count; index++) {
    onnxc_j2k_coding *to = &settings->codings[index];
    if (to->has_own_steps) continue;
    to->quantization = coding.quantization;
    to->guard_bits = coding.guard_bits;
    to->step_count = coding.step_count;
    memcpy(to->steps, coding.steps, coding.step_count * sizeof *coding.steps);
  }
  return ONNXC_IMAGE_OK;
}

static int read_own_steps(const onnxc_j2k *image, body *from, onnxc_j2k_settings *settings) {
  onnxc_j2k_coding *coding = take_component(image, from, settings);
  if (coding == NULL) return ONNXC_IMAGE_DAMAGED;
  coding->has_own_steps = 1;
  return read_steps(from, coding);
}

/* A region of interest, whose coefficients are shifted up (A.6.3). */
static int read_region(const onnxc_j2k *image, body *from, onnxc_j2k_settings *settings) {
  onnxc_j2k_coding *coding = take_component(image, from, settings);
  if (coding == NULL || take(from, 1) != 0) return ONNXC_IMAGE_DAMAGED;
  coding->shift = take(from, 1);
  return state_of(from);
}

static int read_orders(body *from, onnxc_j2k_settings *settings) {
  while (from->rest.count >= 7) {
    if (settings->order_count == ONNXC_J2K_ORDERS) return ONNXC_IMAGE_UNSUPPORTED;
    onnxc_j2k_order *order = &settings->orders[settings->order_count++];
    order->first_resolution = take(from, 1);
    order->first_component = take(from, 1);
    order->layers = take(from, 2);
    order->last_resolution = take(from, 1);
    order->last_component = take(from, 1);
    order->order = take(from, 1);
    if (order->last_component == 0) order->last_component = 256;
    if (order->order > 4) return ONNXC_IMAGE_DAMAGED;
  }
  return state_of(from);
}

static int read_segment(const onnxc_j2k *image, uint32_t marker, body *from, onnxc_j2k_settings *settings) {
  switch (marker) {
    case COD: return read_default_coding(image, from, settings);
    case COC: return read_own_coding(image, from, settings);
    case QCD: return read_default_steps(image, from, settings);
    case QCC: return read_own_steps(image, from, settings);
    case RGN: return read_region(image, from, settings);
    case POC: return read_orders(from, settings);
    case PPM:
    case PPT:
    case CAP: return ONNXC_IMAGE_UNSUPPORTED;
    case SIZ:
    case EOC: return ONNXC_IMAGE_DAMAGED;
    default: return ONNXC_IMAGE_OK;
  }
}

/* Whether a segment may stand in the first part of a tile only. */
static int changes_coding(uint32_t marker) {
  return marker == COD || marker == COC || marker == QCD || marker == QCC || marker == RGN;
}

/* The body of the segment whose marker is at `*place`, which moves behind it. */
static int open_segment(onnxc_span stream, size_t *place, body *from) {
  if (!onnxc_has(stream, *place, 4)) return ONNXC_IMAGE_DAMAGED;
  size_t count = onnxc_big16(stream.at + *place + 2);
  if (count < 2 || !onnxc_has(stream, *place + 2, count)) return ONNXC_IMAGE_DAMAGED;
  from->rest = onnxc_part(stream, *place + 4, count - 2);
  from->is_short = 0;
  *place += 2 + count;
  return ONNXC_IMAGE_OK;
}

int onnxc_j2k_open(onnxc_span stream, onnxc_j2k *image) {
  size_t place = 2;
  body from;
  int has_coding = 0, has_steps = 0;
  memset(image, 0, sizeof *image);
  image->stream = stream;
  if (!onnxc_has(stream, 0, 4) || onnxc_big32(stream.at) != 0xff4fff51) return ONNXC_IMAGE_DAMAGED;
  ONNXC_TRY(open_segment(stream, &place, &from));
  ONNXC_TRY(read_size(image, &from));
  for (;;) {
    if (!onnxc_has(stream, place, 2)) return ONNXC_IMAGE_DAMAGED;
    uint32_t marker = onnxc_big16(stream.at + place);
    if (marker == SOT) break;
    ONNXC_TRY(open_segment(stream, &place, &from));
    ONNXC_TRY(read_segment(image, marker, &from, &image->settings));
    has_coding |= marker == COD;
    has_steps |= marker == QCD;
  }
  image->first_part = place;
  return has_coding && has_steps ? ONNXC_IMAGE_OK : ONNXC_IMAGE_DAMAGED;
}

int onnxc_j2k_next_part(const onnxc_j2k *image, size_t *place, onnxc_j2k_part *part, uint32_t *tile, int *found) {
  onnxc_span stream = image->stream;
  *found = onnxc_has(stream, *place, 12) && onnxc_big16(stream.at + *place) == SOT;
  if (!*found) return ONNXC_IMAGE_OK;
  size_t count = onnxc_big32(stream.at + *place + 6);
  if (count == 0) count = stream.count - *place;
  *tile = onnxc_big16(stream.at + *place + 4);
  if (count < 14 || !onnxc_has(stream, *place, count)) return ONNXC_IMAGE_DAMAGED;
  if (*tile >= (uint32_t)image->across * (uint32_t)image->down) return ONNXC_IMAGE_DAMAGED;
  part->header = *place + 12;
  part->end = *place + count;
  part->index = stream.at[*place + 10];
  part->next = 0;
  *place += count;
  return ONNXC_IMAGE_OK;
}

int onnxc_j2k_read_part(const onnxc_j2k *image, onnxc_j2k_part *part, onnxc_j2k_settings *settings) {
  onnxc_span stream = onnxc_part(image->stream, 0, part->end);
  size_t place = part->header;
  int has_orders = 0;
  body from;
  if (part->index == 0) {
    *settings = image->settings;
    for (uint32_t index = 0; index < image->count; index++) {
      settings->codings[index].has_own_coding = settings->codings[index].has_own_steps = 0;
    }
  }
  for (;;) {
    if (!onnxc_has(stream, place, 2)) return ONNXC_IMAGE_DAMAGED;
    uint32_t marker = onnxc_big16(stream.at + place);
    if (marker == SOD) break;
    ONNXC_TRY(open_segment(stream, &place, &from));
    if (marker == POC && part->index == 0 && !has_orders) settings->order_count = 0;
    has_orders |= marker == POC;
    if (part->index > 0 && changes_coding(marker)) return ONNXC_IMAGE_DAMAGED;
    ONNXC_TRY(read_segment(image, marker, &from, settings));
  }
  part->data = place + 2;
  return ONNXC_IMAGE_OK;
}
