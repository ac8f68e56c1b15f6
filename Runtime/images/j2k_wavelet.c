/* The inverse wavelet transforms (ITU-T T.800, annex F): 5/3 in whole numbers and 9/7 in floating point. */
#include "j2k.h"

/* Lines that are transformed at the same time, for the sake of caches. */
enum { LANES = ONNXC_J2K_LANES };

/* Lines of `count` cells each. Where the first coordinate is odd, low frequencies are at odd places. */
typedef struct {
  onnxc_j2k_cell *cells;
  int32_t count;
  int is_odd;
} lines;

/* The neighbours of a place; at the ends, those on the other side. */
static const onnxc_j2k_cell *before(const lines *own, int32_t place) {
  return own->cells + (place > 0 ? place - 1 : 1) * LANES;
}

static const onnxc_j2k_cell *after(const lines *own, int32_t place) {
  return own->cells + (place + 1 < own->count ? place + 1 : place - 1) * LANES;
}

/* Sums of whole numbers wrap around, which damaged images may bring about. */
static int32_t sum(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

static void lift_whole(const lines *own) {
  for (int32_t place = own->is_odd; place < own->count; place += 2) {
    const onnxc_j2k_cell *left = before(own, place), *right = after(own, place);
    for (int lane = 0; lane < LANES; lane++) {
      onnxc_j2k_cell *cell = &own->cells[place * LANES + lane];
      cell->i = sum(cell->i, -(sum(sum(left[lane].i, right[lane].i), 2) >> 2));
    }
  }
  for (int32_t place = !own->is_odd; place < own->count; place += 2) {
    const onnxc_j2k_cell *left = before(own, place), *right = after(own, place);
    for (int lane = 0; lane < LANES; lane++) {
      onnxc_j2k_cell *cell = &own->cells[place * LANES + lane];
      cell->i = sum(cell->i, sum(left[lane].i, right[lane].i) >> 1);
    }
  }
}

/* Subtracts from every second place a multiple of its neighbours. */
static void lift_step(const lines *own, int32_t first, float factor) {
  for (int32_t place = first; place < own->count; place += 2) {
    const onnxc_j2k_cell *left = before(own, place), *right = after(own, place);
    for (int lane = 0; lane < LANES; lane++)
      own->cells[place * LANES + lane].f -= (left[lane].f + right[lane].f) * factor;
  }
}

/* High frequencies are doubled here, which makes up for the gain that steps of quantization leave out. */
static void lift_real(const lines *own) {
  for (int32_t place = 0; place < own->count; place++) {
    float scale = (place & 1) == own->is_odd ? 1.230174105f : 1.625732422f;
    for (int lane = 0; lane < LANES; lane++) own->cells[place * LANES + lane].f *= scale;
  }
  lift_step(own, own->is_odd, 0.443506852f);
  lift_step(own, !own->is_odd, 0.882911075f);
  lift_step(own, own->is_odd, -0.052980118f);
  lift_step(own, !own->is_odd, -1.586134342f);
}

static void lift(const lines *own, int is_reversible) {
  if (own->count > 1) {
    (is_reversible ? lift_whole : lift_real)(own);
  } else if (own->is_odd && is_reversible) {
    for (int lane = 0; lane < LANES; lane++) own->cells[lane].i /= 2;
  }
}

/* Cells in two directions: places along lines, and lines beside each other. */
typedef struct {
  onnxc_j2k_cell *cells;
  size_t along, across;
  int32_t count, line_count;
  /* The first coordinate, and how many low frequencies there are, which come first. */
  int32_t start, low_count;
} direction;

/* Transforms all lines of a direction. */
static void transform_lines(const direction *own, int is_reversible, onnxc_j2k_cell *line) {
  const lines inside = {line, own->count, own->start & 1};
  for (int32_t first = 0; first < own->line_count; first += LANES) {
    int32_t lanes = own->line_count - first < LANES ? own->line_count - first : LANES;
    onnxc_j2k_cell *cells = own->cells + (size_t)first * own->across;
    memset(line, 0, (size_t)own->count * LANES * sizeof *line);
    for (int32_t index = 0; index < own->count; index++) {
      int32_t place =
          index < own->low_count ? 2 * index + inside.is_odd : 2 * (index - own->low_count) + !inside.is_odd;
      for (int32_t lane = 0; lane < lanes; lane++) {
        line[place * LANES + lane] = cells[(size_t)index * own->along + (size_t)lane * own->across];
      }
    }
    lift(&inside, is_reversible);
    for (int32_t index = 0; index < own->count; index++) {
      for (int32_t lane = 0; lane < lanes; lane++) {
        cells[(size_t)index * own->along + (size_t)lane * own->across] = line[index * LANES + lane];
      }
    }
  }
}

void onnxc_j2k_transform(const onnxc_j2k_component *part, onnxc_j2k_cell *line) {
  size_t stride = (size_t)onnxc_width(&part->area);
  int is_reversible = part->coding->is_reversible;
  for (uint32_t level = 1; level <= part->coding->levels; level++) {
    const onnxc_rect *area = &part->resolutions[level].area, *low = &part->resolutions[level - 1].area;
    int32_t width = onnxc_width(area), height = onnxc_height(area);
    const direction rows = {part->cells, 1, stride, width, height, area->x0, onnxc_width(low)};
    const direction columns = {part->cells, stride, 1, height, width, area->y0, onnxc_height(low)};
    if (width == 0 || height == 0) continue;
    transform_lines(&rows, is_reversible, line);
    transform_lines(&columns, is_reversible, line);
  }
}
