/* JPEG 2000 (ITU-T T.800): a codestream, or a JP2 file around one (annex I). */
#include "j2k.h"

enum { SPACE_UNKNOWN = 0, SPACE_CMYK = 12, SPACE_SYCC = 18 };

/* A channel: a component, or what a palette has for it. */
typedef struct {
  uint32_t component;
  /* The column of the palette; -1 without one. */
  int column;
} channel;

typedef struct {
  onnxc_j2k image;
  uint32_t space;
  /* The palette: its entries, whose columns have as many bits as `depths` says, less one. */
  onnxc_span palette, depths;
  uint32_t entries, columns;
  onnxc_span mapping, definition;
  channel channels[4];
  uint32_t channel_count;
} jp2;

/* Gives the next box and moves behind it. */
static int next_box(onnxc_span *boxes, uint32_t *type, onnxc_span *body) {
  if (!onnxc_has(*boxes, 0, 8)) return ONNXC_IMAGE_DAMAGED;
  uint64_t count = onnxc_big32(boxes->at);
  size_t head = 8;
  *type = onnxc_big32(boxes->at + 4);
  if (count == 1) {
    if (!onnxc_has(*boxes, 0, 16)) return ONNXC_IMAGE_DAMAGED;
    count = (uint64_t)onnxc_big32(boxes->at + 8) << 32 | onnxc_big32(boxes->at + 12);
    head = 16;
  }
  if (count == 0 || count > boxes->count) count = boxes->count;
  if (count < head) return ONNXC_IMAGE_DAMAGED;
  *body = onnxc_part(*boxes, head, (size_t)count - head);
  *boxes = onnxc_part(*boxes, (size_t)count, boxes->count);
  return ONNXC_IMAGE_OK;
}

static uint32_t name(const char *text) { return onnxc_big32((const uint8_t *)text); }

static int read_palette(jp2 *file, onnxc_span body) {
  if (body.count < 3) return ONNXC_IMAGE_DAMAGED;
  file->entries = onnxc_big16(body.at);
  file->columns = body.at[2];
  if (file->entries < 1 || file->columns < 1 || body.count < 3 + file->columns) return ONNXC_IMAGE_DAMAGED;
  file->depths = onnxc_part(body, 3, file->columns);
  file->palette = onnxc_part(body, 3 + file->columns, body.count);
  return ONNXC_IMAGE_OK;
}

/* The boxes of the header (I.5.3). */
static int read_header(jp2 *file, onnxc_span boxes) {
  uint32_t type;
  onnxc_span body;
  while (boxes.count > 0) {
    ONNXC_TRY(next_box(&boxes, &type, &body));
    if (type == name("pclr")) ONNXC_TRY(read_palette(file, body));
    if (type == name("cmap")) file->mapping = body;
    if (type == name("cdef")) file->definition = body;
    if (type == name("colr") && body.count >= 7 && body.at[0] == 1 && file->space == SPACE_UNKNOWN)
      file->space = onnxc_big32(body.at + 3);
  }
  return ONNXC_IMAGE_OK;
}

static int find_stream(onnxc_span boxes, jp2 *file, onnxc_span *stream) {
  uint32_t type;
  onnxc_span body;
  for (;;) {
    ONNXC_TRY(next_box(&boxes, &type, &body));
    if (type == name("jp2h")) ONNXC_TRY(read_header(file, body));
    if (type != name("jp2c")) continue;
    *stream = body;
    return ONNXC_IMAGE_OK;
  }
}

/* Bytes of an entry of the palette before a column. */
static size_t column_offset(const jp2 *file, uint32_t column) {
  size_t offset = 0;
  for (uint32_t index = 0; index < column; index++) offset += (file->depths.at[index] & 127U) / 8 + 1;
  return offset;
}

/* Channels are components, or what the mapping of a palette says (I.5.3.5). */
static int set_channels(jp2 *file) {
  uint32_t count = file->image.count;
  if (file->entries > 0) count = (uint32_t)(file->mapping.count / 4);
  if (count < 1) return ONNXC_IMAGE_DAMAGED;
  if (count > 4) return ONNXC_IMAGE_UNSUPPORTED;
  file->channel_count = count;
  for (uint32_t index = 0; index < count; index++) {
    channel *own = &file->channels[index];
    own->component = index;
    own->column = -1;
    if (file->entries == 0) continue;
    const uint8_t *entry = file->mapping.at + 4 * index;
    own->component = onnxc_big16(entry);
    if (entry[2] == 1) own->column = entry[3];
    if (own->component >= file->image.count || own->column >= (int)file->columns) return ONNXC_IMAGE_DAMAGED;
    if (own->column >= 0 && (file->depths.at[own->column] & 127) > 15) return ONNXC_IMAGE_UNSUPPORTED;
  }
  if (file->entries > 0 && file->palette.count < file->entries * column_offset(file, file->columns))
    return ONNXC_IMAGE_DAMAGED;
  return ONNXC_IMAGE_OK;
}

/* Puts channels in the order of their colours (I.5.3.6). */
static void sort_channels(jp2 *file) {
  const channel given[4] = {file->channels[0], file->channels[1], file->channels[2], file->channels[3]};
  if (file->definition.count < 2) return;
  size_t count = onnxc_big16(file->definition.at);
  for (size_t index = 0; index < count && 2 + 6 * (index + 1) <= file->definition.count; index++) {
    const uint8_t *entry = file->definition.at + 2 + 6 * index;
    uint32_t number = onnxc_big16(entry), kind = onnxc_big16(entry + 2), colour = onnxc_big16(entry + 4);
    if (kind != 0 || number >= file->channel_count || colour < 1 || colour > file->channel_count) continue;
    file->channels[colour - 1] = given[number];
  }
}

static int open_file(onnxc_span bytes, jp2 *file) {
  onnxc_span stream = bytes;
  memset(file, 0, sizeof *file);
  if (bytes.at[0] != 0xff) ONNXC_TRY(find_stream(bytes, file, &stream));
  ONNXC_TRY(onnxc_j2k_open(stream, &file->image));
  ONNXC_TRY(set_channels(file));
  sort_channels(file);
  return ONNXC_IMAGE_OK;
}

/* What all tiles share. */
typedef struct {
  onnxc_j2k_tile *tile;
  onnxc_j2k_scratch *scratch;
  /* All parts of tiles; and for each tile, the number of its first and of its last part, from 1 on. */
  onnxc_j2k_part *parts;
  uint32_t *first_parts, *last_parts;
} tables;

static uint32_t tile_count(const onnxc_j2k *image) { return (uint32_t)image->across * (uint32_t)image->down; }

/* What the first part of a tile says of the memory that it needs, and of the longest row or column. */
static int measure_tile(const onnxc_j2k *image, onnxc_j2k_part *part, uint32_t number, onnxc_j2k_tile *tile,
                        int64_t *most_bytes, int32_t *longest) {
  onnxc_work memory = {NULL, 0};
  ONNXC_TRY(onnxc_j2k_read_part(image, part, &tile->settings));
  ONNXC_TRY(onnxc_j2k_lay_out(image, number, tile, &memory));
  if (memory.used > *most_bytes) *most_bytes = memory.used;
  for (uint32_t index = 0; index < image->count; index++) {
    const onnxc_rect *area = &tile->components[index].area;
    if (onnxc_width(area) > *longest) *longest = onnxc_width(area);
    if (onnxc_height(area) > *longest) *longest = onnxc_height(area);
  }
  return ONNXC_IMAGE_OK;
}

/* Takes the memory that all tiles share. */
static void take_tables(const onnxc_j2k *image, int64_t part_count, int32_t longest, onnxc_work *memory,
                        tables *shared) {
  shared->tile = onnxc_take(memory, sizeof *shared->tile);
  shared->parts = onnxc_take(memory, part_count * (int64_t)sizeof *shared->parts);
  shared->first_parts = onnxc_take(memory, tile_count(image) * (int64_t)sizeof *shared->first_parts);
  shared->last_parts = onnxc_take(memory, tile_count(image) * (int64_t)sizeof *shared->last_parts);
  shared->scratch = onnxc_take(memory, sizeof *shared->scratch);
  uint8_t *data = onnxc_take(memory, (int64_t)image->stream.count);
  onnxc_j2k_cell *line = onnxc_take(memory, (int64_t)longest * ONNXC_J2K_LANES * (int64_t)sizeof *line);
  if (shared->scratch == NULL) return;
  shared->scratch->data = data;
  shared->scratch->line = line;
}

/* What the parts of tiles say of the memory that is needed. */
static int measure_parts(const onnxc_j2k *image, int64_t *part_count, int64_t *most_bytes, int32_t *longest) {
  onnxc_j2k_tile tile;
  onnxc_j2k_part part;
  size_t place = image->first_part;
  uint32_t number;
  int found;
  *part_count = *most_bytes = *longest = 0;
  for (;;) {
    ONNXC_TRY(onnxc_j2k_next_part(image, &place, &part, &number, &found));
    if (!found) return *part_count > 0 ? ONNXC_IMAGE_OK : ONNXC_IMAGE_DAMAGED;
    ++*part_count;
    if (part.index == 0) ONNXC_TRY(measure_tile(image, &part, number, &tile, most_bytes, longest));
  }
}

/* Links the parts of each tile. */
static int link_parts(const onnxc_j2k *image, const tables *shared) {
  size_t place = image->first_part;
  memset(shared->first_parts, 0, tile_count(image) * sizeof *shared->first_parts);
  for (uint32_t count = 1;; count++) {
    uint32_t tile;
    int found;
    onnxc_j2k_part part;
    ONNXC_TRY(onnxc_j2k_next_part(image, &place, &part, &tile, &found));
    if (!found) return ONNXC_IMAGE_OK;
    shared->parts[count - 1] = part;
    if ((shared->first_parts[tile] == 0) != (part.index == 0)) return ONNXC_IMAGE_DAMAGED;
    if (part.index == 0) {
      shared->first_parts[tile] = count;
    } else {
      shared->parts[shared->last_parts[tile] - 1].next = count;
    }
    shared->last_parts[tile] = count;
  }
}

static void decode_blocks(const onnxc_j2k_tile *tile, const onnxc_j2k_component *part, onnxc_j2k_scratch *scratch) {
  for (uint32_t number = 0; number <= part->coding->levels; number++) {
    const onnxc_j2k_resolution *resolution = &part->resolutions[number];
    for (int index = 0; index < resolution->band_count; index++) {
      const onnxc_j2k_band *band = &resolution->bands[index];
      for (int32_t y = 0; y < band->grid_height; y++) {
        for (int32_t x = 0; x < band->grid_width; x++) onnxc_j2k_decode_block(tile, part, band, x, y, scratch);
      }
    }
  }
}

static int32_t add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

/* Undoes the mixing of the first three components (annex G). */
static int unmix(const onnxc_j2k_tile *tile) {
  const onnxc_j2k_component *parts = tile->components;
  if (tile->count < 3) return ONNXC_IMAGE_DAMAGED;
  size_t count = (size_t)onnxc_width(&parts[0].area) * (size_t)onnxc_height(&parts[0].area);
  for (int index = 1; index < 3; index++) {
    if (memcmp(&parts[index].area, &parts[0].area, sizeof parts[0].area) != 0) return ONNXC_IMAGE_DAMAGED;
    if (parts[index].coding->is_reversible != parts[0].coding->is_reversible) return ONNXC_IMAGE_DAMAGED;
  }
  for (size_t index = 0; index < count; index++) {
    onnxc_j2k_cell *r = &parts[0].cells[index], *g = &parts[1].cells[index], *b = &parts[2].cells[index];
    if (parts[0].coding->is_reversible) {
      int32_t u = g->i, v = b->i;
      g->i = add(r->i, -(add(u, v) >> 2));
      r->i = add(v, g->i);
      b->i = add(u, g->i);
    } else {
      float y = r->f, u = g->f, v = b->f;
      r->f = y + v * 1.402f;
      g->f = y - u * 0.34413f - v * 0.71414f;
      b->f = y + u * 1.772f;
    }
  }
  return ONNXC_IMAGE_OK;
}

/* A number rounded, to even where it lies in the middle, within 24 bits. */
static int32_t rounded(float value) {
  if (!(value > -8388608.0f)) return -8388608;
  if (value > 8388608.0f) return 8388608;
  int32_t low = (int32_t)value;
  if ((float)low > value) low--;
  float rest = value - (float)low;
  return rest > 0.5f || (rest == 0.5f && (low & 1)) ? low + 1 : low;
}

/* A component's sample at a pixel of the image, from 0 to what its depth allows. */
static uint32_t sample(const onnxc_j2k *image, const onnxc_j2k_tile *tile, uint32_t index, int32_t x, int32_t y) {
  const onnxc_j2k_component *part = &tile->components[index];
  int32_t column = x / image->step_x[index] - part->area.x0, row = y / image->step_y[index] - part->area.y0;
  int32_t width = onnxc_width(&part->area), height = onnxc_height(&part->area), most = (1 << image->depth[index]) - 1;
  if (width == 0 || height == 0) return 0;
  column = column < 0 ? 0 : column >= width ? width - 1 : column;
  row = row < 0 ? 0 : row >= height ? height - 1 : row;
  const onnxc_j2k_cell *cell = &part->cells[(size_t)row * (size_t)width + (size_t)column];
  int64_t value =
      (int64_t)(part->coding->is_reversible ? cell->i : rounded(cell->f)) + (1 << (image->depth[index] - 1));
  return (uint32_t)(value < 0 ? 0 : value > most ? most : value);
}

/* A value of some bits, brought to 8. */
static uint8_t level(uint32_t value, uint32_t depth) {
  return (uint8_t)(depth >= 8 ? value >> (depth - 8) : value * 255 / ((1U << depth) - 1));
}

static uint8_t channel_level(const jp2 *file, const onnxc_j2k_tile *tile, uint32_t index, int32_t x, int32_t y) {
  const channel *own = &file->channels[index];
  uint32_t value = sample(&file->image, tile, own->component, x, y);
  if (own->column < 0) return level(value, file->image.depth[own->component]);
  if (value >= file->entries) value = file->entries - 1;
  const uint8_t *entry =
      file->palette.at + value * column_offset(file, file->columns) + column_offset(file, (uint32_t)own->column);
  uint32_t depth = (file->depths.at[own->column] & 127U) + 1;
  return level(depth > 8 ? onnxc_big16(entry) : entry[0], depth);
}

static void put_tile(const jp2 *file, const onnxc_j2k_tile *tile, const onnxc_canvas *canvas) {
  uint32_t count = file->channel_count == 4 && file->space == SPACE_CMYK ? 4 : file->channel_count < 3 ? 1 : 3;
  uint8_t pixel[4];
  for (int32_t y = tile->area.y0; y < tile->area.y1; y++) {
    for (int32_t x = tile->area.x0; x < tile->area.x1; x++) {
      for (uint32_t index = 0; index < count; index++) pixel[index] = channel_level(file, tile, index, x, y);
      if (count == 1) pixel[1] = pixel[2] = pixel[0];
      if (count == 4) onnxc_convert_cmyk(pixel);
      if (count == 3 && file->space == SPACE_SYCC) onnxc_convert_ycc(pixel, ONNXC_JFIF_GREEN);
      onnxc_put(canvas, x - file->image.area.x0, y - file->image.area.y0, pixel[0], pixel[1], pixel[2]);
    }
  }
}

static int decode_tile(const jp2 *file, const tables *shared, uint32_t number, onnxc_work memory) {
  const onnxc_j2k *image = &file->image;
  onnxc_j2k_tile *tile = shared->tile;
  uint32_t next = shared->first_parts[number];
  if (next == 0) return ONNXC_IMAGE_DAMAGED;
  while (next != 0) {
    onnxc_j2k_part *part = &shared->parts[next - 1];
    ONNXC_TRY(onnxc_j2k_read_part(image, part, &tile->settings));
    if (part->index == 0) ONNXC_TRY(onnxc_j2k_lay_out(image, number, tile, &memory));
    ONNXC_TRY(onnxc_j2k_read_packets(image, tile, onnxc_part(image->stream, part->data, part->end - part->data)));
    next = part->next;
  }
  for (uint32_t index = 0; index < image->count; index++) {
    decode_blocks(tile, &tile->components[index], shared->scratch);
    onnxc_j2k_transform(&tile->components[index], shared->scratch->line);
  }
  return tile->settings.mixes ? unmix(tile) : ONNXC_IMAGE_OK;
}

int onnxc_jp2_measure(onnxc_span bytes, onnxc_measure *measure) {
  jp2 file;
  tables shared;
  onnxc_work memory = {NULL, 0};
  int64_t part_count, most_bytes;
  int32_t longest;
  ONNXC_TRY(open_file(bytes, &file));
  ONNXC_TRY(onnxc_set_size(measure, onnxc_width(&file.image.area), onnxc_height(&file.image.area)));
  ONNXC_TRY(measure_parts(&file.image, &part_count, &most_bytes, &longest));
  take_tables(&file.image, part_count, longest, &memory, &shared);
  measure->work = memory.used + most_bytes;
  return ONNXC_IMAGE_OK;
}

int onnxc_jp2_decode(onnxc_span bytes, const onnxc_canvas *canvas, uint8_t *work) {
  jp2 file;
  tables shared;
  onnxc_work memory = {work, 0};
  int64_t part_count, most_bytes;
  int32_t longest;
  ONNXC_TRY(open_file(bytes, &file));
  ONNXC_TRY(measure_parts(&file.image, &part_count, &most_bytes, &longest));
  take_tables(&file.image, part_count, longest, &memory, &shared);
  ONNXC_TRY(link_parts(&file.image, &shared));
  for (uint32_t number = 0; number < tile_count(&file.image); number++) {
    ONNXC_TRY(decode_tile(&file, &shared, number, memory));
    put_tile(&file, shared.tile, canvas);
  }
  return ONNXC_IMAGE_OK;
}
