/* Runs a model with operators of its own, for two sizes, and checks the numbers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "smooth.h"

static int check(int64_t batch, int64_t n, const float *x, const float *expected, float expected_peak) {
  float gain = 2.0f, y[8], peak[2];
  uint64_t bytes = smooth_arena_bytes(batch, n);
  unsigned char *memory = malloc(bytes + SMOOTH_ARENA_ALIGN);
  if (memory == NULL) return 1;
  unsigned char *arena = memory + (SMOOTH_ARENA_ALIGN - (uintptr_t)memory % SMOOTH_ARENA_ALIGN);
  int status = smooth_run(arena, batch, n, x, &gain, y, peak);
  free(memory);
  if (status != 0) {
    fprintf(stderr, "smooth_run: %s\n", onnxc_strerror(status));
    return 1;
  }
  int wrong = fabsf(peak[batch - 1] - expected_peak) > 1e-6f;
  for (int64_t i = 0; i < batch * ((n + 1) / 2); i++) {
    printf(" %g", y[i]);
    wrong |= fabsf(y[i] - expected[i]) > 1e-6f;
  }
  printf("%s\n", wrong ? "  wrong" : "");
  return wrong;
}

int main(void) {
  static const float one[5] = {1, -2, 3, 4, 5}, one_result[3] = {-1.75f, -5.0f, -5.75f};
  static const float two[6] = {4, 4, 4, -1, 8, 8}, two_result[4] = {-6.0f, -6.0f, -8.0f, -10.0f};
  return check(1, 5, one, one_result, 4.5f) | check(2, 3, two, two_result, 8.0f);
}
