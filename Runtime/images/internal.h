/* What the decoders share. */
#ifndef ONNXC_IMAGES_INTERNAL_H
#define ONNXC_IMAGES_INTERNAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "onnxc_images.h"

/* The most pixels of an image; sums of a few products with it stay far below the limits of 64 bits. */
#define ONNXC_IMAGE_PIXELS ((int64_t)1 << 30)

/* Passes on a status other than 0. */
#define ONNXC_TRY(call)                                      \
  do {                                                       \
    int onnxc_status = (call);                               \
    if (onnxc_status != ONNXC_IMAGE_OK) return onnxc_status; \
  } while (0)

/* The encoded image, or a part of it. */
typedef struct {
  const uint8_t *at;
  size_t count;
} onnxc_span;

/* Extents of an image and what decoding it needs. */
typedef struct {
  int32_t width, height;
  int64_t work;
} onnxc_measure;

/* Where pixels go. */
typedef struct {
  uint8_t *pixels;
  int64_t format;
  int32_t width, height;
} onnxc_canvas;

/* Working memory that is handed out from the front; without memory, what is asked for is only counted. */
typedef struct {
  uint8_t *start;
  int64_t used;
} onnxc_work;

int onnxc_bmp_measure(onnxc_span file, onnxc_measure *measure);
int onnxc_bmp_decode(onnxc_span file, const onnxc_canvas *canvas, uint8_t *work);
int onnxc_pnm_measure(onnxc_span file, onnxc_measure *measure);
int onnxc_pnm_decode(onnxc_span file, const onnxc_canvas *canvas, uint8_t *work);
int onnxc_png_measure(onnxc_span file, onnxc_measure *measure);
int onnxc_png_decode(onnxc_span file, const onnxc_canvas *canvas, uint8_t *work);
int onnxc_tiff_measure(onnxc_span file, onnxc_measure *measure);
int onnxc_tiff_decode(onnxc_span file, const onnxc_canvas *canvas, uint8_t *work);
int onnxc_jpeg_measure(onnxc_span file, onnxc_measure *measure);
int onnxc_jpeg_decode(onnxc_span file, const onnxc_canvas *canvas, uint8_t *work);
int onnxc_webp_measure(onnxc_span file, onnxc_measure *measure);
int onnxc_webp_decode(onnxc_span file, const onnxc_canvas *canvas, uint8_t *work);
int onnxc_jp2_measure(onnxc_span file, onnxc_measure *measure);
int onnxc_jp2_decode(onnxc_span file, const onnxc_canvas *canvas, uint8_t *work);

/* Whether `count` bytes from `offset` lie in the span. */
static inline int onnxc_has(onnxc_span span, size_t offset, size_t count) {
  return offset <= span.count && count <= span.count - offset;
}

/* A part of a span, as much of it as there is. */
static inline onnxc_span onnxc_part(onnxc_span span, size_t offset, size_t count) {
  onnxc_span part;
  if (offset > span.count) offset = span.count;
  part.at = span.at + offset;
  part.count = count < span.count - offset ? count : span.count - offset;
  return part;
}

static inline uint32_t onnxc_little16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }

static inline uint32_t onnxc_little32(const uint8_t *p) { return onnxc_little16(p) | onnxc_little16(p + 2) << 16; }

static inline uint32_t onnxc_big16(const uint8_t *p) { return (uint32_t)p[0] << 8 | (uint32_t)p[1]; }

static inline uint32_t onnxc_big32(const uint8_t *p) { return onnxc_big16(p) << 16 | onnxc_big16(p + 2); }

static inline uint8_t onnxc_clamp8(int32_t value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

/* a * b / 255, rounded, for values of 8 bits. */
static inline int32_t onnxc_times255(int32_t a, int32_t b) {
  int32_t product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/* The next `bytes` bytes, aligned to 16; NULL without memory. */
static inline void *onnxc_take(onnxc_work *work, int64_t bytes) {
  void *result = work->start == NULL ? NULL : work->start + work->used;
  work->used += (bytes + 15) / 16 * 16;
  return result;
}

/* Whether extents are those of an image that can be decoded. */
static inline int onnxc_set_size(onnxc_measure *measure, int64_t width, int64_t height) {
  if (width < 1 || height < 1) return ONNXC_IMAGE_DAMAGED;
  if (width > ONNXC_IMAGE_PIXELS || height > ONNXC_IMAGE_PIXELS / width) return ONNXC_IMAGE_UNSUPPORTED;
  measure->width = (int32_t)width;
  measure->height = (int32_t)height;
  return ONNXC_IMAGE_OK;
}

/* Stores a pixel; the weights of grayscale are those of ITU-R BT.601 in 16 bits. */
static inline void onnxc_put(const onnxc_canvas *canvas, int32_t x, int32_t y, uint8_t r, uint8_t g, uint8_t b) {
  int64_t place = (int64_t)y * canvas->width + x;
  if (canvas->format == ONNXC_IMAGE_GRAYSCALE) {
    canvas->pixels[place] = (uint8_t)((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16);
  } else {
    uint8_t *pixel = canvas->pixels + 3 * place;
    int isBGR = canvas->format == ONNXC_IMAGE_BGR;
    pixel[0] = isBGR ? b : r;
    pixel[1] = g;
    pixel[2] = isBGR ? r : b;
  }
}

/* Turns cyan, magenta, yellow and black into red, green and blue. */
static inline void onnxc_convert_cmyk(uint8_t *pixel) {
  int32_t light = 255 - pixel[3];
  for (int channel = 0; channel < 3; channel++) {
    pixel[channel] = onnxc_clamp8(light - onnxc_times255(pixel[channel], light));
  }
}

/* What blue takes from green, 0.344136 in 16 bits: libraries for JPEG round it from five digits, those for TIFF from
 * all. */
enum { ONNXC_JFIF_GREEN = 22554, ONNXC_TIFF_GREEN = 22553 };

/* Turns luma and the differences of blue and red, with the weights of ITU-R BT.601, into red, green and blue. */
static inline void onnxc_convert_ycc(uint8_t *pixel, int32_t green) {
  int32_t y = pixel[0], cb = pixel[1] - 128, cr = pixel[2] - 128;
  pixel[0] = onnxc_clamp8(y + ((91881 * cr + 32768) >> 16));
  pixel[1] = onnxc_clamp8(y + ((-green * cb - 46802 * cr + 32768) >> 16));
  pixel[2] = onnxc_clamp8(y + ((116130 * cb + 32768) >> 16));
}

#endif
