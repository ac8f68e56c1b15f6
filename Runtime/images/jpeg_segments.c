/* The segments of a JPEG file (annex B). */
#include "jpeg.h"

enum {
  SOF0 = 0xc0,
  SOF2 = 0xc2,
  DHT = 0xc4,
  JPG = 0xc8,
  SOF15 = 0xcf,
  RST0 = 0xd0,
  SOI = 0xd8,
  EOI = 0xd9,
  SOS = 0xda,
  DQT = 0xdb,
  DNL = 0xdc,
  DRI = 0xdd,
  APP0 = 0xe0,
  APP14 = 0xee,
  TEM = 0x01,
  DAC = 0xcc
};

enum { MOST_SCANS = 500 };

const uint8_t onnxc_jpeg_zigzag[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                       12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                       35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                       58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

/* Enters a code in the table of those that are short. */
static void enter_fast(onnxc_jpeg_code *code, uint32_t bits, unsigned length, uint8_t symbol) {
  if (length > ONNXC_JPEG_FAST_BITS) return;
  unsigned rest = ONNXC_JPEG_FAST_BITS - length, entry = (unsigned)symbol << 4 | length;
  for (uint32_t index = 0; index < 1U << rest; index++) code->fast[bits << rest | index] = (uint16_t)entry;
}

/* Gives symbols their codes (C.2); `counts` says how many there are of each length. */
static int make_code(onnxc_jpeg_code *code, const uint8_t *counts, const uint8_t *symbols) {
  uint32_t bits = 0, place = 0;
  memset(code, 0, sizeof *code);
  for (unsigned length = 1; length <= 16; length++, bits <<= 1) {
    code->first[length] = bits;
    code->counts[length] = counts[length - 1];
    code->places[length] = place;
    if (bits + counts[length - 1] > 1U << length) return ONNXC_IMAGE_DAMAGED;
    for (unsigned index = 0; index < counts[length - 1]; index++) {
      code->symbols[place] = symbols[place];
      enter_fast(code, bits++, length, symbols[place++]);
    }
  }
  code->is_defined = 1;
  return ONNXC_IMAGE_OK;
}

static int read_codes(onnxc_jpeg *image, onnxc_span body) {
  while (body.count > 0) {
    size_t total = 0;
    if (body.count < 17) return ONNXC_IMAGE_DAMAGED;
    unsigned slot = body.at[0] & 15, kind = body.at[0] >> 4;
    for (size_t index = 1; index <= 16; index++) total += body.at[index];
    if (kind > 1 || slot > 3 || total > 256 || body.count < 17 + total) return ONNXC_IMAGE_DAMAGED;
    ONNXC_TRY(make_code(kind == 0 ? &image->dc[slot] : &image->ac[slot], body.at + 1, body.at + 17));
    body = onnxc_part(body, 17 + total, body.count);
  }
  return ONNXC_IMAGE_OK;
}

static int read_steps(onnxc_jpeg *image, onnxc_span body) {
  while (body.count > 0) {
    unsigned slot = body.at[0] & 15;
    size_t bytes = body.at[0] >> 4 ? 2 : 1;
    if (slot > 3 || body.count < 1 + 64 * bytes) return ONNXC_IMAGE_DAMAGED;
    for (size_t index = 0; index < 64; index++) {
      const uint8_t *at = body.at + 1 + bytes * index;
      image->steps[slot][onnxc_jpeg_zigzag[index]] = (uint16_t)(bytes == 2 ? onnxc_big16(at) : at[0]);
    }
    image->has_steps[slot] = 1;
    body = onnxc_part(body, 1 + 64 * bytes, body.count);
  }
  return ONNXC_IMAGE_OK;
}

static int32_t divided_up(int64_t value, int64_t by) { return (int32_t)((value + by - 1) / by); }

/* Extents that follow from sampling factors (A.1.1, A.2.4). */
static void set_extents(const onnxc_jpeg *image, onnxc_jpeg_component *part) {
  int32_t units_x = divided_up(image->width, 8 * image->most_across);
  int32_t units_y = divided_up(image->height, 8 * image->most_down);
  part->width = divided_up((int64_t)image->width * part->across, image->most_across);
  part->height = divided_up((int64_t)image->height * part->down, image->most_down);
  part->blocks_x = divided_up(part->width, 8);
  part->blocks_y = divided_up(part->height, 8);
  part->padded_x = units_x * (int32_t)part->across;
  part->padded_y = units_y * (int32_t)part->down;
}

static int read_frame(onnxc_jpeg *image, onnxc_span body, int is_progressive) {
  onnxc_measure size;
  if (image->has_frame || body.count < 6) return ONNXC_IMAGE_DAMAGED;
  image->count = body.at[5];
  if (body.at[0] != 8 || onnxc_big16(body.at + 1) == 0) return ONNXC_IMAGE_UNSUPPORTED;
  if (image->count != 1 && image->count != 3 && image->count != 4) return ONNXC_IMAGE_UNSUPPORTED;
  if (body.count < 6 + 3 * image->count) return ONNXC_IMAGE_DAMAGED;
  ONNXC_TRY(onnxc_set_size(&size, onnxc_big16(body.at + 3), onnxc_big16(body.at + 1)));
  image->width = size.width;
  image->height = size.height;
  for (uint32_t index = 0; index < image->count; index++) {
    onnxc_jpeg_component *part = &image->components[index];
    const uint8_t *at = body.at + 6 + 3 * index;
    part->id = at[0];
    part->across = at[1] >> 4;
    part->down = at[1] & 15;
    part->table = at[2];
    if (part->across < 1 || part->across > 4 || part->down < 1 || part->down > 4 || part->table > 3)
      return ONNXC_IMAGE_DAMAGED;
    if (part->across > image->most_across) image->most_across = part->across;
    if (part->down > image->most_down) image->most_down = part->down;
  }
  for (uint32_t index = 0; index < image->count; index++) {
    onnxc_jpeg_component *part = &image->components[index];
    if (image->most_across % part->across != 0 || image->most_down % part->down != 0) return ONNXC_IMAGE_UNSUPPORTED;
    set_extents(image, part);
  }
  image->is_progressive = is_progressive;
  image->has_frame = 1;
  return ONNXC_IMAGE_OK;
}

/* The component of a scan; its steps are those of its first scan. */
static int select_part(onnxc_jpeg *image, const uint8_t *at, uint32_t position) {
  for (uint32_t index = 0; index < image->count; index++) {
    onnxc_jpeg_component *part = &image->components[index];
    if (part->id != at[0]) continue;
    for (uint32_t other = 0; other < position; other++) {
      if (image->parts[other] == part) return ONNXC_IMAGE_DAMAGED;
    }
    if (at[1] >> 4 > 3 || (at[1] & 15) > 3) return ONNXC_IMAGE_DAMAGED;
    part->dc = &image->dc[at[1] >> 4];
    part->ac = &image->ac[at[1] & 15];
    if (!part->has_steps) {
      if (!image->has_steps[part->table]) return ONNXC_IMAGE_DAMAGED;
      memcpy(part->steps, image->steps[part->table], sizeof part->steps);
      part->has_steps = 1;
    }
    image->parts[position] = part;
    return ONNXC_IMAGE_OK;
  }
  return ONNXC_IMAGE_DAMAGED;
}

/* Whether the parameters of a scan fit its kind and the codes that it needs are there. */
static int check_scan(const onnxc_jpeg *image) {
  int needs_dc = 1, needs_ac = 1;
  if (image->is_progressive) {
    needs_dc = image->first == 0 && image->high == 0;
    needs_ac = image->first > 0;
    if (image->last > 63 || image->low > 13 || image->high > 13) return ONNXC_IMAGE_DAMAGED;
    if (image->first == 0 ? image->last != 0 : image->last < image->first || image->part_count != 1)
      return ONNXC_IMAGE_DAMAGED;
    if (image->high != 0 && image->high != image->low + 1) return ONNXC_IMAGE_DAMAGED;
  }
  for (uint32_t index = 0; index < image->part_count; index++) {
    if (needs_dc && !image->parts[index]->dc->is_defined) return ONNXC_IMAGE_DAMAGED;
    if (needs_ac && !image->parts[index]->ac->is_defined) return ONNXC_IMAGE_DAMAGED;
  }
  return ONNXC_IMAGE_OK;
}

static int read_scan(onnxc_jpeg *image, onnxc_span body) {
  if (!image->has_frame || body.count < 1 || ++image->scans > MOST_SCANS) return ONNXC_IMAGE_DAMAGED;
  image->part_count = body.at[0];
  if (image->part_count < 1 || image->part_count > image->count) return ONNXC_IMAGE_DAMAGED;
  if (body.count < 4 + 2 * image->part_count) return ONNXC_IMAGE_DAMAGED;
  for (uint32_t index = 0; index < image->part_count; index++) {
    ONNXC_TRY(select_part(image, body.at + 1 + 2 * index, index));
  }
  const uint8_t *rest = body.at + 1 + 2 * image->part_count;
  image->first = rest[0];
  image->last = rest[1];
  image->high = rest[2] >> 4;
  image->low = rest[2] & 15;
  return check_scan(image);
}

static void read_application(onnxc_jpeg *image, int marker, onnxc_span body) {
  if (marker == APP0 && body.count >= 5 && memcmp(body.at, "JFIF", 5) == 0) image->is_jfif = 1;
  if (marker == APP14 && body.count >= 12 && memcmp(body.at, "Adobe", 5) == 0) image->transform = body.at[11];
}

/* The next marker; bytes before it are skipped. */
static int next_marker(onnxc_jpeg *image, int *marker) {
  onnxc_span file = image->file;
  for (; onnxc_has(file, image->place, 2); image->place++) {
    int code = file.at[image->place + 1];
    if (file.at[image->place] != 0xff || code == 0 || code == 0xff) continue;
    image->place += 2;
    *marker = code;
    return ONNXC_IMAGE_OK;
  }
  return ONNXC_IMAGE_DAMAGED;
}

static int has_no_body(int marker) { return marker == TEM || (marker >= RST0 && marker <= SOI); }

/* The body of the segment whose marker was read. */
static int read_body(onnxc_jpeg *image, onnxc_span *body) {
  if (!onnxc_has(image->file, image->place, 2)) return ONNXC_IMAGE_DAMAGED;
  size_t count = onnxc_big16(image->file.at + image->place);
  if (count < 2 || !onnxc_has(image->file, image->place, count)) return ONNXC_IMAGE_DAMAGED;
  *body = onnxc_part(image->file, image->place + 2, count - 2);
  image->place += count;
  return ONNXC_IMAGE_OK;
}

static int read_segment(onnxc_jpeg *image, int marker, onnxc_span body) {
  if (marker >= SOF0 && marker <= SOF2) return read_frame(image, body, marker == SOF2);
  if (marker > SOF2 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC)
    return ONNXC_IMAGE_UNSUPPORTED;
  switch (marker) {
    case DHT: return read_codes(image, body);
    case DQT: return read_steps(image, body);
    case DNL: return ONNXC_IMAGE_UNSUPPORTED;
    case DRI:
      if (body.count < 2) return ONNXC_IMAGE_DAMAGED;
      image->restart_interval = onnxc_big16(body.at);
      return ONNXC_IMAGE_OK;
    default: read_application(image, marker, body); return ONNXC_IMAGE_OK;
  }
}

int onnxc_jpeg_open(onnxc_span file, onnxc_jpeg *image) {
  onnxc_span body;
  int marker;
  memset(image, 0, sizeof *image);
  image->file = file;
  image->place = 2;
  image->transform = -1;
  while (!image->has_frame) {
    ONNXC_TRY(next_marker(image, &marker));
    if (has_no_body(marker)) continue;
    if (marker == EOI || marker == SOS) return ONNXC_IMAGE_DAMAGED;
    ONNXC_TRY(read_body(image, &body));
    ONNXC_TRY(read_segment(image, marker, body));
  }
  return ONNXC_IMAGE_OK;
}

int onnxc_jpeg_next_scan(onnxc_jpeg *image, int *found) {
  onnxc_span body;
  int marker;
  for (;;) {
    *found = 0;
    if (next_marker(image, &marker) != ONNXC_IMAGE_OK) return ONNXC_IMAGE_OK;
    image->has_end = marker == EOI;
    if (image->has_end) return ONNXC_IMAGE_OK;
    if (has_no_body(marker)) continue;
    ONNXC_TRY(read_body(image, &body));
    *found = marker == SOS;
    if (*found) return read_scan(image, body);
    ONNXC_TRY(read_segment(image, marker, body));
  }
}
