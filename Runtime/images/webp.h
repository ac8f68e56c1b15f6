/* The bitstreams that a WebP file holds. */
#ifndef ONNXC_IMAGES_WEBP_H
#define ONNXC_IMAGES_WEBP_H

#include "internal.h"

/* Extents and working memory of a bitstream. */
int onnxc_vp8_measure(onnxc_span data, onnxc_measure *measure);
int onnxc_vp8l_measure(onnxc_span data, onnxc_measure *measure);

/* Decodes a bitstream to a place in an image that it fits in. */
int onnxc_vp8_decode(onnxc_span data, const onnxc_canvas *canvas, int32_t left, int32_t top, uint8_t *work);
int onnxc_vp8l_decode(onnxc_span data, const onnxc_canvas *canvas, int32_t left, int32_t top, uint8_t *work);

#endif
