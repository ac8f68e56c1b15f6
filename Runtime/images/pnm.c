/* Portable anymaps: bitmaps, graymaps and pixmaps, as text or as bytes. */
#include "internal.h"

typedef struct {
  onnxc_span file;
  size_t place;
  /* The digit of the first two bytes. */
  int kind;
  int32_t width, height, most;
} anymap;

static int is_space(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/* Skips white space and comments, which reach to the end of their line. */
static void skip_space(anymap *map) {
  onnxc_span file = map->file;
  while (map->place < file.count) {
    if (file.at[map->place] == '#') {
      while (map->place < file.count && file.at[map->place] != '\n' && file.at[map->place] != '\r') map->place++;
    } else if (is_space(file.at[map->place])) {
      map->place++;
    } else {
      return;
    }
  }
}

static int read_number(anymap *map, int32_t *value) {
  onnxc_span file = map->file;
  skip_space(map);
  size_t start = map->place;
  for (*value = 0; map->place < file.count; map->place++) {
    uint8_t digit = file.at[map->place];
    if (digit < '0' || digit > '9') break;
    if (*value > 100000000) return ONNXC_IMAGE_DAMAGED;
    *value = *value * 10 + (digit - '0');
  }
  if (map->place == start) return ONNXC_IMAGE_DAMAGED;
  return map->place == file.count || is_space(file.at[map->place]) || file.at[map->place] == '#' ? ONNXC_IMAGE_OK
                                                                                                 : ONNXC_IMAGE_DAMAGED;
}

static int read_header(onnxc_span file, anymap *map, onnxc_measure *measure) {
  map->file = file;
  map->kind = file.at[1] - '0';
  map->place = 2;
  map->most = 1;
  ONNXC_TRY(read_number(map, &map->width));
  ONNXC_TRY(read_number(map, &map->height));
  ONNXC_TRY(onnxc_set_size(measure, map->width, map->height));
  if (map->kind != 1 && map->kind != 4) ONNXC_TRY(read_number(map, &map->most));
  if (map->most < 1 || map->most > 65535) return ONNXC_IMAGE_DAMAGED;
  map->place++;
  return ONNXC_IMAGE_OK;
}

/* A value brought to 8 bits, rounded to even, in the floating-point steps of the reference. */
static uint8_t scaled(const anymap *map, int32_t value) {
  if (value >= map->most) return 255;
  double exact = (double)value / map->most * 255;
  int32_t low = (int32_t)exact;
  double rest = exact - low;
  return (uint8_t)(rest > 0.5 || (rest == 0.5 && (low & 1)) ? low + 1 : low);
}

/* A digit of a bitmap as text, where no space need be between digits. */
static int read_bit(anymap *map, uint8_t *value) {
  skip_space(map);
  if (map->place >= map->file.count) return ONNXC_IMAGE_DAMAGED;
  uint8_t digit = map->file.at[map->place++];
  if (digit != '0' && digit != '1') return ONNXC_IMAGE_DAMAGED;
  *value = digit == '0' ? 255 : 0;
  return ONNXC_IMAGE_OK;
}

/* The next value of text or bytes. */
static int read_value(anymap *map, uint8_t *value) {
  int32_t number;
  if (map->kind <= 3) {
    if (map->kind == 1) return read_bit(map, value);
    ONNXC_TRY(read_number(map, &number));
    if (number > map->most) return ONNXC_IMAGE_DAMAGED;
  } else {
    size_t bytes = map->most > 255 ? 2 : 1;
    if (!onnxc_has(map->file, map->place, bytes)) return ONNXC_IMAGE_DAMAGED;
    const uint8_t *at = map->file.at + map->place;
    number = bytes == 2 ? (int32_t)onnxc_big16(at) : at[0];
    map->place += bytes;
  }
  *value = scaled(map, number);
  return ONNXC_IMAGE_OK;
}

static int decode_bits(const anymap *map, const onnxc_canvas *canvas) {
  size_t stride = ((size_t)map->width + 7) / 8;
  for (int32_t y = 0; y < map->height; y++) {
    size_t start = map->place + (size_t)y * stride;
    if (!onnxc_has(map->file, start, stride)) return ONNXC_IMAGE_DAMAGED;
    for (int32_t x = 0; x < map->width; x++) {
      uint8_t value = map->file.at[start + (size_t)x / 8] >> (7 - x % 8) & 1 ? 0 : 255;
      onnxc_put(canvas, x, y, value, value, value);
    }
  }
  return ONNXC_IMAGE_OK;
}

int onnxc_pnm_measure(onnxc_span file, onnxc_measure *measure) {
  anymap map;
  return read_header(file, &map, measure);
}

int onnxc_pnm_decode(onnxc_span file, const onnxc_canvas *canvas, uint8_t *work) {
  anymap map;
  onnxc_measure measure;
  (void)work;
  ONNXC_TRY(read_header(file, &map, &measure));
  if (map.kind == 4) return decode_bits(&map, canvas);
  int channels = map.kind == 3 || map.kind == 6 ? 3 : 1;
  for (int32_t y = 0; y < map.height; y++) {
    for (int32_t x = 0; x < map.width; x++) {
      uint8_t values[3];
      for (int channel = 0; channel < channels; channel++) ONNXC_TRY(read_value(&map, &values[channel]));
      for (int channel = channels; channel < 3; channel++) values[channel] = values[0];
      onnxc_put(canvas, x, y, values[0], values[1], values[2]);
    }
  }
  return ONNXC_IMAGE_OK;
}
