/* What both halves of the TIFF decoder share: the directory, and the data of a strip or tile. */
#ifndef ONNXC_IMAGES_TIFF_H
#define ONNXC_IMAGES_TIFF_H

#include "internal.h"

enum {
  ONNXC_TIFF_RAW = 1,
  ONNXC_TIFF_LZW = 5,
  ONNXC_TIFF_DEFLATE = 8,
  ONNXC_TIFF_OLD_DEFLATE = 32946,
  ONNXC_TIFF_PACKBITS = 32773
};

/* Codes of LZW: their last byte, the code before it, and how many bytes they stand for. */
typedef struct {
  uint16_t prefixes[4096], counts[4096];
  uint8_t suffixes[4096];
} onnxc_lzw_table;

/* Decompresses a strip or tile, which must fill `count` bytes; `reverses` says that the first bit of a byte is its
 * lowest. */
int onnxc_tiff_unpack(onnxc_span data, uint32_t compression, int reverses, onnxc_lzw_table *table, uint8_t *out,
                      size_t count);

#endif
