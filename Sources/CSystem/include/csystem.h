#ifndef CSYSTEM_H
#define CSYSTEM_H

/* Keeps this process on the last `count` processors it may use, when it may use more. */
void csystem_pin_to_last_processors(int count);

#endif
