#include "internal.h"

/* A format: how its files begin, and its two functions. */
typedef struct {
  int (*matches)(onnxc_span file);
  int (*measure)(onnxc_span file, onnxc_measure *measure);
  int (*decode)(onnxc_span file, const onnxc_canvas *canvas, uint8_t *work);
} coder;

static int begins(onnxc_span file, const char *text, size_t count) {
  return file.count >= count && memcmp(file.at, text, count) == 0;
}

static int is_bmp(onnxc_span file) { return begins(file, "BM", 2); }

static int is_pnm(onnxc_span file) {
  return file.count >= 2 && file.at[0] == 'P' && file.at[1] >= '1' && file.at[1] <= '6';
}

static int is_png(onnxc_span file) { return begins(file, "\x89PNG\r\n\x1a\n", 8); }

static int is_tiff(onnxc_span file) { return begins(file, "II*\0", 4) || begins(file, "MM\0*", 4); }

static int is_jpeg(onnxc_span file) { return begins(file, "\xff\xd8\xff", 3); }

static int is_webp(onnxc_span file) { return begins(file, "RIFF", 4) && begins(onnxc_part(file, 8, 4), "WEBP", 4); }

static int is_jp2(onnxc_span file) {
  return begins(file, "\xff\x4f\xff\x51", 4) || begins(file, "\0\0\0\x0cjP  \r\n\x87\n", 12);
}

static const coder coders[] = {
    {is_bmp, onnxc_bmp_measure, onnxc_bmp_decode},    {is_pnm, onnxc_pnm_measure, onnxc_pnm_decode},
    {is_png, onnxc_png_measure, onnxc_png_decode},    {is_tiff, onnxc_tiff_measure, onnxc_tiff_decode},
    {is_jpeg, onnxc_jpeg_measure, onnxc_jpeg_decode}, {is_webp, onnxc_webp_measure, onnxc_webp_decode},
    {is_jp2, onnxc_jp2_measure, onnxc_jp2_decode},
};

/* The format of a file and its measures. */
static int recognize(onnxc_span file, const coder **found, onnxc_measure *measure) {
  for (size_t index = 0; index < sizeof coders / sizeof coders[0]; index++) {
    if (!coders[index].matches(file)) continue;
    measure->work = 0;
    *found = &coders[index];
    ONNXC_TRY(coders[index].measure(file, measure));
    if (measure->work < 16) measure->work = 16;
    return ONNXC_IMAGE_OK;
  }
  return ONNXC_IMAGE_UNSUPPORTED;
}

/* What is known of the bytes of a call. */
static int open_image(const uint8_t *encoded, int64_t count, onnxc_span *file, const coder **found, int64_t *measures) {
  onnxc_measure measure;
  file->at = encoded;
  file->count = count < 0 ? 0 : (size_t)count;
  ONNXC_TRY(recognize(*file, found, &measure));
  measures[0] = measure.height;
  measures[1] = measure.width;
  measures[2] = measure.work;
  return ONNXC_IMAGE_OK;
}

int onnxc_image_measure(const uint8_t *encoded, const int64_t *count, int64_t *measures) {
  onnxc_span file;
  const coder *found;
  return open_image(encoded, *count, &file, &found, measures);
}

int onnxc_image_decode(const uint8_t *encoded, const int64_t *count, const int64_t *measures, int64_t format,
                       uint8_t *pixels, uint8_t *work) {
  onnxc_span file;
  const coder *found;
  int64_t own[3];
  ONNXC_TRY(open_image(encoded, *count, &file, &found, own));
  if (memcmp(own, measures, sizeof own) != 0) return ONNXC_IMAGE_DAMAGED;
  const onnxc_canvas canvas = {pixels, format, (int32_t)own[1], (int32_t)own[0]};
  return found->decode(file, &canvas, work);
}
