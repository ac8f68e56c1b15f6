/* Tagged images (TIFF 6.0): strips and tiles, gray, palette, RGB, CMYK and YCbCr. The first image of a file is decoded.
 */
#include "tiff.h"

enum { WHITE_IS_ZERO = 0, BLACK_IS_ZERO = 1, RGB = 2, PALETTE = 3, CMYK = 5, YCBCR = 6 };

/* The values of an entry of the directory. */
typedef struct {
  const uint8_t *at;
  uint32_t type, count;
} field;

typedef struct {
  onnxc_span file;
  int is_big;
  int32_t width, height;
  uint32_t bits, compression, photometric, channels, orientation, predictor, extra;
  int is_planar, reverses;
  /* Strips are tiles as wide as the image. */
  int is_tiled;
  int32_t tile_width, tile_height, across, down;
  /* Pixels across and down that share one Cb and one Cr. */
  int32_t share_x, share_y;
  field offsets, counts, colours;
} tiff;

static uint32_t read16(const tiff *image, const uint8_t *p) {
  return image->is_big ? onnxc_big16(p) : onnxc_little16(p);
}

static uint32_t read32(const tiff *image, const uint8_t *p) {
  return image->is_big ? onnxc_big32(p) : onnxc_little32(p);
}

/* Bytes of a value of an integer type; 0 for others. */
static size_t type_bytes(uint32_t type) { return type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : 0; }

static uint32_t value(const tiff *image, const field *list, uint32_t index) {
  const uint8_t *at = list->at + index * type_bytes(list->type);
  return list->type == 1 ? at[0] : list->type == 3 ? read16(image, at) : read32(image, at);
}

/* Finds the values of a tag of integers; their count is 0 where it is missing or of another type. */
static int find_field(const tiff *image, uint32_t tag, field *found) {
  size_t start = read32(image, image->file.at + 4);
  found->count = 0;
  if (!onnxc_has(image->file, start, 2)) return ONNXC_IMAGE_DAMAGED;
  size_t entries = read16(image, image->file.at + start);
  if (!onnxc_has(image->file, start + 2, 12 * entries)) return ONNXC_IMAGE_DAMAGED;
  for (size_t index = 0; index < entries; index++) {
    const uint8_t *entry = image->file.at + start + 2 + 12 * index;
    if (read16(image, entry) != tag) continue;
    uint32_t type = read16(image, entry + 2), count = read32(image, entry + 4);
    if (type_bytes(type) == 0) return ONNXC_IMAGE_OK;
    size_t bytes = count * type_bytes(type), offset = read32(image, entry + 8);
    if (bytes > 4 && !onnxc_has(image->file, offset, bytes)) return ONNXC_IMAGE_DAMAGED;
    found->type = type;
    found->count = count;
    found->at = bytes > 4 ? image->file.at + offset : entry + 8;
    return ONNXC_IMAGE_OK;
  }
  return ONNXC_IMAGE_OK;
}

/* The first value of a tag, or what it means to leave it out. */
static int read_tag(const tiff *image, uint32_t tag, uint32_t fallback, uint32_t *result) {
  field found;
  ONNXC_TRY(find_field(image, tag, &found));
  *result = found.count > 0 ? value(image, &found, 0) : fallback;
  return ONNXC_IMAGE_OK;
}

/* Bits of samples, which must be as many for all, and their kind, which must be numbers without sign. */
static int read_samples(tiff *image) {
  field list;
  uint32_t kind;
  ONNXC_TRY(read_tag(image, 277, 1, &image->channels));
  ONNXC_TRY(find_field(image, 258, &list));
  image->bits = list.count > 0 ? value(image, &list, 0) : 1;
  for (uint32_t index = 1; index < list.count && index < image->channels; index++) {
    if (value(image, &list, index) != image->bits) return ONNXC_IMAGE_UNSUPPORTED;
  }
  ONNXC_TRY(read_tag(image, 339, 1, &kind));
  if (image->bits < 1 || image->bits > 16 || kind != 1 || image->channels > 64) return ONNXC_IMAGE_UNSUPPORTED;
  ONNXC_TRY(read_tag(image, 338, 0, &image->extra));
  return image->channels < 1 ? ONNXC_IMAGE_DAMAGED : ONNXC_IMAGE_OK;
}

static int read_coding(tiff *image) {
  uint32_t planes, order;
  ONNXC_TRY(read_tag(image, 259, ONNXC_TIFF_RAW, &image->compression));
  ONNXC_TRY(read_tag(image, 262, WHITE_IS_ZERO, &image->photometric));
  ONNXC_TRY(read_tag(image, 266, 1, &order));
  ONNXC_TRY(read_tag(image, 274, 1, &image->orientation));
  ONNXC_TRY(read_tag(image, 284, 1, &planes));
  ONNXC_TRY(read_tag(image, 317, 1, &image->predictor));
  image->reverses = order == 2;
  image->is_planar = planes == 2 && image->channels > 1;
  if (image->predictor == 1 || (image->compression != ONNXC_TIFF_LZW && image->compression != ONNXC_TIFF_DEFLATE &&
                                image->compression != ONNXC_TIFF_OLD_DEFLATE)) {
    image->predictor = 1;
    return ONNXC_IMAGE_OK;
  }
  return image->predictor == 2 && (image->bits == 8 || image->bits == 16) ? ONNXC_IMAGE_OK : ONNXC_IMAGE_UNSUPPORTED;
}

/* The channels that a kind of pixel has, and what a palette and shared colours need. */
static int check_photometric(tiff *image) {
  uint32_t least = 1;
  field share;
  image->share_x = image->share_y = 1;
  switch (image->photometric) {
    case WHITE_IS_ZERO:
    case BLACK_IS_ZERO: break;
    case RGB: least = 3; break;
    case PALETTE:
      ONNXC_TRY(find_field(image, 320, &image->colours));
      if (image->colours.type != 3 || image->bits > 8 || image->colours.count < 3U << image->bits)
        return ONNXC_IMAGE_DAMAGED;
      break;
    case CMYK: least = 4; break;
    case YCBCR:
      ONNXC_TRY(find_field(image, 530, &share));
      image->share_x = share.count < 2 ? 2 : (int32_t)(value(image, &share, 0) & 0xff);
      image->share_y = share.count < 2 ? 2 : (int32_t)(value(image, &share, 1) & 0xff);
      if (image->bits != 8 || image->channels != 3 || image->is_planar) return ONNXC_IMAGE_UNSUPPORTED;
      if (image->predictor != 1 && image->share_x * image->share_y != 1) return ONNXC_IMAGE_UNSUPPORTED;
      if (image->share_x < 1 || image->share_x > 4 || image->share_y < 1 || image->share_y > 4)
        return ONNXC_IMAGE_DAMAGED;
      least = 3;
      break;
    default: return ONNXC_IMAGE_UNSUPPORTED;
  }
  return image->channels < least ? ONNXC_IMAGE_DAMAGED : ONNXC_IMAGE_OK;
}

/* Where strips or tiles are. */
static int read_tiles(tiff *image) {
  uint32_t width, height;
  ONNXC_TRY(read_tag(image, 322, 0, &width));
  ONNXC_TRY(read_tag(image, image->is_tiled ? 323 : 278, 0xffffffff, &height));
  ONNXC_TRY(find_field(image, image->is_tiled ? 324 : 273, &image->offsets));
  ONNXC_TRY(find_field(image, image->is_tiled ? 325 : 279, &image->counts));
  if (!image->is_tiled) {
    width = (uint32_t)image->width;
    if (height > (uint32_t)image->height) height = (uint32_t)image->height;
  }
  if (width < 1 || height < 1) return ONNXC_IMAGE_DAMAGED;
  if (width > 1 << 24 || height > 1 << 24 || (int64_t)width * height > ONNXC_IMAGE_PIXELS)
    return ONNXC_IMAGE_UNSUPPORTED;
  image->tile_width = (int32_t)width;
  image->tile_height = (int32_t)height;
  image->across = (image->width - 1) / image->tile_width + 1;
  image->down = (image->height - 1) / image->tile_height + 1;
  uint64_t tiles = (uint64_t)image->across * (uint64_t)image->down * (image->is_planar ? image->channels : 1);
  return tiles > image->offsets.count ? ONNXC_IMAGE_DAMAGED : ONNXC_IMAGE_OK;
}

static int open_tiff(onnxc_span file, tiff *image, onnxc_measure *size) {
  uint32_t width, height;
  field tiles;
  memset(image, 0, sizeof *image);
  if (!onnxc_has(file, 0, 8)) return ONNXC_IMAGE_DAMAGED;
  image->file = file;
  image->is_big = file.at[0] == 'M';
  ONNXC_TRY(read_tag(image, 256, 0, &width));
  ONNXC_TRY(read_tag(image, 257, 0, &height));
  ONNXC_TRY(onnxc_set_size(size, width, height));
  image->width = size->width;
  image->height = size->height;
  ONNXC_TRY(find_field(image, 322, &tiles));
  image->is_tiled = tiles.count > 0;
  ONNXC_TRY(read_samples(image));
  ONNXC_TRY(read_coding(image));
  ONNXC_TRY(check_photometric(image));
  ONNXC_TRY(read_tiles(image));
  if (image->orientation < 5 || image->orientation > 8) return ONNXC_IMAGE_OK;
  return onnxc_set_size(size, height, width);
}

/* Bytes of a row of a tile of one plane or of all channels; of a row of units where colours are shared. */
static size_t row_bytes(const tiff *image) {
  size_t width = (size_t)image->tile_width;
  if (image->photometric == YCBCR) {
    size_t share = (size_t)image->share_x;
    return (width + share - 1) / share * (share * (size_t)image->share_y + 2);
  }
  return (width * image->bits * (image->is_planar ? 1 : image->channels) + 7) / 8;
}

/* Bytes of the first rows of a tile. */
static size_t tile_bytes(const tiff *image, int32_t rows) {
  return row_bytes(image) * (size_t)((rows + image->share_y - 1) / image->share_y);
}

static size_t plane_count(const tiff *image) { return image->is_planar ? image->channels : 1; }

/* Undoes differences between neighbours of a row (section 14). */
static void integrate(const tiff *image, uint8_t *row) {
  size_t step = image->is_planar ? 1 : image->channels, count = (size_t)image->tile_width * step;
  for (size_t index = step; index < count; index++) {
    if (image->bits == 8) {
      row[index] = (uint8_t)(row[index] + row[index - step]);
    } else {
      uint32_t sum = read16(image, row + 2 * index) + read16(image, row + 2 * (index - step));
      row[2 * index + (image->is_big ? 1 : 0)] = (uint8_t)sum;
      row[2 * index + (image->is_big ? 0 : 1)] = (uint8_t)(sum >> 8);
    }
  }
}

/* A sample as it is stored. */
static uint32_t sample(const tiff *image, const uint8_t *tile, int32_t x, int32_t y, uint32_t channel) {
  size_t step = image->is_planar ? 1 : image->channels, row = row_bytes(image);
  if (image->is_planar) tile += channel * tile_bytes(image, image->tile_height);
  const uint8_t *at = tile + (size_t)y * row;
  size_t index = (size_t)x * step + (image->is_planar ? 0 : channel);
  if (image->bits == 8) return at[index];
  if (image->bits == 16) return read16(image, at + 2 * index);
  uint32_t result = 0;
  for (size_t bit = index * image->bits; bit < (index + 1) * image->bits; bit++) {
    result = result << 1 | (at[bit / 8] >> (7 - (bit & 7)) & 1U);
  }
  return result;
}

/* A sample brought to 8 bits. */
static uint8_t level(const tiff *image, const uint8_t *tile, int32_t x, int32_t y, uint32_t channel) {
  uint32_t stored = sample(image, tile, x, y, channel);
  return (uint8_t)(image->bits >= 8 ? stored >> (image->bits - 8) : stored * 255 / ((1U << image->bits) - 1));
}

/* The place of a pixel in an image that is to be turned or mirrored. */
static void put(const tiff *image, const onnxc_canvas *canvas, int32_t x, int32_t y, const uint8_t *rgb) {
  int32_t right = image->width - 1 - x, bottom = image->height - 1 - y;
  switch (image->orientation) {
    case 2: onnxc_put(canvas, right, y, rgb[0], rgb[1], rgb[2]); return;
    case 3: onnxc_put(canvas, right, bottom, rgb[0], rgb[1], rgb[2]); return;
    case 4: onnxc_put(canvas, x, bottom, rgb[0], rgb[1], rgb[2]); return;
    case 5: onnxc_put(canvas, y, x, rgb[0], rgb[1], rgb[2]); return;
    case 6: onnxc_put(canvas, bottom, x, rgb[0], rgb[1], rgb[2]); return;
    case 7: onnxc_put(canvas, bottom, right, rgb[0], rgb[1], rgb[2]); return;
    case 8: onnxc_put(canvas, y, right, rgb[0], rgb[1], rgb[2]); return;
    default: onnxc_put(canvas, x, y, rgb[0], rgb[1], rgb[2]); return;
  }
}

/* A pixel of shared colours (section 21), with the weights of ITU-R BT.601. */
static void convert_ycbcr(const tiff *image, const uint8_t *tile, int32_t x, int32_t y, uint8_t *rgb) {
  size_t luma = (size_t)(image->share_x * image->share_y);
  const uint8_t *unit =
      tile + (size_t)(y / image->share_y) * row_bytes(image) + (size_t)(x / image->share_x) * (luma + 2);
  rgb[0] = unit[y % image->share_y * image->share_x + x % image->share_x];
  rgb[1] = unit[luma];
  rgb[2] = unit[luma + 1];
  onnxc_convert_ycc(rgb, ONNXC_TIFF_GREEN);
}

/* Divides by an alpha that colours were multiplied by. */
static void divide_alpha(uint8_t *rgb, uint8_t alpha) {
  for (int index = 0; index < 3; index++) rgb[index] = alpha == 0 ? 0 : onnxc_clamp8(rgb[index] * 255 / alpha);
}

static void convert(const tiff *image, const uint8_t *tile, int32_t x, int32_t y, uint8_t *rgb) {
  uint32_t index;
  switch (image->photometric) {
    case RGB:
      for (uint32_t channel = 0; channel < 3; channel++) rgb[channel] = level(image, tile, x, y, channel);
      if (image->channels > 3 && image->extra == 1) divide_alpha(rgb, level(image, tile, x, y, 3));
      break;
    case PALETTE:
      index = sample(image, tile, x, y, 0);
      for (uint32_t channel = 0; channel < 3; channel++) {
        rgb[channel] = (uint8_t)(value(image, &image->colours, (channel << image->bits) + index) >> 8);
      }
      break;
    case YCBCR: convert_ycbcr(image, tile, x, y, rgb); break;
    default:
      rgb[0] = level(image, tile, x, y, 0);
      if (image->photometric == WHITE_IS_ZERO) rgb[0] = (uint8_t)(255 - rgb[0]);
      rgb[1] = rgb[2] = rgb[0];
  }
}

static void put_tile(const tiff *image, const onnxc_canvas *canvas, const uint8_t *tile, int32_t left, int32_t top) {
  uint8_t pixel[4];
  for (int32_t y = 0; y < image->tile_height && top + y < image->height; y++) {
    for (int32_t x = 0; x < image->tile_width && left + x < image->width; x++) {
      if (image->photometric == CMYK) {
        for (uint32_t channel = 0; channel < 4; channel++) pixel[channel] = level(image, tile, x, y, channel);
        onnxc_convert_cmyk(pixel);
      } else {
        convert(image, tile, x, y, pixel);
      }
      put(image, canvas, left + x, top + y, pixel);
    }
  }
}

/* Decompresses a strip or tile; the last strip may have fewer rows. */
static int unpack(const tiff *image, size_t index, int32_t top, onnxc_lzw_table *table, uint8_t *tile) {
  int32_t rows = image->tile_height;
  if (!image->is_tiled && rows > image->height - top) rows = image->height - top;
  size_t offset = value(image, &image->offsets, (uint32_t)index);
  size_t count = index < image->counts.count ? value(image, &image->counts, (uint32_t)index) : image->file.count;
  if (offset > image->file.count) return ONNXC_IMAGE_DAMAGED;
  onnxc_span data = onnxc_part(image->file, offset, count);
  ONNXC_TRY(onnxc_tiff_unpack(data, image->compression, image->reverses, table, tile, tile_bytes(image, rows)));
  if (image->predictor == 1) return ONNXC_IMAGE_OK;
  for (int32_t row = 0; row < rows; row++) integrate(image, tile + (size_t)row * row_bytes(image));
  return ONNXC_IMAGE_OK;
}

int onnxc_tiff_measure(onnxc_span file, onnxc_measure *measure) {
  tiff image;
  ONNXC_TRY(open_tiff(file, &image, measure));
  onnxc_work memory = {NULL, 0};
  onnxc_take(&memory, sizeof(onnxc_lzw_table));
  onnxc_take(&memory, (int64_t)(plane_count(&image) * tile_bytes(&image, image.tile_height)));
  measure->work = memory.used;
  return ONNXC_IMAGE_OK;
}

int onnxc_tiff_decode(onnxc_span file, const onnxc_canvas *canvas, uint8_t *work) {
  tiff image;
  onnxc_measure size;
  onnxc_work memory = {work, 0};
  ONNXC_TRY(open_tiff(file, &image, &size));
  onnxc_lzw_table *table = onnxc_take(&memory, sizeof *table);
  uint8_t *planes = onnxc_take(&memory, 0);
  size_t tiles = (size_t)image.across * (size_t)image.down, bytes = tile_bytes(&image, image.tile_height);
  for (size_t index = 0; index < tiles; index++) {
    int32_t left = (int32_t)(index % (size_t)image.across) * image.tile_width;
    int32_t top = (int32_t)(index / (size_t)image.across) * image.tile_height;
    for (size_t plane = 0; plane < plane_count(&image); plane++) {
      ONNXC_TRY(unpack(&image, plane * tiles + index, top, table, planes + plane * bytes));
    }
    put_tile(&image, canvas, planes, left, top);
  }
  return ONNXC_IMAGE_OK;
}
