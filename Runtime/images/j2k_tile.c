/* The division of a tile into components, resolutions, bands, precincts and code-blocks (ITU-T T.800, annex B). */
#include "j2k.h"

static int32_t most(int32_t a, int32_t b) { return a > b ? a : b; }

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

/* The part of a tile in the image (B.3). */
static onnxc_rect tile_area(const onnxc_j2k *image, uint32_t number) {
  int64_t x = image->tile_x + (int64_t)(number % (uint32_t)image->across) * image->tile_width;
  int64_t y = image->tile_y + (int64_t)(number / (uint32_t)image->across) * image->tile_height;
  int64_t right = x + image->tile_width, bottom = y + image->tile_height;
  const onnxc_rect area = {most((int32_t)x, image->area.x0), most((int32_t)y, image->area.y0),
                           right < image->area.x1 ? (int32_t)right : image->area.x1,
                           bottom < image->area.y1 ? (int32_t)bottom : image->area.y1};
  return area;
}

static onnxc_rect shrink(const onnxc_rect *area, unsigned bits) {
  const onnxc_rect result = {onnxc_ceil_shift(area->x0, bits), onnxc_ceil_shift(area->y0, bits),
                             onnxc_ceil_shift(area->x1, bits), onnxc_ceil_shift(area->y1, bits)};
  return result;
}

/* The area of a band `level` levels down (equation B-15). */
static onnxc_rect band_area(const onnxc_rect *area, int kind, unsigned level) {
  if (level == 0) return *area;
  int64_t x = kind & 1 ? (int64_t)1 << (level - 1) : 0, y = kind & 2 ? (int64_t)1 << (level - 1) : 0;
  const onnxc_rect result = {onnxc_ceil_shift(area->x0 - x, level), onnxc_ceil_shift(area->y0 - y, level),
                             onnxc_ceil_shift(area->x1 - x, level), onnxc_ceil_shift(area->y1 - y, level)};
  return result;
}

/* The step of quantization of a band and the bits of its coefficients (equations E-2 to E-5). The gain of bands is left
 * to the transform. */
static int set_step(onnxc_j2k_band *band, const onnxc_j2k_coding *coding, uint32_t depth, uint32_t resolution) {
  uint32_t index = resolution == 0 ? 0 : 3 * (resolution - 1) + (uint32_t)band->kind;
  if (coding->quantization != 1 && index >= coding->step_count) return ONNXC_IMAGE_DAMAGED;
  uint32_t step = coding->steps[coding->quantization == 1 ? 0 : index], exponent = step >> 11;
  if (coding->quantization == 1 && resolution > 0)
    exponent = exponent > resolution - 1 ? exponent - (resolution - 1) : 0;
  band->planes = coding->guard_bits + exponent == 0 ? 0 : coding->guard_bits + exponent - 1;
  band->planes += coding->shift;
  if (band->planes > ONNXC_J2K_PLANES) return ONNXC_IMAGE_UNSUPPORTED;
  double scale = 1 + (step & 2047) / 2048.0;
  for (uint32_t bit = exponent; bit < depth; bit++) scale *= 2;
  for (uint32_t bit = depth; bit < exponent; bit++) scale /= 2;
  band->step = (float)scale;
  return ONNXC_IMAGE_OK;
}

/* Lays out a band's grid of code-blocks (B.7). */
static void set_grid(onnxc_j2k_band *band, const onnxc_j2k_coding *coding, const onnxc_j2k_resolution *resolution,
                     int is_split) {
  band->precinct_width = resolution->precinct_width - (is_split ? 1 : 0);
  band->precinct_height = resolution->precinct_height - (is_split ? 1 : 0);
  band->block_width = coding->block_width < band->precinct_width ? coding->block_width : band->precinct_width;
  band->block_height = coding->block_height < band->precinct_height ? coding->block_height : band->precinct_height;
  band->grid_x = band->area.x0 >> band->block_width;
  band->grid_y = band->area.y0 >> band->block_height;
  band->grid_width =
      onnxc_width(&band->area) == 0 ? 0 : onnxc_ceil_shift(band->area.x1, band->block_width) - band->grid_x;
  band->grid_height =
      onnxc_height(&band->area) == 0 ? 0 : onnxc_ceil_shift(band->area.y1, band->block_height) - band->grid_y;
}

static void set_precincts(onnxc_j2k_resolution *resolution) {
  const onnxc_rect *area = &resolution->area;
  resolution->first_x = area->x0 >> resolution->precinct_width;
  resolution->first_y = area->y0 >> resolution->precinct_height;
  resolution->across =
      onnxc_width(area) == 0 ? 0 : onnxc_ceil_shift(area->x1, resolution->precinct_width) - resolution->first_x;
  resolution->down =
      onnxc_height(area) == 0 ? 0 : onnxc_ceil_shift(area->y1, resolution->precinct_height) - resolution->first_y;
}

/* Counts of what needs memory in a tile. */
typedef struct {
  int64_t nodes, chunks;
} counts;

/* Takes the memory of a band; a tree has less than 2 nodes for each block and one for each level. */
static void take_band(onnxc_j2k_band *band, const onnxc_j2k_tile *tile, const onnxc_j2k_coding *coding,
                      int64_t precincts, onnxc_work *memory, counts *sums) {
  int64_t blocks = (int64_t)band->grid_width * band->grid_height;
  int is_split = (coding->style & (ONNXC_J2K_BYPASS | ONNXC_J2K_TERMINATE)) != 0;
  int64_t each = is_split || tile->settings.layers > ONNXC_J2K_PASSES ? ONNXC_J2K_PASSES : tile->settings.layers;
  band->blocks = onnxc_take(memory, blocks * (int64_t)sizeof *band->blocks);
  band->trees = onnxc_take(memory, precincts * (int64_t)sizeof *band->trees);
  if (band->blocks != NULL) memset(band->blocks, 0, (size_t)blocks * sizeof *band->blocks);
  sums->nodes += 2 * (2 * blocks + 14 * precincts);
  sums->chunks += blocks * each;
}

static int lay_out_resolution(onnxc_j2k_component *part, uint32_t number, const onnxc_j2k_tile *tile, uint32_t depth,
                              onnxc_work *memory, counts *sums) {
  const onnxc_j2k_coding *coding = part->coding;
  onnxc_j2k_resolution *resolution = &part->resolutions[number];
  unsigned level = coding->levels - number;
  resolution->area = shrink(&part->area, level);
  resolution->precinct_width = coding->precinct_width[number];
  resolution->precinct_height = coding->precinct_height[number];
  resolution->band_count = number == 0 ? 1 : 3;
  set_precincts(resolution);
  int64_t precincts = (int64_t)resolution->across * resolution->down;
  if (precincts > ONNXC_IMAGE_PIXELS) return ONNXC_IMAGE_UNSUPPORTED;
  resolution->layers = onnxc_take(memory, precincts * (int64_t)sizeof *resolution->layers);
  if (resolution->layers != NULL) memset(resolution->layers, 0, (size_t)precincts * sizeof *resolution->layers);
  for (int index = 0; index < resolution->band_count; index++) {
    onnxc_j2k_band *band = &resolution->bands[index];
    band->kind = number == 0 ? 0 : index + 1;
    band->area = band_area(&part->area, band->kind, number == 0 ? level : level + 1);
    band->left = band->kind & 1 ? onnxc_width(&part->resolutions[number - 1].area) : 0;
    band->top = band->kind & 2 ? onnxc_height(&part->resolutions[number - 1].area) : 0;
    ONNXC_TRY(set_step(band, coding, depth, number));
    set_grid(band, coding, resolution, number > 0);
    take_band(band, tile, coding, precincts, memory, sums);
  }
  return ONNXC_IMAGE_OK;
}

onnxc_rect onnxc_j2k_precinct(const onnxc_j2k_resolution *resolution, const onnxc_j2k_band *band, int32_t x,
                              int32_t y) {
  unsigned across = band->precinct_width - band->block_width, down = band->precinct_height - band->block_height;
  int64_t first_x = ((int64_t)(resolution->first_x + x) << across) - band->grid_x;
  int64_t first_y = ((int64_t)(resolution->first_y + y) << down) - band->grid_y;
  int64_t last_x = first_x + ((int64_t)1 << across), last_y = first_y + ((int64_t)1 << down);
  const onnxc_rect blocks = {first_x < 0 ? 0 : least((int32_t)first_x, band->grid_width),
                             first_y < 0 ? 0 : least((int32_t)first_y, band->grid_height),
                             last_x < band->grid_width ? (int32_t)last_x : band->grid_width,
                             last_y < band->grid_height ? (int32_t)last_y : band->grid_height};
  return blocks;
}

uint32_t onnxc_j2k_tree_nodes(int32_t width, int32_t height) {
  uint32_t count = 0;
  if (width < 1 || height < 1) return 0;
  for (;; width = (width + 1) / 2, height = (height + 1) / 2) {
    count += (uint32_t)width * (uint32_t)height;
    if (width == 1 && height == 1) return count;
  }
}

/* Gives the precincts of a band the places of their trees. */
static void place_trees(onnxc_j2k_tile *tile, const onnxc_j2k_resolution *resolution, onnxc_j2k_band *band) {
  for (int32_t y = 0; y < resolution->down; y++) {
    for (int32_t x = 0; x < resolution->across; x++) {
      onnxc_rect blocks = onnxc_j2k_precinct(resolution, band, x, y);
      band->trees[(size_t)y * (size_t)resolution->across + (size_t)x] = tile->node_count;
      tile->node_count += 2 * onnxc_j2k_tree_nodes(onnxc_width(&blocks), onnxc_height(&blocks));
    }
  }
}

static void place_all_trees(onnxc_j2k_tile *tile) {
  for (uint32_t index = 0; index < tile->count; index++) {
    onnxc_j2k_component *part = &tile->components[index];
    for (uint32_t number = 0; number <= part->coding->levels; number++) {
      onnxc_j2k_resolution *resolution = &part->resolutions[number];
      for (int band = 0; band < resolution->band_count; band++) place_trees(tile, resolution, &resolution->bands[band]);
    }
  }
}

int onnxc_j2k_lay_out(const onnxc_j2k *image, uint32_t number, onnxc_j2k_tile *tile, onnxc_work *memory) {
  counts sums = {0, 0};
  tile->area = tile_area(image, number);
  tile->count = image->count;
  tile->node_count = 0;
  tile->chunk_count = 0;
  for (uint32_t index = 0; index < image->count; index++) {
    onnxc_j2k_component *part = &tile->components[index];
    int32_t step_x = image->step_x[index], step_y = image->step_y[index];
    part->coding = &tile->settings.codings[index];
    part->area.x0 = onnxc_ceil_divide(tile->area.x0, step_x);
    part->area.y0 = onnxc_ceil_divide(tile->area.y0, step_y);
    part->area.x1 = onnxc_ceil_divide(tile->area.x1, step_x);
    part->area.y1 = onnxc_ceil_divide(tile->area.y1, step_y);
    size_t cells = (size_t)onnxc_width(&part->area) * (size_t)onnxc_height(&part->area);
    part->cells = onnxc_take(memory, (int64_t)(cells * sizeof *part->cells));
    if (part->cells != NULL) memset(part->cells, 0, cells * sizeof *part->cells);
    for (uint32_t level = 0; level <= part->coding->levels; level++) {
      ONNXC_TRY(lay_out_resolution(part, level, tile, image->depth[index], memory, &sums));
    }
  }
  if (sums.nodes > INT32_MAX || sums.chunks > INT32_MAX) return ONNXC_IMAGE_UNSUPPORTED;
  tile->most_chunks = (uint32_t)sums.chunks;
  tile->chunks = onnxc_take(memory, sums.chunks * (int64_t)sizeof *tile->chunks);
  tile->nodes = onnxc_take(memory, sums.nodes * (int64_t)sizeof *tile->nodes);
  if (tile->nodes == NULL) return ONNXC_IMAGE_OK;
  memset(tile->nodes, 0, (size_t)sums.nodes * sizeof *tile->nodes);
  place_all_trees(tile);
  return ONNXC_IMAGE_OK;
}
