/* The transforms of lossless WebP (RFC 9649, section 3.5). */
#include "vp8l.h"

static uint32_t average(uint32_t a, uint32_t b) { return (a & b) + (((a ^ b) & 0xfefefefe) >> 1); }

static int32_t part(uint32_t pixel, unsigned shift) { return (int32_t)(pixel >> shift & 255); }

static int32_t difference(int32_t a, int32_t b) { return a < b ? b - a : a - b; }

/* Left or above, whichever is closer to left + above - corner. */
static uint32_t closer(uint32_t left, uint32_t above, uint32_t corner) {
  int32_t to_left = 0, to_above = 0;
  for (unsigned shift = 0; shift < 32; shift += 8) {
    to_left += difference(part(above, shift), part(corner, shift));
    to_above += difference(part(left, shift), part(corner, shift));
  }
  return to_left < to_above ? left : above;
}

/* a + b - c for each byte, clamped. */
static uint32_t extrapolate(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t result = 0;
  for (unsigned shift = 0; shift < 32; shift += 8) {
    result |= (uint32_t)onnxc_clamp8(part(a, shift) + part(b, shift) - part(c, shift)) << shift;
  }
  return result;
}

/* a + (a - b) / 2 for each byte, clamped. */
static uint32_t extrapolate_half(uint32_t a, uint32_t b) {
  uint32_t result = 0;
  for (unsigned shift = 0; shift < 32; shift += 8) {
    result |= (uint32_t)onnxc_clamp8(part(a, shift) + (part(a, shift) - part(b, shift)) / 2) << shift;
  }
  return result;
}

/* The prediction of a pixel from the one before and those from `above` on, which is the one above. */
static uint32_t predict(uint32_t mode, uint32_t left, const uint32_t *above) {
  uint32_t corner = above[-1], over = above[0], right = above[1];
  switch (mode) {
    case 1: return left;
    case 2: return over;
    case 3: return right;
    case 4: return corner;
    case 5: return average(average(left, right), over);
    case 6: return average(left, corner);
    case 7: return average(left, over);
    case 8: return average(corner, over);
    case 9: return average(over, right);
    case 10: return average(average(left, corner), average(over, right));
    case 11: return closer(left, over, corner);
    case 12: return extrapolate(left, over, corner);
    case 13: return extrapolate_half(average(left, over), corner);
    default: return 0xff000000;
  }
}

static void undo_prediction(const onnxc_vp8l_transform *transform, uint32_t *pixels, int32_t height) {
  int32_t width = transform->width, across = onnxc_vp8l_blocks(width, transform->bits);
  for (int32_t y = 0; y < height; y++) {
    const uint32_t *modes = transform->data + (size_t)(y >> transform->bits) * (size_t)across;
    for (int32_t x = 0; x < width; x++, pixels++) {
      uint32_t guess = 0xff000000;
      if (y == 0) {
        if (x > 0) guess = pixels[-1];
      } else {
        guess = x == 0 ? pixels[-width] : predict(modes[x >> transform->bits] >> 8 & 15, pixels[-1], pixels - width);
      }
      *pixels = onnxc_add_pixels(*pixels, guess);
    }
  }
}

/* What one colour adds to another, both taken as signed bytes. */
static uint32_t scaled(uint32_t factor, uint32_t value) { return (uint32_t)((int8_t)factor * (int8_t)value >> 5); }

static void undo_colours(const onnxc_vp8l_transform *transform, uint32_t *pixels, int32_t height) {
  int32_t width = transform->width, across = onnxc_vp8l_blocks(width, transform->bits);
  for (int32_t y = 0; y < height; y++) {
    const uint32_t *factors = transform->data + (size_t)(y >> transform->bits) * (size_t)across;
    for (int32_t x = 0; x < width; x++, pixels++) {
      uint32_t factor = factors[x >> transform->bits], green = *pixels >> 8 & 255;
      uint32_t red = ((*pixels >> 16) + scaled(factor & 255, green)) & 255;
      uint32_t blue = (*pixels + scaled(factor >> 8 & 255, green) + scaled(factor >> 16 & 255, red)) & 255;
      *pixels = (*pixels & 0xff00ff00) | red << 16 | blue;
    }
  }
}

static void add_green(const onnxc_vp8l_transform *transform, uint32_t *pixels, int32_t height) {
  size_t count = (size_t)transform->width * (size_t)height;
  for (size_t index = 0; index < count; index++) {
    uint32_t green = pixels[index] >> 8 & 255;
    pixels[index] = onnxc_add_pixels(pixels[index], green << 16 | green);
  }
}

/* Replaces indices by colours from the end on, since several may share a pixel. Indices beyond the palette are
 * transparent. */
static void look_up(const onnxc_vp8l_transform *transform, uint32_t *pixels, int32_t height) {
  size_t width = (size_t)transform->width, packed = (size_t)onnxc_vp8l_blocks(transform->width, transform->bits);
  unsigned each = 8U >> transform->bits;
  for (size_t y = (size_t)height; y-- > 0;) {
    for (size_t x = width; x-- > 0;) {
      unsigned shift = 8 + each * (unsigned)(x & ((1U << transform->bits) - 1));
      uint32_t index = pixels[y * packed + (x >> transform->bits)] >> shift & ((1U << each) - 1);
      pixels[y * width + x] = index < transform->count ? transform->data[index] : 0;
    }
  }
}

void onnxc_vp8l_apply(const onnxc_vp8l_transform *transform, uint32_t *pixels, int32_t height) {
  switch (transform->kind) {
    case ONNXC_VP8L_PREDICT: undo_prediction(transform, pixels, height); break;
    case ONNXC_VP8L_COLOUR: undo_colours(transform, pixels, height); break;
    case ONNXC_VP8L_ADD_GREEN: add_green(transform, pixels, height); break;
    default: look_up(transform, pixels, height); break;
  }
}
