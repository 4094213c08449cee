// SPDX-License-Identifier: MIT
// parts.h - the loader's 64-bit parts, for C. parts.asm builds them from bootloader/*.inc.
#ifndef TEST_UNIT_BOOTLOADER_PARTS_H
#define TEST_UNIT_BOOTLOADER_PARTS_H

#include "core/handoff.h"

#include <stdint.h>

#define PARTS_CHUNK_BYTES 61440
#define PARTS_PAGE_BYTES  4096
#define PARTS_KERNEL_VA   UINT64_C(0xffffffff80000000)
#define PARTS_TABLE       (UINT64_C(1) << 52 | 3) // an entry that points at a table, in use

extern struct handoff parts_handoff;
extern uint8_t parts_chunk[PARTS_CHUNK_BYTES]; // where the loader reads the kernel file to
extern uint64_t parts_pml4[512];
extern uint64_t parts_pdpt_direct[512];
extern uint64_t parts_pd_direct[512];
extern uint64_t parts_pt_direct[512];
extern uint64_t parts_pd_image[512];
extern uint64_t parts_pt_image[33 * 512];

// struc state of bootloader/state.inc.
extern struct {
    uint64_t file_bytes;   // what the slot's header says
    uint64_t chunk_offset; // 0 before the first chunk
    uint64_t segments_end;
    uint64_t entry;
    uint64_t dynamic;
    uint64_t dynamic_bytes;
    uint64_t slide;
    uint64_t numbers[2];
} parts_state;

// 0, or the address of a message.
uint64_t parts_first_chunk(void);
uint64_t parts_next_chunk(void);
uint64_t parts_relocate(void); // behind the last chunk

// Where `bytes` fit, or 0 and the longest run in *longest.
uint64_t parts_place(uint64_t bytes, uint64_t *longest);

// The digest by way of SHA-NI if `fast` is 1 and this machine has it, else without.
// Returns which way it went.
int parts_sha256(const void *bytes, uint64_t count, uint8_t out[32], int fast);

uint32_t parts_crc32(const void *bytes, uint64_t count);

// The next number of a fixed sequence (xorshift64*); *state is never 0.
static inline uint64_t parts_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

#endif
