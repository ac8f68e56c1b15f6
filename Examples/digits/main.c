/* Recognises ten handwritten digits with the compiled model and measures its latency. */
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <time.h>

#include "digits.h"
#include "samples.h"

enum { RUNS = 1000 };

static unsigned char arena[DIGITS_ARENA_BYTES + DIGITS_ARENA_ALIGN];

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void draw(const float *image) {
  static const char shades[] = " .:-=+*#%@";
  for (int row = 0; row < 8; row++) {
    fputs("  ", stdout);
    for (int column = 0; column < 8; column++) {
      char shade = shades[(int)(image[8 * row + column] * 9.0f)];
      putchar(shade);
      putchar(shade);
    }
    putchar('\n');
  }
}

static int best(const float *logits) {
  int digit = 0;
  for (int other = 1; other < 10; other++)
    if (logits[other] > logits[digit]) digit = other;
  return digit;
}

int main(void) {
  size_t misalignment = (size_t)arena % DIGITS_ARENA_ALIGN;
  void *work = misalignment ? arena + (DIGITS_ARENA_ALIGN - misalignment) : arena;
  float logits[10];
  int correct = 0;

  for (int sample = 0; sample < SAMPLES; sample++) {
    int status = digits_run(work, sample_images[sample], logits);
    if (status != 0) {
      fprintf(stderr, "digits_run: %s\n", onnxc_strerror(status));
      return 1;
    }
    int digit = best(logits);
    correct += digit == sample_labels[sample];
    draw(sample_images[sample]);
    printf("  label %d, predicted %d\n\n", sample_labels[sample], digit);
  }

  double start = seconds();
  for (int run = 0; run < RUNS; run++) digits_run(work, sample_images[run % SAMPLES], logits);
  double each = (seconds() - start) / RUNS;
  printf("%d of %d correct; %.2f us per image, arena of %ld bytes\n", correct, SAMPLES, each * 1e6,
         (long)DIGITS_ARENA_BYTES);
  return correct == SAMPLES ? 0 : 1;
}
