/* JPEG (ITU-T T.81), baseline, extended and progressive with Huffman codes and 8 bits. */
#include "jpeg.h"

typedef enum { GRAY, YCC, RGB, CMYK, YCCK } colour_space;

static size_t block_count(const onnxc_jpeg_component *part) { return (size_t)part->padded_x * (size_t)part->padded_y; }

/* Bytes of a row of pixels and what is written behind it. */
static int64_t row_bytes(const onnxc_jpeg *image) { return (int64_t)image->width + 8; }

/* Gives components their memory, and the rows that pixels are put together from. */
static uint8_t *take_memory(onnxc_jpeg *image, onnxc_work *memory) {
  for (uint32_t index = 0; index < image->count; index++) {
    int64_t samples = (int64_t)block_count(&image->components[index]) * 64;
    image->components[index].samples = onnxc_take(memory, samples);
    if (image->is_progressive) image->components[index].coefficients = onnxc_take(memory, 2 * samples);
  }
  return onnxc_take(memory, row_bytes(image) * 4);
}

/* How colours are to be read: by the Adobe segment, else JFIF, else the names of components. */
static colour_space find_space(const onnxc_jpeg *image) {
  const onnxc_jpeg_component *parts = image->components;
  if (image->count == 1) return GRAY;
  if (image->count == 4) return image->transform > 0 ? YCCK : CMYK;
  if (image->is_jfif) return YCC;
  if (image->transform >= 0) return image->transform == 0 ? RGB : YCC;
  return parts[0].id == 'R' && parts[1].id == 'G' && parts[2].id == 'B' ? RGB : YCC;
}

/* Files with four components have them inverted, by Adobe's convention; YCCK holds what remains to white. */
static void convert(colour_space space, uint8_t *pixel) {
  switch (space) {
    case GRAY: pixel[1] = pixel[2] = pixel[0]; break;
    case RGB: break;
    case YCC: onnxc_convert_ycc(pixel, ONNXC_JFIF_GREEN); break;
    case YCCK:
    case CMYK:
      if (space == YCCK) onnxc_convert_ycc(pixel, ONNXC_JFIF_GREEN);
      for (int index = 0; index < 4; index++)
        pixel[index] = (uint8_t)(space == YCCK && index < 3 ? pixel[index] : 255 - pixel[index]);
      onnxc_convert_cmyk(pixel);
      break;
  }
}

static void put_rows(const onnxc_jpeg *image, const onnxc_canvas *canvas, uint8_t *rows) {
  colour_space space = find_space(image);
  size_t bytes = (size_t)row_bytes(image);
  uint8_t pixel[4];
  for (int32_t y = 0; y < image->height; y++) {
    for (uint32_t index = 0; index < image->count; index++) {
      onnxc_jpeg_expand(image, &image->components[index], y, rows + index * bytes);
    }
    for (int32_t x = 0; x < image->width; x++) {
      for (uint32_t index = 0; index < image->count; index++) pixel[index] = rows[index * bytes + (size_t)x];
      convert(space, pixel);
      onnxc_put(canvas, x, y, pixel[0], pixel[1], pixel[2]);
    }
  }
}

static void transform_blocks(const onnxc_jpeg_component *part) {
  size_t stride = (size_t)part->padded_x * 8;
  for (size_t block = 0; block < block_count(part); block++) {
    size_t x = block % (size_t)part->padded_x, y = block / (size_t)part->padded_x;
    onnxc_jpeg_transform(part->coefficients + block * 64, part->steps, part->samples + y * 8 * stride + x * 8, stride);
  }
}

int onnxc_jpeg_measure(onnxc_span file, onnxc_measure *measure) {
  onnxc_jpeg image;
  ONNXC_TRY(onnxc_jpeg_open(file, &image));
  ONNXC_TRY(onnxc_set_size(measure, image.width, image.height));
  onnxc_work memory = {NULL, 0};
  take_memory(&image, &memory);
  measure->work = memory.used;
  return ONNXC_IMAGE_OK;
}

int onnxc_jpeg_decode(onnxc_span file, const onnxc_canvas *canvas, uint8_t *work) {
  onnxc_jpeg image;
  onnxc_work memory = {work, 0};
  int found;
  ONNXC_TRY(onnxc_jpeg_open(file, &image));
  uint8_t *rows = take_memory(&image, &memory);
  for (uint32_t index = 0; image.is_progressive && index < image.count; index++) {
    memset(image.components[index].coefficients, 0, block_count(&image.components[index]) * 128);
  }
  for (;;) {
    ONNXC_TRY(onnxc_jpeg_next_scan(&image, &found));
    if (!found) break;
    ONNXC_TRY(onnxc_jpeg_decode_scan(&image));
  }
  /* Where there is no end, a progressive image may lack scans. */
  if (image.is_progressive && !image.has_end) return ONNXC_IMAGE_DAMAGED;
  for (uint32_t index = 0; index < image.count; index++) {
    if (!image.components[index].has_steps) return ONNXC_IMAGE_DAMAGED;
    if (image.is_progressive) transform_blocks(&image.components[index]);
  }
  put_rows(&image, canvas, rows);
  return ONNXC_IMAGE_OK;
}
