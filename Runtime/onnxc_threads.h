/* Threads for models compiled with --threads; link onnxc_threads.c and the thread library. */
#ifndef ONNXC_THREADS_H
#define ONNXC_THREADS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct onnxc_threads onnxc_threads;

/* Starts count - 1 threads, which wait for work; the caller's thread is one of the count. NULL without memory or threads. */
onnxc_threads *onnxc_threads_create(uint32_t count);

/* Ends the threads; no computation may be running. */
void onnxc_threads_destroy(onnxc_threads *threads);

/* Calls task(arguments, part) once for every part below parts, and returns when all calls have.
 * One computation at a time; with onnxc_threads as its context this is the hook onnxc_parallel.run. */
void onnxc_threads_run(void *threads, void (*task)(void *arguments, uint32_t part), void *arguments, uint32_t parts);

#ifdef __cplusplus
}
#endif

#endif
