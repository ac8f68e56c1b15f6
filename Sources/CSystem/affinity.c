#define _GNU_SOURCE
#include "csystem.h"

#include <sched.h>

void csystem_pin_to_last_processors(int count) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return;
  int surplus = CPU_COUNT(&set) - count;
  for (int cpu = 0; cpu < CPU_SETSIZE && surplus > 0; cpu++) {
    if (!CPU_ISSET(cpu, &set)) continue;
    CPU_CLR(cpu, &set);
    surplus--;
  }
  sched_setaffinity(0, sizeof set, &set);
}
