/* What the parts of the JPEG decoder share (ITU-T T.81). */
#ifndef ONNXC_IMAGES_JPEG_H
#define ONNXC_IMAGES_JPEG_H

#include "internal.h"

enum { ONNXC_JPEG_FAST_BITS = 9 };

/* A Huffman code (annex C). */
typedef struct {
  /* For each beginning of a code: its symbol * 16 + length, or 0 where the code is longer than the table knows. */
  uint16_t fast[1 << ONNXC_JPEG_FAST_BITS];
  /* For each length: the first code, how many there are, and where their symbols begin. */
  uint32_t first[17], counts[17], places[17];
  uint8_t symbols[256];
  int is_defined;
} onnxc_jpeg_code;

/* Bits of a scan, the first one highest, without the zeros that follow bytes of ones (B.1.1.5). */
typedef struct {
  onnxc_span file;
  size_t place;
  uint64_t held;
  unsigned count;
  /* How many bits were added behind the last one. */
  size_t missing;
} onnxc_jpeg_bits;

typedef struct {
  uint32_t id, across, down, table;
  /* Extents in samples, in blocks, and in blocks of whole units of interleaved scans. */
  int32_t width, height, blocks_x, blocks_y, padded_x, padded_y;
  /* Steps of quantization, known since the component's first scan. */
  uint16_t steps[64];
  int has_steps;
  const onnxc_jpeg_code *dc, *ac;
  int32_t prediction;
  /* Of all blocks, if the image is progressive. */
  int16_t *coefficients;
  /* `padded_x` * 8 in a row. */
  uint8_t *samples;
} onnxc_jpeg_component;

typedef struct {
  onnxc_span file;
  size_t place;
  int32_t width, height;
  uint32_t most_across, most_down, restart_interval, count;
  int is_progressive, has_frame, has_end, is_jfif, scans;
  /* The transformation that an Adobe segment names; -1 without one. */
  int transform;
  onnxc_jpeg_component components[4];
  uint16_t steps[4][64];
  int has_steps[4];
  onnxc_jpeg_code dc[4], ac[4];
  /* The scan: its components and the part of coefficients that it brings (G.1.1.1). */
  onnxc_jpeg_component *parts[4];
  uint32_t part_count, first, last, high, low;
} onnxc_jpeg;

/* The order of coefficients (figure A.6). */
extern const uint8_t onnxc_jpeg_zigzag[64];

/* Reads segments up to the frame header and its measures. */
int onnxc_jpeg_open(onnxc_span file, onnxc_jpeg *image);

/* Reads segments up to the next scan; `*found` is 0 at the end of the image. */
int onnxc_jpeg_next_scan(onnxc_jpeg *image, int *found);

/* Decodes the data of the scan whose header was read. */
int onnxc_jpeg_decode_scan(onnxc_jpeg *image);

/* Dequantizes and transforms the coefficients of a block into 8 rows of samples. */
void onnxc_jpeg_transform(const int16_t *coefficients, const uint16_t *steps, uint8_t *samples, size_t stride);

/* Row `y` of a component at the size of the image. */
void onnxc_jpeg_expand(const onnxc_jpeg *image, const onnxc_jpeg_component *part, int32_t y, uint8_t *row);

#endif
