/* Windows bitmaps: BITMAPCOREHEADER to BITMAPV5HEADER. */
#include "internal.h"

enum { RAW = 0, RLE8 = 1, RLE4 = 2, BITFIELDS = 3, ALPHABITFIELDS = 6 };

typedef struct {
  int32_t width, height;
  int is_top_down;
  uint32_t bits, compression;
  uint32_t masks[3];
  /* Entries of the palette, which are `entry` bytes each. */
  onnxc_span palette;
  size_t entry;
  onnxc_span data;
} bitmap;

static int set_masks(onnxc_span file, bitmap *map) {
  if (map->compression == BITFIELDS || map->compression == ALPHABITFIELDS) {
    if ((map->bits != 16 && map->bits != 32) || !onnxc_has(file, 54, 12)) return ONNXC_IMAGE_DAMAGED;
    for (size_t index = 0; index < 3; index++) map->masks[index] = onnxc_little32(file.at + 54 + 4 * index);
  } else if (map->bits == 16) {
    map->masks[0] = 0x7c00, map->masks[1] = 0x3e0, map->masks[2] = 0x1f;
  } else {
    map->masks[0] = 0xff0000, map->masks[1] = 0xff00, map->masks[2] = 0xff;
  }
  return ONNXC_IMAGE_OK;
}

static int check_kind(const bitmap *map) {
  switch (map->bits) {
    case 1:
    case 2:
    case 4:
    case 8:
    case 16:
    case 24:
    case 32: break;
    default: return ONNXC_IMAGE_UNSUPPORTED;
  }
  switch (map->compression) {
    case RAW:
    case BITFIELDS:
    case ALPHABITFIELDS: return ONNXC_IMAGE_OK;
    case RLE8: return map->bits == 8 ? ONNXC_IMAGE_OK : ONNXC_IMAGE_DAMAGED;
    case RLE4: return map->bits == 4 ? ONNXC_IMAGE_OK : ONNXC_IMAGE_DAMAGED;
    default: return ONNXC_IMAGE_UNSUPPORTED;
  }
}

static int read_header(onnxc_span file, bitmap *map) {
  onnxc_measure size;
  int64_t width, height;
  if (!onnxc_has(file, 0, 26)) return ONNXC_IMAGE_DAMAGED;
  size_t header = onnxc_little32(file.at + 14), colours = 0, start = onnxc_little32(file.at + 10);
  memset(map, 0, sizeof *map);
  if (header == 12) {
    width = onnxc_little16(file.at + 18);
    height = onnxc_little16(file.at + 20);
    map->bits = onnxc_little16(file.at + 24);
    map->entry = 3;
  } else {
    if (header < 40 || !onnxc_has(file, 14, header)) return ONNXC_IMAGE_DAMAGED;
    width = (int32_t)onnxc_little32(file.at + 18);
    height = (int32_t)onnxc_little32(file.at + 22);
    map->bits = onnxc_little16(file.at + 28);
    map->compression = onnxc_little32(file.at + 30);
    colours = onnxc_little32(file.at + 46);
    map->entry = 4;
  }
  map->is_top_down = height < 0;
  ONNXC_TRY(onnxc_set_size(&size, width, height < 0 ? -height : height));
  map->width = size.width;
  map->height = size.height;
  ONNXC_TRY(check_kind(map));
  ONNXC_TRY(set_masks(file, map));
  if (map->bits <= 8) {
    if (colours == 0 || colours > 256) colours = (size_t)1 << map->bits;
    map->palette = onnxc_part(file, 14 + header, colours * map->entry);
  }
  if (start > file.count) return ONNXC_IMAGE_DAMAGED;
  map->data = onnxc_part(file, start, file.count);
  return ONNXC_IMAGE_OK;
}

/* An index beyond the palette stands for a gray value, as in Pillow. */
static void put_index(const bitmap *map, const onnxc_canvas *canvas, int32_t x, int32_t y, size_t index) {
  size_t place = index * map->entry;
  if (place + 3 > map->palette.count) {
    onnxc_put(canvas, x, y, (uint8_t)index, (uint8_t)index, (uint8_t)index);
  } else {
    const uint8_t *entry = map->palette.at + place;
    onnxc_put(canvas, x, y, entry[2], entry[1], entry[0]);
  }
}

/* A field of a pixel, brought to 8 bits. */
static uint8_t field(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  uint32_t lowest = mask & (~mask + 1), most = mask / lowest;
  return (uint8_t)((uint64_t)((pixel & mask) / lowest) * 255 / most);
}

static void put_raw(const bitmap *map, const onnxc_canvas *canvas, const uint8_t *row, int32_t x, int32_t y) {
  size_t column = (size_t)x;
  uint32_t pixel;
  switch (map->bits) {
    case 24: onnxc_put(canvas, x, y, row[3 * column + 2], row[3 * column + 1], row[3 * column]); return;
    case 16: pixel = onnxc_little16(row + 2 * column); break;
    case 32: pixel = onnxc_little32(row + 4 * column); break;
    default: {
      size_t bit = column * map->bits;
      unsigned shift = 8 - map->bits - (unsigned)(bit & 7);
      put_index(map, canvas, x, y, (size_t)(row[bit >> 3] >> shift) & ((1U << map->bits) - 1));
      return;
    }
  }
  onnxc_put(canvas, x, y, field(pixel, map->masks[0]), field(pixel, map->masks[1]), field(pixel, map->masks[2]));
}

/* The row of the image that a row of the file is. */
static int32_t target_row(const bitmap *map, int32_t row) { return map->is_top_down ? row : map->height - 1 - row; }

static int decode_raw(const bitmap *map, const onnxc_canvas *canvas) {
  size_t used = ((size_t)map->width * map->bits + 7) / 8, stride = (used + 3) / 4 * 4;
  for (int32_t y = 0; y < map->height; y++) {
    if (!onnxc_has(map->data, (size_t)y * stride, used)) return ONNXC_IMAGE_DAMAGED;
    for (int32_t x = 0; x < map->width; x++)
      put_raw(map, canvas, map->data.at + (size_t)y * stride, x, target_row(map, y));
  }
  return ONNXC_IMAGE_OK;
}

/* The place of a decoder of runs. */
typedef struct {
  const bitmap *map;
  const onnxc_canvas *canvas;
  int32_t x, y;
} cursor;

static void put_run(cursor *at, uint32_t index) {
  if (at->x >= at->map->width || at->y >= at->map->height) return;
  put_index(at->map, at->canvas, at->x, target_row(at->map, at->y), index);
  at->x++;
}

/* Index `position` of pairs of half bytes or of bytes. */
static uint32_t packed_index(const bitmap *map, const uint8_t *data, size_t position) {
  if (map->compression == RLE8) return data[position];
  return position & 1 ? data[position / 2] & 15U : (uint32_t)data[position / 2] >> 4;
}

static int decode_runs(const bitmap *map, const onnxc_canvas *canvas) {
  onnxc_span data = map->data;
  cursor at = {map, canvas, 0, 0};
  size_t place = 0;
  for (int32_t y = 0; y < map->height; y++) {
    for (int32_t x = 0; x < map->width; x++) put_index(map, canvas, x, y, 0);
  }
  while (at.y < map->height) {
    if (!onnxc_has(data, place, 2)) return ONNXC_IMAGE_DAMAGED;
    size_t count = data.at[place], code = data.at[place + 1];
    place += 2;
    if (count > 0) {
      size_t period = map->compression == RLE8 ? 1 : 2;
      for (size_t index = 0; index < count; index++)
        put_run(&at, packed_index(map, data.at + place - 1, index % period));
    } else if (code == 0) {
      at.x = 0;
      at.y++;
    } else if (code == 1) {
      break;
    } else if (code == 2) {
      if (!onnxc_has(data, place, 2)) return ONNXC_IMAGE_DAMAGED;
      at.x += data.at[place];
      at.y += data.at[place + 1];
      if (at.x > map->width) at.x = map->width;
      place += 2;
    } else {
      size_t bytes = map->compression == RLE8 ? code : (code + 1) / 2;
      if (!onnxc_has(data, place, bytes)) return ONNXC_IMAGE_DAMAGED;
      for (size_t index = 0; index < code; index++) put_run(&at, packed_index(map, data.at + place, index));
      place += (bytes + 1) / 2 * 2;
    }
  }
  return ONNXC_IMAGE_OK;
}

int onnxc_bmp_measure(onnxc_span file, onnxc_measure *measure) {
  bitmap map;
  ONNXC_TRY(read_header(file, &map));
  measure->width = map.width;
  measure->height = map.height;
  return ONNXC_IMAGE_OK;
}

int onnxc_bmp_decode(onnxc_span file, const onnxc_canvas *canvas, uint8_t *work) {
  bitmap map;
  (void)work;
  ONNXC_TRY(read_header(file, &map));
  return map.compression == RLE8 || map.compression == RLE4 ? decode_runs(&map, canvas) : decode_raw(&map, canvas);
}
