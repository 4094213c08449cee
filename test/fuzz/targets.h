// SPDX-License-Identifier: MIT
// targets.h - what is fuzzed: each target takes any bytes and must neither fault nor lie.
#ifndef TEST_FUZZ_TARGETS_H
#define TEST_FUZZ_TARGETS_H

#include <stddef.h>
#include <stdint.h>

// A target also holds what it parsed against what its contract promises, by assertion.
struct fuzz_target {
    const char *name;
    void (*run)(const uint8_t *bytes, size_t len);
    size_t (*seed)(uint8_t *out); // writes one good input, at most FUZZ_SEED_BYTES
};

#define FUZZ_SEED_BYTES 600u

extern const struct fuzz_target fuzz_targets[];
extern const size_t fuzz_target_count;

// --- targets with files of their own (firmware's are in firmware.h) ---

void fuzz_run_http(const uint8_t *bytes, size_t len);
size_t fuzz_seed_http(uint8_t *out);

// A whole stack: an input is what its peer, its app, its link and its clock do.
void fuzz_run_talk(const uint8_t *bytes, size_t len);
size_t fuzz_seed_talk(uint8_t *out);

#endif
