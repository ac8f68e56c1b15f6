/* The compressions of TIFF 6.0: PackBits (section 9), LZW (section 13), and deflate of its supplement. */
#include "huffman.h"
#include "tiff.h"

enum { CLEAR = 256, END = 257, FIRST = 258, LIMIT = 4096 };

/* Bytes of a strip, with their bits reversed if the file has them so. */
typedef struct {
  onnxc_span data;
  int reverses;
} source;

static uint8_t byte_at(const source *from, size_t place) {
  uint32_t byte = from->data.at[place];
  if (!from->reverses) return (uint8_t)byte;
  byte = (byte & 0x0f) << 4 | byte >> 4;
  byte = (byte & 0x33) << 2 | (byte >> 2 & 0x33);
  return (uint8_t)((byte & 0x55) << 1 | (byte >> 1 & 0x55));
}

static int copy_raw(const source *from, uint8_t *out, size_t count) {
  if (count > from->data.count) return ONNXC_IMAGE_DAMAGED;
  for (size_t place = 0; place < count; place++) out[place] = byte_at(from, place);
  return ONNXC_IMAGE_OK;
}

static int unpack_runs(const source *from, uint8_t *out, size_t count) {
  size_t place = 0, done = 0;
  while (done < count) {
    if (place >= from->data.count) return ONNXC_IMAGE_DAMAGED;
    size_t code = byte_at(from, place++);
    if (code == 128) continue;
    size_t length = code < 128 ? code + 1 : 257 - code, bytes = code < 128 ? length : 1;
    if (bytes > from->data.count - place) return ONNXC_IMAGE_DAMAGED;
    for (size_t index = 0; index < length && done < count; index++) {
      out[done++] = byte_at(from, place + (code < 128 ? index : 0));
    }
    place += bytes;
  }
  return ONNXC_IMAGE_OK;
}

/* Codes of LZW, which begin at the highest bit of a byte. */
typedef struct {
  const source *from;
  size_t place;
  uint32_t held;
  unsigned count;
} code_reader;

static int take_code(code_reader *reader, unsigned width, uint32_t *code) {
  while (reader->count < width) {
    if (reader->place >= reader->from->data.count) return ONNXC_IMAGE_DAMAGED;
    reader->held = (reader->held & 0xffff) << 8 | byte_at(reader->from, reader->place++);
    reader->count += 8;
  }
  reader->count -= width;
  *code = reader->held >> reader->count & ((1U << width) - 1);
  return ONNXC_IMAGE_OK;
}

/* Writes what a code stands for, from its end to its beginning, and gives its first byte. */
static uint8_t expand(const onnxc_lzw_table *table, uint32_t code, uint8_t *out, size_t room) {
  while (code >= FIRST) {
    size_t last = table->counts[code] - 1U;
    if (last < room) out[last] = table->suffixes[code];
    code = table->prefixes[code];
  }
  if (room > 0) out[0] = (uint8_t)code;
  return (uint8_t)code;
}

static size_t code_bytes(const onnxc_lzw_table *table, uint32_t code) { return code < FIRST ? 1 : table->counts[code]; }

static int unpack_lzw(const source *from, onnxc_lzw_table *table, uint8_t *out, size_t count) {
  code_reader reader = {from, 0, 0, 0};
  uint32_t next = FIRST, previous = CLEAR, code;
  unsigned width = 9;
  size_t done = 0;
  while (done < count) {
    ONNXC_TRY(take_code(&reader, width, &code));
    if (code == END) return ONNXC_IMAGE_DAMAGED;
    if (code == CLEAR) {
      next = FIRST;
      previous = CLEAR;
      width = 9;
      continue;
    }
    if (previous == CLEAR ? code > CLEAR : code > next || (code == next && next == LIMIT)) return ONNXC_IMAGE_DAMAGED;
    int is_new = code == next;
    size_t bytes = is_new && previous != CLEAR ? code_bytes(table, previous) + 1 : code_bytes(table, code);
    uint8_t first = expand(table, is_new ? previous : code, out + done, count - done);
    if (is_new && bytes <= count - done) out[done + bytes - 1] = first;
    if (previous != CLEAR && next < LIMIT) {
      table->prefixes[next] = (uint16_t)previous;
      table->counts[next] = (uint16_t)(code_bytes(table, previous) + 1);
      table->suffixes[next] = first;
      next++;
      if (next == (1U << width) - 1 && width < 12) width++;
    }
    previous = code;
    done += bytes < count - done ? bytes : count - done;
  }
  return ONNXC_IMAGE_OK;
}

static int inflate(onnxc_span data, uint8_t *out, size_t count) {
  onnxc_bits bits;
  size_t done = 0;
  memset(&bits, 0, sizeof bits);
  bits.rest = data;
  ONNXC_TRY(onnxc_inflate(&bits, out, count, &done));
  return done == count ? ONNXC_IMAGE_OK : ONNXC_IMAGE_DAMAGED;
}

int onnxc_tiff_unpack(onnxc_span data, uint32_t compression, int reverses, onnxc_lzw_table *table, uint8_t *out,
                      size_t count) {
  const source from = {data, reverses};
  switch (compression) {
    case ONNXC_TIFF_RAW: return copy_raw(&from, out, count);
    case ONNXC_TIFF_PACKBITS: return unpack_runs(&from, out, count);
    case ONNXC_TIFF_LZW: return unpack_lzw(&from, table, out, count);
    case ONNXC_TIFF_DEFLATE:
    case ONNXC_TIFF_OLD_DEFLATE: return reverses ? ONNXC_IMAGE_UNSUPPORTED : inflate(data, out, count);
    default: return ONNXC_IMAGE_UNSUPPORTED;
  }
}
