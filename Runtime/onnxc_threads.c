#include "onnxc_threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdlib.h>

/* How often a waiting thread looks for work before it sleeps: some ten microseconds. */
enum { SPINS = 20000 };

struct worker {
  onnxc_threads *threads;
  uint32_t number;
  pthread_t thread;
};

struct onnxc_threads {
  uint32_t count;
  void (*task)(void *arguments, uint32_t part);
  void *arguments;
  uint32_t parts;
  atomic_uint round;   /* rises with every computation */
  atomic_uint running; /* workers that have not finished the current one */
  atomic_uint sleepers;
  atomic_bool ends;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  struct worker workers[];
};

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* A worker computes the parts that its number starts, in steps of the count: the same ones every time. */
static void compute(const onnxc_threads *threads, uint32_t number) {
  for (uint32_t part = number; part < threads->parts; part += threads->count) threads->task(threads->arguments, part);
}

static void await_round(onnxc_threads *threads, unsigned last) {
  for (int spin = 0; spin < SPINS; ++spin) {
    if (atomic_load_explicit(&threads->round, memory_order_acquire) != last) return;
    pause_briefly();
  }
  pthread_mutex_lock(&threads->mutex);
  atomic_fetch_add(&threads->sleepers, 1);
  while (atomic_load(&threads->round) == last) pthread_cond_wait(&threads->wake, &threads->mutex);
  atomic_fetch_sub(&threads->sleepers, 1);
  pthread_mutex_unlock(&threads->mutex);
}

static void start_round(onnxc_threads *threads) {
  atomic_fetch_add(&threads->round, 1);
  if (atomic_load(&threads->sleepers) > 0) {
    pthread_mutex_lock(&threads->mutex);
    pthread_cond_broadcast(&threads->wake);
    pthread_mutex_unlock(&threads->mutex);
  }
}

static void *work(void *argument) {
  const struct worker *worker = argument;
  onnxc_threads *threads = worker->threads;
  for (unsigned last = 0;; ++last) {
    await_round(threads, last);
    if (atomic_load(&threads->ends)) return NULL;
    compute(threads, worker->number);
    atomic_fetch_sub_explicit(&threads->running, 1, memory_order_release);
  }
}

void onnxc_threads_run(void *context, void (*task)(void *arguments, uint32_t part), void *arguments, uint32_t parts) {
  onnxc_threads *threads = context;
  threads->task = task;
  threads->arguments = arguments;
  threads->parts = parts;
  atomic_store(&threads->running, threads->count - 1);
  start_round(threads);
  compute(threads, 0);
  for (unsigned spin = 1; atomic_load_explicit(&threads->running, memory_order_acquire) != 0; ++spin) {
    if (spin % SPINS == 0) sched_yield();
    pause_briefly();
  }
}

onnxc_threads *onnxc_threads_create(uint32_t count) {
  if (count == 0 || count > 1024) return NULL;
  onnxc_threads *threads = calloc(1, sizeof *threads + (size_t)(count - 1) * sizeof threads->workers[0]);
  if (threads == NULL) return NULL;
  pthread_mutex_init(&threads->mutex, NULL);
  pthread_cond_init(&threads->wake, NULL);
  /* Workers that could not be started are left out. */
  threads->count = 1;
  for (uint32_t number = 1; number < count; ++number) {
    struct worker *worker = &threads->workers[number - 1];
    worker->threads = threads;
    worker->number = number;
    if (pthread_create(&worker->thread, NULL, work, worker) != 0) break;
    threads->count = number + 1;
  }
  return threads;
}

void onnxc_threads_destroy(onnxc_threads *threads) {
  if (threads == NULL) return;
  atomic_store(&threads->ends, true);
  start_round(threads);
  for (uint32_t number = 1; number < threads->count; ++number) pthread_join(threads->workers[number - 1].thread, NULL);
  pthread_cond_destroy(&threads->wake);
  pthread_mutex_destroy(&threads->mutex);
  free(threads);
}
