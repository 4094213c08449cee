// SPDX-License-Identifier: MIT
// firmware.h - targets for the tables that a firmware leaves in memory.
#ifndef TEST_FUZZ_FIRMWARE_H
#define TEST_FUZZ_FIRMWARE_H

#include <stddef.h>
#include <stdint.h>

void fuzz_run_acpi(const uint8_t *bytes, size_t len);
size_t fuzz_seed_acpi(uint8_t *out);

void fuzz_run_mp(const uint8_t *bytes, size_t len);
size_t fuzz_seed_mp(uint8_t *out);

#endif
