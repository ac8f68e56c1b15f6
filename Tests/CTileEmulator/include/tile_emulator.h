#ifndef TILE_EMULATOR_H
#define TILE_EMULATOR_H

/// Makes this process execute the tile instructions of Intel AMX that its processor lacks, slowly: loads, stores and
/// products of bf16 numbers. Does nothing where the processor has them and the system lets the process use them, and on
/// other systems than Linux on x86-64.
///
/// Returns 1 if tile instructions can be used afterwards, else 0.
int tile_emulator_install(void);

/// How many instructions were emulated in all threads.
unsigned long tile_emulator_count(void);

#endif
