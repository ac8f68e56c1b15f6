#include "onnxc_threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdlib.h>

/* How often a waiting thread looks for work, some hundred microseconds, before it lets other threads use its processor, of which one
 * may be of this pool; and how often it does that before it sleeps. */
#if defined(__x86_64__) || defined(__i386__)
enum { SPINS = 3000 };
#else
enum { SPINS = 50000 };
#endif
enum { YIELDS = 8 };

struct worker {
  onnxc_threads *threads;
  uint32_t number;
  pthread_t thread;
  atomic_uint taken; /* twice the round that its share belongs to, plus one once some thread has taken it */
};

struct onnxc_threads {
  uint32_t count;
  void (*task)(void *arguments, uint32_t part);
  void *arguments;
  uint32_t parts;
  atomic_uint round;      /* rises with every computation */
  atomic_uint unfinished; /* threads' shares of the current one */
  atomic_uint sleepers;
  atomic_bool ends;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  struct worker workers[]; /* the first one is the caller's */
};

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Computes a share, every count-th part, unless some thread has taken it. One of a computation that has ended is taken. */
static void compute(onnxc_threads *threads, unsigned round, uint32_t number) {
  atomic_uint *taken = &threads->workers[number].taken;
  unsigned open = 2 * round;
  if (atomic_load(taken) != open || !atomic_compare_exchange_strong(taken, &open, open + 1)) return;
  for (uint32_t part = number; part < threads->parts; part += threads->count) threads->task(threads->arguments, part);
  atomic_fetch_sub_explicit(&threads->unfinished, 1, memory_order_release);
}

/* A thread computes its own share, the same one every time, and then those that others have not begun: they may be waiting for a
 * processor. */
static void compute_all(onnxc_threads *threads, unsigned round, uint32_t number) {
  for (uint32_t next = 0; next < threads->count; ++next) compute(threads, round, (number + next) % threads->count);
}

static void await_round(onnxc_threads *threads, unsigned last) {
  for (int yield = 0; yield < YIELDS; ++yield) {
    for (int spin = 0; spin < SPINS; ++spin) {
      if (atomic_load_explicit(&threads->round, memory_order_acquire) != last) return;
      pause_briefly();
    }
    sched_yield();
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
  unsigned last = 0;
  for (;;) {
    await_round(threads, last);
    if (atomic_load(&threads->ends)) return NULL;
    last = atomic_load_explicit(&threads->round, memory_order_acquire);
    compute_all(threads, last, worker->number);
  }
}

void onnxc_threads_run(void *context, void (*task)(void *arguments, uint32_t part), void *arguments, uint32_t parts) {
  onnxc_threads *threads = context;
  unsigned round = atomic_load_explicit(&threads->round, memory_order_relaxed) + 1;
  threads->task = task;
  threads->arguments = arguments;
  threads->parts = parts;
  atomic_store_explicit(&threads->unfinished, threads->count, memory_order_relaxed);
  for (uint32_t number = 0; number < threads->count; ++number)
    atomic_store_explicit(&threads->workers[number].taken, 2 * round, memory_order_relaxed);
  start_round(threads);
  compute_all(threads, round, 0);
  for (unsigned spin = 1; atomic_load_explicit(&threads->unfinished, memory_order_acquire) != 0; ++spin) {
    if (spin % SPINS == 0) sched_yield();
    pause_briefly();
  }
}

onnxc_threads *onnxc_threads_create(uint32_t count) {
  if (count == 0 || count > 1024) return NULL;
  onnxc_threads *threads = calloc(1, sizeof *threads + (size_t)count * sizeof threads->workers[0]);
  if (threads == NULL) return NULL;
  pthread_mutex_init(&threads->mutex, NULL);
  pthread_cond_init(&threads->wake, NULL);
  /* Workers that could not be started are left out. */
  threads->count = 1;
  for (uint32_t number = 1; number < count; ++number) {
    struct worker *worker = &threads->workers[number];
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
  for (uint32_t number = 1; number < threads->count; ++number) pthread_join(threads->workers[number].thread, NULL);
  pthread_cond_destroy(&threads->wake);
  pthread_mutex_destroy(&threads->mutex);
  free(threads);
}
