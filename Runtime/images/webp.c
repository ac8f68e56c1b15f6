/* The container of WebP (RFC 9649, section 2). Transparency is dropped; of an animation, the first frame is decoded. */
#include "webp.h"

typedef struct {
  onnxc_span data;
  int is_lossless;
  /* Extents of the image; 0 where they are those of its only frame. */
  int32_t width, height;
  int32_t left, top;
} frame;

static uint32_t little24(const uint8_t *p) { return onnxc_little16(p) | (uint32_t)p[2] << 16; }

/* Finds the first chunk of one of the types, which are four characters each, and its body as far as it is there. */
static int find_chunk(onnxc_span chunks, const char *types, const char **found, onnxc_span *body) {
  while (onnxc_has(chunks, 0, 8)) {
    size_t count = onnxc_little32(chunks.at + 4);
    for (const char *type = types; *type != 0; type += 4) {
      if (memcmp(chunks.at, type, 4) != 0) continue;
      *found = type;
      *body = onnxc_part(chunks, 8, count);
      return ONNXC_IMAGE_OK;
    }
    chunks = onnxc_part(chunks, 8 + count + (count & 1), chunks.count);
  }
  return ONNXC_IMAGE_DAMAGED;
}

static int find_bitstream(onnxc_span chunks, frame *found) {
  const char *type;
  ONNXC_TRY(find_chunk(chunks, "VP8 VP8L", &type, &found->data));
  found->is_lossless = type[3] == 'L';
  return ONNXC_IMAGE_OK;
}

/* The frame of an extended file: the whole image, or the first part of an animation. */
static int find_extended(onnxc_span chunks, onnxc_span head, frame *found) {
  const char *type;
  onnxc_span body;
  if (head.count < 10) return ONNXC_IMAGE_DAMAGED;
  found->width = (int32_t)little24(head.at + 4) + 1;
  found->height = (int32_t)little24(head.at + 7) + 1;
  if ((head.at[0] & 2) == 0) return find_bitstream(chunks, found);
  ONNXC_TRY(find_chunk(chunks, "ANMF", &type, &body));
  if (body.count < 16) return ONNXC_IMAGE_DAMAGED;
  found->left = 2 * (int32_t)little24(body.at);
  found->top = 2 * (int32_t)little24(body.at + 3);
  return find_bitstream(onnxc_part(body, 16, body.count), found);
}

static int open_file(onnxc_span file, frame *found, onnxc_measure *measure) {
  onnxc_span chunks = onnxc_part(file, 12, file.count), body;
  const char *type;
  onnxc_measure own = {0, 0, 0};
  memset(found, 0, sizeof *found);
  ONNXC_TRY(find_chunk(chunks, "VP8XVP8 VP8L", &type, &body));
  ONNXC_TRY(type[3] == 'X' ? find_extended(chunks, body, found) : find_bitstream(chunks, found));
  ONNXC_TRY(found->is_lossless ? onnxc_vp8l_measure(found->data, &own) : onnxc_vp8_measure(found->data, &own));
  if (found->width == 0) {
    found->width = own.width;
    found->height = own.height;
  }
  if (own.width > found->width - found->left || own.height > found->height - found->top) return ONNXC_IMAGE_DAMAGED;
  measure->work = own.work;
  return onnxc_set_size(measure, found->width, found->height);
}

int onnxc_webp_measure(onnxc_span file, onnxc_measure *measure) {
  frame found;
  return open_file(file, &found, measure);
}

int onnxc_webp_decode(onnxc_span file, const onnxc_canvas *canvas, uint8_t *work) {
  frame found;
  onnxc_measure measure;
  ONNXC_TRY(open_file(file, &found, &measure));
  size_t pixels = (size_t)canvas->width * (size_t)canvas->height;
  memset(canvas->pixels, 0, canvas->format == ONNXC_IMAGE_GRAYSCALE ? pixels : 3 * pixels);
  if (found.is_lossless) return onnxc_vp8l_decode(found.data, canvas, found.left, found.top, work);
  return onnxc_vp8_decode(found.data, canvas, found.left, found.top, work);
}
