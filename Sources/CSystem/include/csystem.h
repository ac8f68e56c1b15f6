#ifndef CSYSTEM_H
#define CSYSTEM_H

/* Keeps this process on the last `count` processors it may use, when it may use more. */
void csystem_pin_to_last_processors(int count);

/* Makes this process end with code 4 where it would be killed by a fault of its own, a full stack included. */
void csystem_exit_on_faults(void);

/* Whether the processor has the tile registers of Intel AMX for bf16 numbers and the system lets this process use them,
   which it is asked for. */
int csystem_may_use_tiles(void);

#endif
