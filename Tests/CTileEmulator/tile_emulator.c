// The encodings and the order of additions are those of Intel's manual, volume 2.
#define _GNU_SOURCE
#include "csystem.h"
#include "tile_emulator.h"

#if defined(__x86_64__) && defined(__linux__)

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

typedef struct {
  uint8_t rows[8];
  uint16_t bytes_per_row[8];
  uint8_t data[8][16][64];
} tile_state;

static _Thread_local tile_state tiles;
static atomic_ulong count;

typedef struct {
  const uint8_t *next;
  greg_t *registers;
  unsigned extend_index, extend_base;
  unsigned operand, prefix, opcode;
} instruction;

static greg_t *general(const instruction *in, unsigned number) {
  static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  return &in->registers[order[number]];
}

static int64_t displacement(instruction *in, unsigned mode) {
  int8_t small;
  int32_t wide;
  if (mode == 1) {
    memcpy(&small, in->next, 1);
    in->next += 1;
    return small;
  }
  memcpy(&wide, in->next, 4);
  in->next += 4;
  return wide;
}

/// The address that a ModRM byte names; `stride` gets the scaled index.
static uint8_t *address(instruction *in, uint8_t modrm, int64_t *stride) {
  unsigned mode = modrm >> 6, base = modrm & 7;
  *stride = 0;
  int64_t place;
  if (base == 4) {
    uint8_t sib = *in->next++;
    unsigned index = ((sib >> 3) & 7) | in->extend_index;
    if (index != 4) *stride = (int64_t)((uint64_t)*general(in, index) << (sib >> 6));
    base = sib & 7;
    if (mode == 0 && base == 5) return (uint8_t *)displacement(in, 2);
    place = *general(in, base | in->extend_base);
  } else if (mode == 0 && base == 5) {
    int64_t distance = displacement(in, 2);
    return (uint8_t *)in->next + distance;
  } else {
    place = *general(in, base | in->extend_base);
  }
  return (uint8_t *)(mode == 0 ? place : place + displacement(in, mode));
}

static void configure(const uint8_t *configuration) {
  memset(&tiles, 0, sizeof tiles);
  for (int tile = 0; tile < 8; tile++) {
    tiles.rows[tile] = configuration[48 + tile];
    memcpy(&tiles.bytes_per_row[tile], configuration + 16 + 2 * tile, 2);
  }
}

/// A bf16 number; subnormal ones are 0.
static float number(uint32_t bits) {
  float value;
  if ((bits & 0x7f800000u) == 0) bits &= 0x80000000u;
  memcpy(&value, &bits, 4);
  return value;
}

static void multiply(unsigned sum, unsigned left, unsigned right) {
  int columns = tiles.bytes_per_row[sum] / 4, depth = tiles.bytes_per_row[left] / 4;
  for (int row = 0; row < tiles.rows[sum]; row++) {
    float low[16] = {0}, high[16] = {0}, sums[16];
    for (int k = 0; k < depth; k++) {
      uint32_t pair, other[16];
      memcpy(&pair, &tiles.data[left][row][4 * k], 4);
      memcpy(other, tiles.data[right][k], 64);
      float first = number(pair << 16), second = number(pair & 0xffff0000u);
      for (int column = 0; column < 16; column++) low[column] += first * number(other[column] << 16);
      for (int column = 0; column < 16; column++) high[column] += second * number(other[column] & 0xffff0000u);
    }
    memcpy(sums, tiles.data[sum][row], 64);
    for (int column = 0; column < columns; column++) sums[column] += low[column] + high[column];
    memcpy(tiles.data[sum][row], sums, 4 * (size_t)columns);
  }
}

/// The same for groups of 4 bytes, those of `left` unsigned and those of `right` signed.
static void multiply_bytes(unsigned sum, unsigned left, unsigned right) {
  int columns = tiles.bytes_per_row[sum] / 4, depth = tiles.bytes_per_row[left] / 4;
  for (int row = 0; row < tiles.rows[sum]; row++) {
    int32_t sums[16];
    memcpy(sums, tiles.data[sum][row], 64);
    for (int k = 0; k < 4 * depth; k++) {
      int32_t value = tiles.data[left][row][k];
      const int8_t *other = (const int8_t *)tiles.data[right][k / 4];
      for (int column = 0; column < columns; column++) {
        sums[column] = (int32_t)((uint32_t)sums[column] + (uint32_t)(value * other[4 * column + k % 4]));
      }
    }
    memcpy(tiles.data[sum][row], sums, 4 * (size_t)columns);
  }
}

/// Executes an instruction; 0 for those that are not of tiles, or whose operands do not fit.
static int execute(instruction *in) {
  uint8_t modrm = *in->next++;
  unsigned tile = (modrm >> 3) & 7, other = modrm & 7;
  int64_t stride;
  int is_pairs = in->opcode == 0x5c && in->prefix == 2, is_bytes = in->opcode == 0x5e && in->prefix == 1;
  if ((is_pairs || is_bytes) && modrm >> 6 == 3) {
    if (tiles.rows[tile] != tiles.rows[other] || tiles.bytes_per_row[other] != 4 * tiles.rows[in->operand]) return 0;
    (is_pairs ? multiply : multiply_bytes)(tile, other, in->operand);
    return 1;
  }
  if (in->opcode == 0x49 && modrm >> 6 == 3) {
    if (in->prefix == 0) memset(&tiles, 0, sizeof tiles);
    if (in->prefix == 3) memset(tiles.data[tile], 0, sizeof tiles.data[tile]);
    return 1;
  }
  if (in->opcode == 0x49 && in->prefix == 0) {
    configure(address(in, modrm, &stride));
    return 1;
  }
  if (in->opcode != 0x4b || modrm >> 6 == 3 || tiles.rows[tile] == 0) return 0;
  uint8_t *place = address(in, modrm, &stride);
  for (int row = 0; row < tiles.rows[tile]; row++) {
    uint8_t *memory = place + row * stride;
    if (in->prefix == 2) {
      memcpy(memory, tiles.data[tile][row], tiles.bytes_per_row[tile]);
    } else {
      memset(tiles.data[tile][row], 0, 64);
      memcpy(tiles.data[tile][row], memory, tiles.bytes_per_row[tile]);
    }
  }
  return 1;
}

static void handle(int signal, siginfo_t *information, void *context) {
  (void)information;
  ucontext_t *state = context;
  const uint8_t *code = (const uint8_t *)state->uc_mcontext.gregs[REG_RIP];
  instruction in = {.registers = state->uc_mcontext.gregs};
  if (code[0] == 0xc4 && (code[1] & 0x1f) == 2) {
    in.extend_index = code[1] & 0x40 ? 0 : 8;
    in.extend_base = code[1] & 0x20 ? 0 : 8;
    in.operand = ~(code[2] >> 3) & 15;
    in.prefix = code[2] & 3;
    in.opcode = code[3];
    in.next = code + 4;
    if (execute(&in)) {
      atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
      state->uc_mcontext.gregs[REG_RIP] = (greg_t)in.next;
      return;
    }
  }
  struct sigaction standard = {.sa_handler = SIG_DFL};
  sigaction(signal, &standard, NULL);
}

int tile_emulator_install(void) {
  if (csystem_may_use_tiles()) return 1;
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
  return sigaction(SIGILL, &action, NULL) == 0;
}

unsigned long tile_emulator_count(void) { return atomic_load(&count); }

#else

int tile_emulator_install(void) { return 0; }
unsigned long tile_emulator_count(void) { return 0; }

#endif
