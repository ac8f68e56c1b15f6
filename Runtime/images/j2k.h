/* What the parts of the JPEG 2000 decoder share (ITU-T T.800). */
#ifndef ONNXC_IMAGES_J2K_H
#define ONNXC_IMAGES_J2K_H

#include "internal.h"

enum {
  ONNXC_J2K_COMPONENTS = 4,
  ONNXC_J2K_LEVELS = 32,
  ONNXC_J2K_BANDS = 3 * ONNXC_J2K_LEVELS + 1,
  ONNXC_J2K_ORDERS = 64
};

/* Bits of a coefficient, and passes of coding that they need at most. */
enum { ONNXC_J2K_PLANES = 30, ONNXC_J2K_PASSES = 3 * ONNXC_J2K_PLANES - 2 };

/* Rows or columns that a wavelet transform takes at the same time. */
enum { ONNXC_J2K_LANES = 8 };

/* Styles of code-blocks (table A.19). */
enum {
  ONNXC_J2K_BYPASS = 1,
  ONNXC_J2K_RESET = 2,
  ONNXC_J2K_TERMINATE = 4,
  ONNXC_J2K_CAUSAL = 8,
  ONNXC_J2K_SYMBOLS = 32
};

/* From the first coordinate up to the second one. */
typedef struct {
  int32_t x0, y0, x1, y1;
} onnxc_rect;

/* How a component is coded: COD or COC, QCD or QCC, RGN. */
typedef struct {
  uint32_t levels, block_width, block_height, style;
  int is_reversible, has_own_coding, has_own_steps;
  /* Powers of 2, for each resolution. */
  uint8_t precinct_width[ONNXC_J2K_LEVELS + 1], precinct_height[ONNXC_J2K_LEVELS + 1];
  uint32_t quantization, guard_bits, step_count, shift;
  uint16_t steps[ONNXC_J2K_BANDS];
} onnxc_j2k_coding;

/* An order of packets and what it covers (A.6.6). */
typedef struct {
  uint32_t order, first_resolution, last_resolution, first_component, last_component, layers;
} onnxc_j2k_order;

typedef struct {
  uint32_t order, layers, order_count;
  int mixes;
  onnxc_j2k_order orders[ONNXC_J2K_ORDERS];
  onnxc_j2k_coding codings[ONNXC_J2K_COMPONENTS];
} onnxc_j2k_settings;

/* A tile-part: where its data are and the next one of its tile. */
typedef struct {
  size_t header, data, end;
  /* Its place among those of the tile. */
  uint32_t index;
  /* The number of the tile's next part, from 1 on. */
  uint32_t next;
} onnxc_j2k_part;

typedef struct {
  onnxc_span stream;
  onnxc_rect area;
  int32_t tile_x, tile_y, tile_width, tile_height, across, down;
  uint32_t count;
  uint32_t depth[ONNXC_J2K_COMPONENTS];
  int is_signed[ONNXC_J2K_COMPONENTS];
  int32_t step_x[ONNXC_J2K_COMPONENTS], step_y[ONNXC_J2K_COMPONENTS];
  onnxc_j2k_settings settings;
  /* Where tile-parts begin. */
  size_t first_part;
} onnxc_j2k;

/* A run of bytes of a code-block that holds some passes. */
typedef struct {
  const uint8_t *at;
  uint32_t count, next;
  uint8_t passes;
  /* Whether the next run begins a segment of its own. */
  uint8_t ends_segment;
} onnxc_j2k_chunk;

typedef struct {
  uint32_t first_chunk, last_chunk;
  uint8_t is_included, length_bits, empty_planes, passes;
} onnxc_j2k_block;

/* A node of a tag tree (B.10.2): what is known of its value. */
typedef struct {
  uint16_t value;
  uint8_t is_known;
} onnxc_j2k_node;

/* A coefficient, or a sample. */
typedef union {
  int32_t i;
  float f;
} onnxc_j2k_cell;

typedef struct {
  onnxc_rect area;
  /* 1 for HL, 2 for LH, 3 for HH, 0 for LL. */
  int kind;
  uint32_t planes;
  float step;
  /* Code-blocks are numbered across the band; the first one's place, in blocks. */
  int32_t grid_x, grid_y, grid_width, grid_height;
  unsigned block_width, block_height;
  /* Precincts, as powers of 2. */
  unsigned precinct_width, precinct_height;
  /* Where the band lies among the cells of the component. */
  int32_t left, top;
  onnxc_j2k_block *blocks;
  /* Two trees for each precinct begin here. */
  uint32_t *trees;
} onnxc_j2k_band;

typedef struct {
  onnxc_rect area;
  unsigned precinct_width, precinct_height;
  int32_t first_x, first_y, across, down;
  int band_count;
  onnxc_j2k_band bands[3];
  /* For each precinct, the layer that comes next. */
  uint16_t *layers;
} onnxc_j2k_resolution;

typedef struct {
  onnxc_rect area;
  const onnxc_j2k_coding *coding;
  onnxc_j2k_resolution resolutions[ONNXC_J2K_LEVELS + 1];
  onnxc_j2k_cell *cells;
} onnxc_j2k_component;

typedef struct {
  onnxc_rect area;
  onnxc_j2k_settings settings;
  uint32_t count;
  onnxc_j2k_component components[ONNXC_J2K_COMPONENTS];
  onnxc_j2k_node *nodes;
  onnxc_j2k_chunk *chunks;
  uint32_t node_count, chunk_count, most_chunks;
} onnxc_j2k_tile;

/* Memory for one code-block and for a row or column of a wavelet transform. */
typedef struct {
  /* Magnitudes times 2, and what is known of samples, with a border of one. */
  uint32_t magnitudes[4096];
  uint8_t flags[8192];
  uint8_t *data;
  onnxc_j2k_cell *line;
} onnxc_j2k_scratch;

static inline int32_t onnxc_ceil_shift(int64_t value, unsigned bits) {
  return (int32_t)((value + (((int64_t)1 << bits) - 1)) >> bits);
}

static inline int32_t onnxc_ceil_divide(int64_t value, int64_t by) { return (int32_t)((value + by - 1) / by); }

static inline int32_t onnxc_width(const onnxc_rect *area) { return area->x1 > area->x0 ? area->x1 - area->x0 : 0; }

static inline int32_t onnxc_height(const onnxc_rect *area) { return area->y1 > area->y0 ? area->y1 - area->y0 : 0; }

/* Reads the main header (annex A). */
int onnxc_j2k_open(onnxc_span stream, onnxc_j2k *image);

/* Gives the tile-part at `*place`, which moves behind it, and the number of its tile; `*found` is 0 behind the last
 * one. */
int onnxc_j2k_next_part(const onnxc_j2k *image, size_t *place, onnxc_j2k_part *part, uint32_t *tile, int *found);

/* Reads the header of a tile-part into the settings of its tile, which the first one of a tile takes from the image,
 * and finds its data. */
int onnxc_j2k_read_part(const onnxc_j2k *image, onnxc_j2k_part *part, onnxc_j2k_settings *settings);

/* Lays out a tile whose settings are known and takes its memory (annex B). */
int onnxc_j2k_lay_out(const onnxc_j2k *image, uint32_t number, onnxc_j2k_tile *tile, onnxc_work *memory);

/* The blocks of a precinct in a band, in numbers of the band's grid. */
onnxc_rect onnxc_j2k_precinct(const onnxc_j2k_resolution *resolution, const onnxc_j2k_band *band, int32_t x, int32_t y);

/* The nodes of a tag tree. */
uint32_t onnxc_j2k_tree_nodes(int32_t width, int32_t height);

/* Reads the packets in the data of a tile-part. */
int onnxc_j2k_read_packets(const onnxc_j2k *image, onnxc_j2k_tile *tile, onnxc_span data);

/* Decodes a code-block into the cells of its component (annex D). */
void onnxc_j2k_decode_block(const onnxc_j2k_tile *tile, const onnxc_j2k_component *part, const onnxc_j2k_band *band,
                            int32_t grid_x, int32_t grid_y, onnxc_j2k_scratch *scratch);

/* Undoes the wavelet transform of a component (annex F). */
void onnxc_j2k_transform(const onnxc_j2k_component *part, onnxc_j2k_cell *line);

#endif
