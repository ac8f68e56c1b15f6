/* The operators of smooth.onnx that are not ONNX's own, as the generated header declares them. */
#include <string.h>

#include "smooth.h"

/* A window slides over each signal; outside of it are zeros, or the signal mirrored. */
static float sample(const float *x, int64_t n, int64_t at, int mirror) {
  if (at >= 0 && at < n) return x[at];
  if (!mirror) return 0.0f;
  at = at < 0 ? -at : 2 * n - 2 - at;
  return at >= 0 && at < n ? x[at] : 0.0f;
}

int my_audio_Smooth_f32(const float *x, const int64_t *x_dims, const float *gain, const int64_t *gain_dims,
                        const float *window, const int64_t *window_dims, int64_t stride, const char *mode, float *y,
                        const int64_t *y_dims, float *peak, const int64_t *peak_dims) {
  int mirror = strcmp(mode, "mirror") == 0;
  (void)gain_dims;
  (void)peak_dims;
  if (!mirror && strcmp(mode, "zero") != 0) return 1;
  for (int64_t row = 0; row < x_dims[0]; row++) {
    peak[row] = 0.0f;
    for (int64_t i = 0; i < y_dims[1]; i++) {
      float sum = 0.0f;
      for (int64_t k = 0; k < window_dims[0]; k++)
        sum += window[k] * sample(x + row * x_dims[1], x_dims[1], i * stride + k - window_dims[0] / 2, mirror);
      if (gain != NULL) sum *= gain[0];
      y[row * y_dims[1] + i] = sum;
      if (sum > peak[row]) peak[row] = sum;
    }
  }
  return 0;
}
