/* The inverse transform (A.3.3) in fixed point: eleven multiplications for each row or column, after Loeffler,
 * Ligtenberg and Moschytz, with 13 bits of constants and 2 more bits between columns and rows, which is what JPEG
 * libraries agree on. */
#include "jpeg.h"

enum { CONSTANT_BITS = 13, EXTRA_BITS = 2 };

/* Products of cosines, times 2 to the power of 13. */
enum {
  C_0_298 = 2446,
  C_0_390 = 3196,
  C_0_541 = 4433,
  C_0_765 = 6270,
  C_0_899 = 7373,
  C_1_175 = 9633,
  C_1_501 = 12299,
  C_1_847 = 15137,
  C_1_961 = 16069,
  C_2_053 = 16819,
  C_2_562 = 20995,
  C_3_072 = 25172
};

/* Transforms 8 numbers; results are divided by 2 to the power of `shift` and rounded. */
static void transform(const int64_t *in, int64_t *out, unsigned shift) {
  int64_t even[4], odd[4], half = (int64_t)1 << (shift - 1);
  int64_t turn = (in[2] + in[6]) * C_0_541;
  int64_t low = turn - in[6] * C_1_847, high = turn + in[2] * C_0_765;
  int64_t sum = (in[0] + in[4]) * (1 << CONSTANT_BITS), difference = (in[0] - in[4]) * (1 << CONSTANT_BITS);
  even[0] = sum + high;
  even[1] = difference + low;
  even[2] = difference - low;
  even[3] = sum - high;
  int64_t all = (in[7] + in[3] + in[5] + in[1]) * C_1_175;
  int64_t a = -(in[7] + in[1]) * C_0_899, b = -(in[5] + in[3]) * C_2_562;
  int64_t c = all - (in[7] + in[3]) * C_1_961, d = all - (in[5] + in[1]) * C_0_390;
  odd[0] = in[1] * C_1_501 + a + d;
  odd[1] = in[3] * C_3_072 + b + c;
  odd[2] = in[5] * C_2_053 + b + d;
  odd[3] = in[7] * C_0_298 + a + c;
  for (int index = 0; index < 4; index++) {
    out[index] = (even[index] + odd[index] + half) >> shift;
    out[7 - index] = (even[index] - odd[index] + half) >> shift;
  }
}

void onnxc_jpeg_transform(const int16_t *coefficients, const uint16_t *steps, uint8_t *samples, size_t stride) {
  int64_t columns[8][8], in[8], out[8];
  for (int x = 0; x < 8; x++) {
    for (int y = 0; y < 8; y++) in[y] = (int64_t)coefficients[8 * y + x] * steps[8 * y + x];
    transform(in, columns[x], CONSTANT_BITS - EXTRA_BITS);
  }
  for (int y = 0; y < 8; y++) {
    for (int x = 0; x < 8; x++) in[x] = columns[x][y];
    transform(in, out, CONSTANT_BITS + EXTRA_BITS + 3);
    for (int x = 0; x < 8; x++) {
      int64_t value = out[x] + 128;
      samples[(size_t)y * stride + (size_t)x] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
  }
}
