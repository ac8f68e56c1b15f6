/* The packets of a tile: which passes of which code-blocks they bring (ITU-T T.800, B.9 to B.12). */
#include "j2k.h"

/* Bits of a packet header; a byte of ones is followed by one of 7 bits (B.10.1). */
typedef struct {
  onnxc_span rest;
  uint32_t byte;
  unsigned count;
  int is_past_end;
} header_bits;

static void next_byte(header_bits *bits) {
  bits->count = bits->byte == 0xff ? 7 : 8;
  bits->byte = 0;
  if (bits->rest.count == 0) {
    bits->is_past_end = 1;
    return;
  }
  bits->byte = *bits->rest.at++;
  bits->rest.count--;
}

static uint32_t take(header_bits *bits, unsigned count) {
  uint32_t value = 0;
  for (; count > 0; count--) {
    if (bits->count == 0) next_byte(bits);
    bits->count--;
    value = value << 1 | (bits->byte >> bits->count & 1);
  }
  return value;
}

/* Goes to the end of the header, which is not a byte of ones. */
static void finish(header_bits *bits) {
  bits->count = 0;
  if (bits->byte == 0xff) next_byte(bits);
}

/* Trees of a precinct, and the extents of their leaves. */
typedef struct {
  onnxc_j2k_node *nodes;
  int32_t width, height;
} tag_tree;

/* Whether the value of a leaf is below a threshold; reads no more than that needs (B.10.2). */
static int is_below(header_bits *bits, const tag_tree *tree, int32_t x, int32_t y, uint32_t threshold,
                    uint32_t *value) {
  onnxc_j2k_node *path[32];
  int depth = 0;
  onnxc_j2k_node *level = tree->nodes;
  for (int32_t width = tree->width, height = tree->height;;) {
    path[depth++] = level + (size_t)y * (size_t)width + (size_t)x;
    if (width == 1 && height == 1) break;
    level += (size_t)width * (size_t)height;
    width = (width + 1) / 2, height = (height + 1) / 2;
    x /= 2, y /= 2;
  }
  uint32_t low = 0;
  while (depth-- > 0) {
    onnxc_j2k_node *node = path[depth];
    if (node->value < low) node->value = (uint16_t)low;
    while (node->value < threshold && !node->is_known && !bits->is_past_end) {
      if (take(bits, 1)) {
        node->is_known = 1;
      } else {
        node->value++;
      }
    }
    low = node->value;
  }
  *value = low;
  return path[0]->is_known && low < threshold;
}

/* The number of passes that a packet brings (table B.4). */
static uint32_t take_passes(header_bits *bits) {
  if (!take(bits, 1)) return 1;
  if (!take(bits, 1)) return 2;
  uint32_t value = take(bits, 2);
  if (value < 3) return 3 + value;
  value = take(bits, 5);
  if (value < 31) return 6 + value;
  return 37 + take(bits, 7);
}

/* How many passes from number `pass` on belong to one segment of bytes (D.4.2, D.6). */
static uint32_t segment_passes(uint32_t style, uint32_t pass) {
  if (style & ONNXC_J2K_TERMINATE) return 1;
  if (!(style & ONNXC_J2K_BYPASS)) return ONNXC_J2K_PASSES + 1;
  if (pass < 10) return 10 - pass;
  return (pass - 10) % 3 == 2 ? 1 : 2 - (pass - 10) % 3;
}

static unsigned logarithm(uint32_t value) {
  unsigned result = 0;
  while (value >>= 1) result++;
  return result;
}

/* Appends a run of bytes to a block; the bytes follow once the header was read. */
static int add_chunk(onnxc_j2k_tile *tile, onnxc_j2k_block *block, uint32_t passes, uint32_t count, int ends_segment) {
  if (tile->chunk_count == tile->most_chunks) return ONNXC_IMAGE_DAMAGED;
  onnxc_j2k_chunk *chunk = &tile->chunks[tile->chunk_count++];
  chunk->at = NULL;
  chunk->count = count;
  chunk->next = 0;
  chunk->passes = (uint8_t)passes;
  chunk->ends_segment = (uint8_t)ends_segment;
  if (block->last_chunk != 0) tile->chunks[block->last_chunk - 1].next = tile->chunk_count;
  if (block->first_chunk == 0) block->first_chunk = tile->chunk_count;
  block->last_chunk = tile->chunk_count;
  return ONNXC_IMAGE_OK;
}

/* Lengths of the segments of a block's passes (B.10.7). */
static int read_lengths(header_bits *bits, onnxc_j2k_tile *tile, uint32_t style, uint32_t most,
                        onnxc_j2k_block *block) {
  uint32_t passes = take_passes(bits);
  while (take(bits, 1)) {
    if (++block->length_bits > 31 || bits->is_past_end) return ONNXC_IMAGE_DAMAGED;
  }
  if (block->passes + passes > most) return ONNXC_IMAGE_DAMAGED;
  while (passes > 0) {
    uint32_t room = segment_passes(style, block->passes), own = passes < room ? passes : room;
    unsigned width = block->length_bits + logarithm(own);
    if (width > 31) return ONNXC_IMAGE_DAMAGED;
    ONNXC_TRY(add_chunk(tile, block, own, take(bits, width), own == room));
    block->passes = (uint8_t)(block->passes + own);
    passes -= own;
  }
  return ONNXC_IMAGE_OK;
}

/* What a packet says of a code-block. */
static int read_block(header_bits *bits, onnxc_j2k_tile *tile, const onnxc_j2k_coding *coding,
                      const onnxc_j2k_band *band, const tag_tree *trees, int32_t x, int32_t y, uint32_t layer,
                      onnxc_j2k_block *block) {
  uint32_t value;
  if (block->is_included) {
    if (!take(bits, 1)) return ONNXC_IMAGE_OK;
  } else {
    if (!is_below(bits, &trees[0], x, y, layer + 1, &value)) return ONNXC_IMAGE_OK;
    block->is_included = 1;
    block->length_bits = 3;
    if (!is_below(bits, &trees[1], x, y, band->planes + 1, &value)) return ONNXC_IMAGE_DAMAGED;
    block->empty_planes = (uint8_t)value;
  }
  if (block->empty_planes >= band->planes) return ONNXC_IMAGE_DAMAGED;
  return read_lengths(bits, tile, coding->style, 3 * (band->planes - block->empty_planes) - 2, block);
}

/* A packet: one precinct of a resolution in one layer. */
typedef struct {
  onnxc_j2k_tile *tile;
  onnxc_j2k_component *part;
  onnxc_j2k_resolution *resolution;
  int32_t x, y;
  uint32_t layer;
} packet;

static int read_band(header_bits *bits, const packet *from, const onnxc_j2k_band *band) {
  onnxc_rect blocks = onnxc_j2k_precinct(from->resolution, band, from->x, from->y);
  int32_t width = onnxc_width(&blocks), height = onnxc_height(&blocks);
  if (width == 0 || height == 0) return ONNXC_IMAGE_OK;
  onnxc_j2k_node *nodes =
      from->tile->nodes + band->trees[(size_t)from->y * (size_t)from->resolution->across + (size_t)from->x];
  const tag_tree trees[2] = {{nodes, width, height}, {nodes + onnxc_j2k_tree_nodes(width, height), width, height}};
  for (int32_t y = 0; y < height; y++) {
    for (int32_t x = 0; x < width; x++) {
      size_t place = (size_t)(blocks.y0 + y) * (size_t)band->grid_width + (size_t)(blocks.x0 + x);
      ONNXC_TRY(read_block(bits, from->tile, from->part->coding, band, trees, x, y, from->layer, &band->blocks[place]));
      if (bits->is_past_end) return ONNXC_IMAGE_DAMAGED;
    }
  }
  return ONNXC_IMAGE_OK;
}

/* Goes past a marker and its body, which may be left out. */
static void skip_marker(onnxc_span *data, uint32_t marker, size_t bytes) {
  if (data->count >= bytes && onnxc_big16(data->at) == marker) *data = onnxc_part(*data, bytes, data->count);
}

static int read_packet(const packet *from, onnxc_span *data) {
  onnxc_j2k_tile *tile = from->tile;
  uint32_t first = tile->chunk_count;
  skip_marker(data, 0xff91, 6);
  header_bits bits = {*data, 0, 0, 0};
  if (take(&bits, 1)) {
    for (int band = 0; band < from->resolution->band_count; band++) {
      ONNXC_TRY(read_band(&bits, from, &from->resolution->bands[band]));
    }
  }
  finish(&bits);
  if (bits.is_past_end) return ONNXC_IMAGE_DAMAGED;
  *data = bits.rest;
  skip_marker(data, 0xff92, 2);
  for (uint32_t index = first; index < tile->chunk_count; index++) {
    onnxc_j2k_chunk *chunk = &tile->chunks[index];
    if (chunk->count > data->count) return ONNXC_IMAGE_DAMAGED;
    chunk->at = data->at;
    *data = onnxc_part(*data, chunk->count, data->count);
  }
  return ONNXC_IMAGE_OK;
}

/* Where in an order of packets a tile is. */
typedef struct {
  const onnxc_j2k *image;
  onnxc_j2k_tile *tile;
  const onnxc_j2k_order *order;
  onnxc_span *data;
} progress;

/* Reads the packet of a precinct in a layer, unless it was read. */
static int visit(const progress *at, uint32_t component, uint32_t resolution, size_t precinct, uint32_t layer) {
  onnxc_j2k_component *part = &at->tile->components[component];
  onnxc_j2k_resolution *own = &part->resolutions[resolution];
  if (at->data->count == 0 || own->layers[precinct] != layer) return ONNXC_IMAGE_OK;
  own->layers[precinct]++;
  const packet from = {
      at->tile, part, own, (int32_t)(precinct % (size_t)own->across), (int32_t)(precinct / (size_t)own->across), layer};
  return read_packet(&from, at->data);
}

static uint32_t last_component(const progress *at) {
  return at->order->last_component < at->tile->count ? at->order->last_component : at->tile->count;
}

/* One more than the last resolution of a component that the order covers. */
static uint32_t last_resolution(const progress *at, uint32_t component) {
  uint32_t levels = at->tile->components[component].coding->levels + 1;
  return at->order->last_resolution < levels ? at->order->last_resolution : levels;
}

static uint32_t layers_of(const progress *at) {
  return at->order->layers < at->tile->settings.layers ? at->order->layers : at->tile->settings.layers;
}

/* All precincts of a resolution of all components in a layer. */
static int visit_resolution(const progress *at, uint32_t resolution, uint32_t layer) {
  for (uint32_t component = at->order->first_component; component < last_component(at); component++) {
    if (resolution >= last_resolution(at, component)) continue;
    const onnxc_j2k_resolution *own = &at->tile->components[component].resolutions[resolution];
    size_t count = (size_t)own->across * (size_t)own->down;
    for (size_t precinct = 0; precinct < count && at->data->count > 0; precinct++) {
      ONNXC_TRY(visit(at, component, resolution, precinct, layer));
    }
  }
  return ONNXC_IMAGE_OK;
}

/* Layer, resolution, component, position; or resolution first. */
static int visit_by_quality(const progress *at, int is_layer_first) {
  uint32_t layers = layers_of(at), first = at->order->first_resolution, last = at->order->last_resolution;
  if (last > ONNXC_J2K_LEVELS + 1) last = ONNXC_J2K_LEVELS + 1;
  if (last <= first) return ONNXC_IMAGE_OK;
  uint32_t resolutions = last - first;
  for (uint32_t index = 0; index < layers * resolutions && at->data->count > 0; index++) {
    uint32_t layer = is_layer_first ? index / resolutions : index % layers;
    uint32_t resolution = first + (is_layer_first ? index % resolutions : index / layers);
    ONNXC_TRY(visit_resolution(at, resolution, layer));
  }
  return ONNXC_IMAGE_OK;
}

/* Reads all layers of the precinct that begins at a position of the reference grid, if one does (B.12.1.3). */
static int visit_position(const progress *at, uint32_t component, uint32_t resolution, int32_t x, int32_t y) {
  const onnxc_j2k_component *part = &at->tile->components[component];
  const onnxc_j2k_resolution *own = &part->resolutions[resolution];
  unsigned level = part->coding->levels - resolution;
  int64_t step_x = at->image->step_x[component], step_y = at->image->step_y[component];
  if (own->across == 0 || own->down == 0) return ONNXC_IMAGE_OK;
  int64_t width = step_x << (own->precinct_width + level), height = step_y << (own->precinct_height + level);
  int begins_y = y % height == 0 || (y == at->tile->area.y0 && (((int64_t)own->area.y0 << level) %
                                                                ((int64_t)1 << (own->precinct_height + level))) != 0);
  int begins_x = x % width == 0 || (x == at->tile->area.x0 && (((int64_t)own->area.x0 << level) %
                                                               ((int64_t)1 << (own->precinct_width + level))) != 0);
  if (!begins_x || !begins_y) return ONNXC_IMAGE_OK;
  int64_t column = (onnxc_ceil_divide(x, step_x << level) >> own->precinct_width) - own->first_x;
  int64_t row = (onnxc_ceil_divide(y, step_y << level) >> own->precinct_height) - own->first_y;
  if (column < 0 || column >= own->across || row < 0 || row >= own->down) return ONNXC_IMAGE_OK;
  for (uint32_t layer = 0; layer < layers_of(at); layer++) {
    ONNXC_TRY(visit(at, component, resolution, (size_t)row * (size_t)own->across + (size_t)column, layer));
    if (at->data->count == 0) break;
  }
  return ONNXC_IMAGE_OK;
}

/* The components and resolutions that an order by position goes through at each one. */
typedef struct {
  uint32_t first_component, last_component, first_resolution, last_resolution;
} part_range;

/* The smallest steps between the precincts of a range. */
static void find_steps(const progress *at, const part_range *range, int64_t *step_x, int64_t *step_y) {
  *step_x = *step_y = (int64_t)1 << 40;
  for (uint32_t component = range->first_component; component < range->last_component; component++) {
    const onnxc_j2k_component *part = &at->tile->components[component];
    for (uint32_t number = range->first_resolution; number < range->last_resolution && number <= part->coding->levels;
         number++) {
      const onnxc_j2k_resolution *own = &part->resolutions[number];
      unsigned level = part->coding->levels - number;
      int64_t width = (int64_t)at->image->step_x[component] << (own->precinct_width + level);
      int64_t height = (int64_t)at->image->step_y[component] << (own->precinct_height + level);
      if (width < *step_x) *step_x = width;
      if (height < *step_y) *step_y = height;
    }
  }
}

/* Goes through the positions of a tile and, at each, through a range of components and resolutions. */
static int visit_positions(const progress *at, const part_range *range) {
  const onnxc_rect *area = &at->tile->area;
  int64_t step_x, step_y;
  find_steps(at, range, &step_x, &step_y);
  for (int64_t y = area->y0; y < area->y1; y += step_y - y % step_y) {
    for (int64_t x = area->x0; x < area->x1 && at->data->count > 0; x += step_x - x % step_x) {
      for (uint32_t component = range->first_component; component < range->last_component; component++) {
        uint32_t last = last_resolution(at, component);
        for (uint32_t number = range->first_resolution; number < range->last_resolution && number < last; number++) {
          ONNXC_TRY(visit_position(at, component, number, (int32_t)x, (int32_t)y));
        }
      }
    }
  }
  return ONNXC_IMAGE_OK;
}

/* Resolution, position, component. */
static int visit_by_resolution(const progress *at, part_range range) {
  uint32_t last = range.last_resolution < ONNXC_J2K_LEVELS + 1 ? range.last_resolution : ONNXC_J2K_LEVELS + 1;
  for (uint32_t number = range.first_resolution; number < last; number++) {
    range.first_resolution = number;
    range.last_resolution = number + 1;
    ONNXC_TRY(visit_positions(at, &range));
  }
  return ONNXC_IMAGE_OK;
}

/* Component, position, resolution. */
static int visit_by_component(const progress *at, part_range range) {
  uint32_t last = range.last_component;
  for (uint32_t component = range.first_component; component < last; component++) {
    range.first_component = component;
    range.last_component = component + 1;
    ONNXC_TRY(visit_positions(at, &range));
  }
  return ONNXC_IMAGE_OK;
}

static int follow(const progress *at) {
  const part_range range = {at->order->first_component, last_component(at), at->order->first_resolution,
                            at->order->last_resolution};
  switch (at->order->order) {
    case 0: return visit_by_quality(at, 1);
    case 1: return visit_by_quality(at, 0);
    case 2: return visit_by_resolution(at, range);
    case 3: return visit_positions(at, &range);
    default: return visit_by_component(at, range);
  }
}

int onnxc_j2k_read_packets(const onnxc_j2k *image, onnxc_j2k_tile *tile, onnxc_span data) {
  const onnxc_j2k_settings *settings = &tile->settings;
  const onnxc_j2k_order whole = {settings->order, 0, ONNXC_J2K_LEVELS + 1, 0, tile->count, settings->layers};
  for (uint32_t index = 0; index < settings->order_count || index == 0; index++) {
    const onnxc_j2k_order *order = settings->order_count == 0 ? &whole : &settings->orders[index];
    const progress at = {image, tile, order, &data};
    ONNXC_TRY(follow(&at));
  }
  return ONNXC_IMAGE_OK;
}
