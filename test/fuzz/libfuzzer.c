// SPDX-License-Identifier: MIT
// libfuzzer.c - the same targets for libFuzzer: the first byte of an input chooses one.
#include "test/fuzz/targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len != 0)
        fuzz_targets[bytes[0] % fuzz_target_count].run(bytes + 1, len - 1);
    return 0;
}
