/* Decoding of images for models with the operator ImageDecoder; compile and link the files beside this header.
 * BMP, PNM, PNG, TIFF, JPEG, JPEG 2000 and WebP, told apart by their first bytes. The functions allocate nothing, keep
 * no state, need up to 64 KiB of stack, and take any bytes: what is no image, is damaged, or uses what is not
 * supported, gives a status other than 0. */
#ifndef ONNXC_IMAGES_H
#define ONNXC_IMAGES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ONNXC_IMAGE_OK = 0, ONNXC_IMAGE_DAMAGED = 1, ONNXC_IMAGE_UNSUPPORTED = 2 };

/* The order of the channels of a decoded pixel. */
enum { ONNXC_IMAGE_RGB = 0, ONNXC_IMAGE_BGR = 1, ONNXC_IMAGE_GRAYSCALE = 2 };

/* Gives height, width and the bytes of working memory that decoding needs; `count` is the number of encoded bytes. */
int onnxc_image_measure(const uint8_t *encoded, const int64_t *count, int64_t *measures);

/* Writes height * width * 3 bytes, or height * width of a grayscale image. The working memory is as large as was
 * measured and aligned to 16 bytes. */
int onnxc_image_decode(const uint8_t *encoded, const int64_t *count, const int64_t *measures, int64_t format,
                       uint8_t *pixels, uint8_t *work);

#ifdef __cplusplus
}
#endif

#endif
