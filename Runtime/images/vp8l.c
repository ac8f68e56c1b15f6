#include "webp.h"
int onnxc_vp8l_measure(onnxc_span d, onnxc_measure *m) { (void)d; (void)m; return 2; }
int onnxc_vp8l_decode(onnxc_span d, const onnxc_canvas *c, int32_t l, int32_t t, uint8_t *w) { (void)d; (void)c; (void)l; (void)t; (void)w; return 2; }
