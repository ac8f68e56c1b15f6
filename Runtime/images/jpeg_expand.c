/* Components with fewer samples than the image has pixels. Where there are half as many, each pixel is 3/4 the nearer
 * sample and 1/4 the farther one, in each direction, rounded up and down in turn; other ratios repeat samples. */
#include "jpeg.h"

static const uint8_t *sample_row(const onnxc_jpeg_component *part, int32_t y) {
  int32_t last = part->height - 1;
  return part->samples + (size_t)(y < 0 ? 0 : y > last ? last : y) * (size_t)part->padded_x * 8;
}

/* Twice as many samples in a row. */
static void widen(const uint8_t *in, int32_t count, uint8_t *row) {
  for (int32_t x = 0; x < count; x++) {
    int32_t left = in[x > 0 ? x - 1 : 0], right = in[x < count - 1 ? x + 1 : x];
    row[2 * x] = (uint8_t)(x == 0 ? in[x] : (3 * in[x] + left + 1) >> 2);
    row[2 * x + 1] = (uint8_t)(x == count - 1 ? in[x] : (3 * in[x] + right + 2) >> 2);
  }
}

/* Twice as many samples in a column. */
static void heighten(const uint8_t *near, const uint8_t *far, int32_t count, int32_t rounding, uint8_t *row) {
  for (int32_t x = 0; x < count; x++) row[x] = (uint8_t)((3 * near[x] + far[x] + rounding) >> 2);
}

/* Twice as many in rows and columns. */
static void enlarge(const uint8_t *near, const uint8_t *far, int32_t count, uint8_t *row) {
  int32_t left = 3 * near[0] + far[0], here = left;
  for (int32_t x = 0; x < count; x++) {
    int32_t next = x < count - 1 ? 3 * near[x + 1] + far[x + 1] : here;
    row[2 * x] = (uint8_t)((3 * here + left + 8) >> 4);
    row[2 * x + 1] = (uint8_t)((3 * here + next + 7) >> 4);
    left = here;
    here = next;
  }
}

void onnxc_jpeg_expand(const onnxc_jpeg *image, const onnxc_jpeg_component *part, int32_t y, uint8_t *row) {
  int32_t across = (int32_t)(image->most_across / part->across), down = (int32_t)(image->most_down / part->down);
  const uint8_t *near = sample_row(part, y / down), *far = sample_row(part, y % 2 == 0 ? y / 2 - 1 : y / 2 + 1);
  if (across == 1 && down == 2) {
    heighten(near, far, part->width, y % 2 == 0 ? 1 : 2, row);
  } else if (across == 2 && down == 1 && part->width > 2) {
    widen(near, part->width, row);
  } else if (across == 2 && down == 2 && part->width > 2) {
    enlarge(near, far, part->width, row);
  } else {
    for (int32_t x = 0; x < image->width; x++) row[x] = near[x / across];
  }
}
