/* Portable Network Graphics (RFC 2083), all colour types and depths. Transparency is dropped. */
#include "huffman.h"

enum { GRAY = 0, TRUECOLOUR = 2, PALETTE = 3, GRAY_ALPHA = 4, TRUECOLOUR_ALPHA = 6 };

typedef struct {
  int32_t width, height;
  uint32_t depth, type;
  int is_interlaced;
  size_t channels;
} header;

typedef struct {
  /* First column and row, and the steps between columns and rows. */
  int32_t x, y, columns, rows;
} pass;

/* The image as a whole, then the seven parts of an interlaced one (RFC 2083, 2.6). */
static const pass passes[8] = {{0, 0, 1, 1}, {0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8},
                               {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};

/* CRC-32 of RFC 2083, 15, four bits at a time. */
static uint32_t checksum(const uint8_t *data, size_t count) {
  static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                     0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                     0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  uint32_t crc = 0xffffffff;
  for (size_t index = 0; index < count; index++) {
    crc ^= data[index];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return ~crc;
}

/* Finds the chunk of a type at or behind `place`, and the place behind it. A damaged critical chunk ends the search. */
static int find_chunk(onnxc_span file, size_t *place, const char *type, onnxc_span *chunk) {
  while (onnxc_has(file, *place, 12)) {
    size_t count = onnxc_big32(file.at + *place);
    const uint8_t *name = file.at + *place + 4;
    if (!onnxc_has(file, *place + 12, count)) return ONNXC_IMAGE_DAMAGED;
    *place += 12 + count;
    if (memcmp(name, type, 4) != 0) {
      if (memcmp(name, "IEND", 4) == 0) break;
      continue;
    }
    if (checksum(name, 4 + count) != onnxc_big32(name + 4 + count)) return ONNXC_IMAGE_DAMAGED;
    chunk->at = name + 4;
    chunk->count = count;
    return ONNXC_IMAGE_OK;
  }
  return ONNXC_IMAGE_DAMAGED;
}

static int has_valid_depth(const header *head) {
  switch (head->type) {
    case GRAY: return head->depth == 1 || head->depth == 2 || head->depth == 4 || head->depth == 8 || head->depth == 16;
    case PALETTE: return head->depth == 1 || head->depth == 2 || head->depth == 4 || head->depth == 8;
    case TRUECOLOUR:
    case GRAY_ALPHA:
    case TRUECOLOUR_ALPHA: return head->depth == 8 || head->depth == 16;
    default: return 0;
  }
}

static int read_header(onnxc_span file, header *head, onnxc_measure *measure) {
  static const uint8_t channels[7] = {1, 0, 3, 1, 2, 0, 4};
  size_t place = 8;
  onnxc_span chunk;
  ONNXC_TRY(find_chunk(file, &place, "IHDR", &chunk));
  if (chunk.count < 13 || chunk.at[10] != 0 || chunk.at[11] != 0 || chunk.at[12] > 1) return ONNXC_IMAGE_DAMAGED;
  ONNXC_TRY(onnxc_set_size(measure, onnxc_big32(chunk.at), onnxc_big32(chunk.at + 4)));
  head->width = measure->width;
  head->height = measure->height;
  head->depth = chunk.at[8];
  head->type = chunk.at[9];
  head->is_interlaced = chunk.at[12];
  if (!has_valid_depth(head)) return ONNXC_IMAGE_DAMAGED;
  head->channels = channels[head->type];
  return ONNXC_IMAGE_OK;
}

/* How many of `extent` positions from `first` on in steps there are. */
static int32_t steps(int32_t extent, int32_t first, int32_t step) {
  return extent <= first ? 0 : (extent - first - 1) / step + 1;
}

/* Bytes of a row of a pass, without the one that names its filter; 0 if it has no pixels. */
static size_t row_bytes(const header *head, const pass *part) {
  return ((size_t)steps(head->width, part->x, part->columns) * head->channels * head->depth + 7) / 8;
}

static size_t pass_bytes(const header *head, const pass *part) {
  size_t row = row_bytes(head, part);
  return row == 0 ? 0 : (row + 1) * (size_t)steps(head->height, part->y, part->rows);
}

/* Bytes of all rows that are deflated. */
static size_t all_bytes(const header *head) {
  if (!head->is_interlaced) return pass_bytes(head, &passes[0]);
  size_t sum = 0;
  for (size_t index = 1; index < 8; index++) sum += pass_bytes(head, &passes[index]);
  return sum;
}

static int32_t magnitude(int32_t value) { return value < 0 ? -value : value; }

/* The neighbour that is closest to a plane through all three (RFC 2083, 6.6). */
static uint8_t paeth(int32_t left, int32_t up, int32_t corner) {
  int32_t a = magnitude(up - corner), b = magnitude(left - corner), c = magnitude(left + up - 2 * corner);
  return (uint8_t)(a <= b && a <= c ? left : b <= c ? up : corner);
}

/* Undoes the filter of a row; `above` is NULL in the first one. */
static int unfilter(uint32_t filter, uint8_t *row, const uint8_t *above, size_t count, size_t step) {
  if (filter > 4) return ONNXC_IMAGE_DAMAGED;
  for (size_t index = 0; filter != 0 && index < count; index++) {
    int32_t left = index < step ? 0 : row[index - step], up = above == NULL ? 0 : above[index];
    int32_t corner = index < step || above == NULL ? 0 : above[index - step];
    int32_t guess = filter == 1 ? left : filter == 2 ? up : filter == 3 ? (left + up) / 2 : paeth(left, up, corner);
    row[index] = (uint8_t)(row[index] + guess);
  }
  return ONNXC_IMAGE_OK;
}

static void put(const header *head, onnxc_span palette, const onnxc_canvas *canvas, const uint8_t *row, int32_t column,
                int32_t x, int32_t y) {
  size_t bytes = head->depth / 8, place = (size_t)column * head->channels * bytes;
  if (head->type == TRUECOLOUR || head->type == TRUECOLOUR_ALPHA) {
    onnxc_put(canvas, x, y, row[place], row[place + bytes], row[place + 2 * bytes]);
    return;
  }
  uint8_t value;
  if (head->depth >= 8) {
    value = row[place];
  } else {
    size_t bit = (size_t)column * head->depth;
    uint32_t most = (1U << head->depth) - 1;
    uint32_t index = row[bit / 8] >> (8 - head->depth - (bit & 7)) & most;
    value = (uint8_t)(head->type == PALETTE ? index : index * (255 / most));
  }
  if (head->type == PALETTE && 3U * value + 2 < palette.count) {
    const uint8_t *entry = palette.at + 3 * value;
    onnxc_put(canvas, x, y, entry[0], entry[1], entry[2]);
  } else {
    onnxc_put(canvas, x, y, value, value, value);
  }
}

static int put_pass(const header *head, const pass *part, onnxc_span palette, const onnxc_canvas *canvas,
                    uint8_t *rows) {
  size_t row = row_bytes(head, part), step = (head->channels * head->depth + 7) / 8;
  const uint8_t *above = NULL;
  if (row == 0) return ONNXC_IMAGE_OK;
  for (int32_t y = part->y; y < head->height; y += part->rows, rows += row + 1) {
    ONNXC_TRY(unfilter(rows[0], rows + 1, above, row, step));
    above = rows + 1;
    int32_t column = 0;
    for (int32_t x = part->x; x < head->width; x += part->columns) put(head, palette, canvas, above, column++, x, y);
  }
  return ONNXC_IMAGE_OK;
}

static int next_data(onnxc_bits *bits) {
  return find_chunk(bits->file, &bits->place, "IDAT", &bits->rest) == ONNXC_IMAGE_OK;
}

/* The palette, which precedes the data; empty if there is none. */
static onnxc_span find_palette(onnxc_span file) {
  size_t place = 8;
  onnxc_span palette = {file.at, 0};
  if (find_chunk(file, &place, "PLTE", &palette) != ONNXC_IMAGE_OK) palette.count = 0;
  return palette;
}

int onnxc_png_measure(onnxc_span file, onnxc_measure *measure) {
  header head;
  ONNXC_TRY(read_header(file, &head, measure));
  measure->work = (int64_t)all_bytes(&head);
  return ONNXC_IMAGE_OK;
}

int onnxc_png_decode(onnxc_span file, const onnxc_canvas *canvas, uint8_t *work) {
  header head;
  onnxc_measure measure;
  onnxc_bits bits;
  size_t count;
  ONNXC_TRY(read_header(file, &head, &measure));
  onnxc_span palette = find_palette(file);
  if (head.type == PALETTE && palette.count < 3) return ONNXC_IMAGE_DAMAGED;
  memset(&bits, 0, sizeof bits);
  bits.file = file;
  bits.place = 8;
  bits.next = next_data;
  ONNXC_TRY(onnxc_inflate(&bits, work, all_bytes(&head), &count));
  if (count < all_bytes(&head)) return ONNXC_IMAGE_DAMAGED;
  if (!head.is_interlaced) return put_pass(&head, &passes[0], palette, canvas, work);
  for (size_t index = 1; index < 8; index++) {
    ONNXC_TRY(put_pass(&head, &passes[index], palette, canvas, work));
    work += pass_bytes(&head, &passes[index]);
  }
  return ONNXC_IMAGE_OK;
}
