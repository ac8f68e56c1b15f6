/* The loop filter (RFC 6386, section 15). */
#include "vp8.h"

static int32_t distance(int32_t a, int32_t b) { return a < b ? b - a : a - b; }

static int32_t clamp(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : value > high ? high : value;
}

/* The samples across an edge lie `step` apart; `at` is the first one behind it. */
static int has_small_step(const uint8_t *at, ptrdiff_t step, int32_t limit) {
  return 4 * distance(at[-step], at[0]) + distance(at[-2 * step], at[step]) <= 2 * limit + 1;
}

static int is_smooth(const uint8_t *at, ptrdiff_t step, int32_t limit) {
  for (int index = -4; index < 3; index++) {
    if (index != -1 && distance(at[index * step], at[(index + 1) * step]) > limit) return 0;
  }
  return 1;
}

static int varies(const uint8_t *at, ptrdiff_t step, int32_t threshold) {
  return distance(at[-2 * step], at[-step]) > threshold || distance(at[step], at[0]) > threshold;
}

/* Moves the two samples at an edge towards each other, by the outer ones too; else the outer ones half as far. */
static void filter_two(uint8_t *at, ptrdiff_t step, int uses_outer) {
  int32_t p1 = at[-2 * step], p0 = at[-step], q0 = at[0], q1 = at[step];
  int32_t a = 3 * (q0 - p0) + (uses_outer ? clamp(p1 - q1, -128, 127) : 0);
  int32_t up = clamp((a + 4) >> 3, -16, 15), down = clamp((a + 3) >> 3, -16, 15);
  at[-step] = onnxc_clamp8(p0 + down);
  at[0] = onnxc_clamp8(q0 - up);
  if (uses_outer) return;
  int32_t rest = (up + 1) >> 1;
  at[-2 * step] = onnxc_clamp8(p1 + rest);
  at[step] = onnxc_clamp8(q1 - rest);
}

/* Moves three samples on each side. */
static void filter_six(uint8_t *at, ptrdiff_t step) {
  int32_t outer = clamp(at[-2 * step] - at[step], -128, 127);
  int32_t a = clamp(3 * (at[0] - at[-step]) + outer, -128, 127);
  for (int index = 0; index < 3; index++) {
    int32_t move = (9 * (3 - index) * a + 63) >> 7;
    at[-(index + 1) * step] = onnxc_clamp8(at[-(index + 1) * step] + move);
    at[index * step] = onnxc_clamp8(at[index * step] - move);
  }
}

/* Filters `count` positions along an edge, which lie `along` apart. */
static void filter_simple(uint8_t *at, ptrdiff_t along, ptrdiff_t step, int count, int32_t limit) {
  for (; count > 0; count--, at += along) {
    if (has_small_step(at, step, limit)) filter_two(at, step, 1);
  }
}

static void filter_edge(uint8_t *at, ptrdiff_t along, ptrdiff_t step, int count, const onnxc_vp8_filter *filter,
                        int is_inside) {
  int32_t limit = filter->limit + (is_inside ? 0 : 4);
  for (; count > 0; count--, at += along) {
    if (!has_small_step(at, step, limit) || !is_smooth(at, step, filter->inner_limit)) continue;
    if (varies(at, step, filter->threshold)) {
      filter_two(at, step, 1);
    } else if (is_inside) {
      filter_two(at, step, 0);
    } else {
      filter_six(at, step);
    }
  }
}

/* All edges of a macroblock of a plane: its left one and those inside, then its upper one and those inside. */
static void filter_plane(const onnxc_vp8_filter *filter, int is_simple, const onnxc_plane *plane, int size, int32_t x,
                         int32_t y) {
  uint8_t *at = plane->at + size * y * plane->stride + size * x;
  for (int pass = 0; pass < 2; pass++) {
    ptrdiff_t step = pass == 0 ? 1 : plane->stride, along = pass == 0 ? plane->stride : 1;
    for (int edge = (pass == 0 ? x : y) > 0 ? 0 : 4; edge < size; edge += 4) {
      if (edge > 0 && !filter->filters_inside) break;
      if (is_simple) {
        filter_simple(at + edge * step, along, step, size, filter->limit + (edge > 0 ? 0 : 4));
      } else {
        filter_edge(at + edge * step, along, step, size, filter, edge > 0);
      }
    }
  }
}

void onnxc_vp8_filter_frame(const onnxc_vp8_filter *filters, int is_simple, const onnxc_plane *planes, int32_t columns,
                            int32_t rows) {
  for (int32_t y = 0; y < rows; y++) {
    for (int32_t x = 0; x < columns; x++, filters++) {
      if (filters->limit == 0) continue;
      filter_plane(filters, is_simple, &planes[0], 16, x, y);
      if (is_simple) continue;
      filter_plane(filters, 0, &planes[1], 8, x, y);
      filter_plane(filters, 0, &planes[2], 8, x, y);
    }
  }
}
