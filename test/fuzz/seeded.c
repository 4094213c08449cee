// SPDX-License-Identifier: MIT
// seeded.c - a short fuzzer for every test run: good inputs, damaged at random.
//
//     seeded [target [first_seed [rounds]]]
//
// Says the seed before each thousand rounds, so that a failure is replayed by giving it.
#include "test/fuzz/targets.h"
#include "test/support/net_fixture.h"

// One damaged input: bytes flip, interesting values appear, the end moves.
static size_t damage(struct fixture_rng *rng, uint8_t *bytes, size_t len)
{
    static const uint8_t edges[] = {0, 1, 2, 3, 4, 7, 8, 0x7f, 0x80, 0xfe, 0xff};
    const uint64_t changes = fixture_draw(rng) % 8;
    for (uint64_t i = 0; i < changes && len != 0; i++) {
        const uint64_t r = fixture_draw(rng);
        uint8_t *at = &bytes[(r >> 8) % len];
        if (r & 1)
            *at = edges[(r >> 4 & 15) % sizeof edges];
        else
            *at ^= (uint8_t)(1u << (r >> 1 & 7));
    }
    const uint64_t r = fixture_draw(rng);
    if (r % 4 == 0)
        return (r >> 8) % (len + 1);
    if (r % 4 == 1 && len < FUZZ_SEED_BYTES) {
        const size_t more = (r >> 8) % (FUZZ_SEED_BYTES - len);
        fixture_random(rng, bytes + len, more);
        return len + more;
    }
    return len;
}

static void run(const struct fuzz_target *target, uint64_t seed, unsigned long rounds)
{
    struct fixture_rng rng = {seed * 2 + 1};
    for (unsigned long i = 0; i < rounds; i++) {
        if (i % 1000 == 0)
            fprintf(stderr, "%s seed %llu round %lu\n", target->name, (unsigned long long)seed, i);
        uint8_t bytes[FUZZ_SEED_BYTES];
        size_t len = target->seed(bytes);
        if (i % 16 == 15) // now and then, nothing but noise
            fixture_random(&rng, bytes, len);
        len = damage(&rng, bytes, len);
        target->run(bytes, len);
    }
}

int main(int argc, char **argv)
{
    const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    const unsigned long rounds = argc > 3 ? strtoul(argv[3], NULL, 0) : 20000;
    bool found = false;
    for (size_t i = 0; i < fuzz_target_count; i++) {
        if (argc > 1 && strcmp(argv[1], fuzz_targets[i].name) != 0)
            continue;
        found = true;
        run(&fuzz_targets[i], seed, rounds);
    }
    return found ? EXIT_SUCCESS : EXIT_FAILURE;
}
