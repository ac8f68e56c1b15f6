/* Canonical prefix codes whose bits come from the low end of bytes: those of RFC 1951, 3.2.2, and of lossless WebP. */
#ifndef ONNXC_IMAGES_HUFFMAN_H
#define ONNXC_IMAGES_HUFFMAN_H

#include "internal.h"

enum { ONNXC_CODE_BITS = 15, ONNXC_FAST_BITS = 8 };

/* Bits of one span or of several that follow each other. */
typedef struct onnxc_bits {
  onnxc_span rest;
  /* Gives the next span; NULL where there is one only. */
  int (*next)(struct onnxc_bits *bits);
  /* For `next`. */
  onnxc_span file;
  size_t place;
  uint64_t held;
  unsigned count;
  /* How many bits were taken that the stream does not have; they are zeros. */
  size_t missing;
} onnxc_bits;

typedef struct {
  /* For each beginning of a code: its symbol * 16 + length, or 0 where the code is longer than the table knows. */
  uint16_t fast[1 << ONNXC_FAST_BITS];
  uint16_t counts[ONNXC_CODE_BITS + 1];
  /* Symbols in the order of their codes. */
  uint16_t *symbols;
} onnxc_code;

/* Makes sure that at least 32 bits are held. */
static inline void onnxc_fill_bits(onnxc_bits *bits) {
  while (bits->count <= 56) {
    uint64_t byte = 0;
    if (bits->rest.count == 0 && bits->next != NULL) {
      if (!bits->next(bits)) bits->next = NULL;
      continue;
    }
    if (bits->rest.count > 0) {
      byte = *bits->rest.at++;
      bits->rest.count--;
    } else {
      bits->missing += 8;
    }
    bits->held |= byte << bits->count;
    bits->count += 8;
  }
}

static inline void onnxc_drop_bits(onnxc_bits *bits, unsigned count) {
  bits->held >>= count;
  bits->count -= count;
}

/* Up to 32 bits, the first one lowest. */
static inline uint32_t onnxc_take_bits(onnxc_bits *bits, unsigned count) {
  onnxc_fill_bits(bits);
  uint32_t value = (uint32_t)(bits->held & (((uint64_t)1 << count) - 1));
  onnxc_drop_bits(bits, count);
  return value;
}

/* Whether more bits were taken than there are. */
static inline int onnxc_is_past_end(const onnxc_bits *bits) { return bits->missing > bits->count; }

/* Makes a code from the lengths of its symbols; `symbols` has room for those with a length. Codes that do not use all
 * sequences of bits are taken only if `allows_gaps`, and too long ones never. */
int onnxc_make_code(onnxc_code *code, const uint8_t *lengths, size_t count, uint16_t *symbols, int allows_gaps);

/* The next symbol, or -1 where no code matches. */
int32_t onnxc_take_symbol(onnxc_bits *bits, const onnxc_code *code);

/* Inflates a zlib stream (RFC 1950) into at most `capacity` bytes; what would follow them is ignored. */
int onnxc_inflate(onnxc_bits *bits, uint8_t *out, size_t capacity, size_t *count);

#endif
