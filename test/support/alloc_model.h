// SPDX-License-Identifier: MIT
// alloc_model.h - an allocator against a model of what should be in memory: random sizes,
// alignments, resizes and frees from a seed, every byte checked. For the host and for images.
#ifndef TEST_SUPPORT_ALLOC_MODEL_H
#define TEST_SUPPORT_ALLOC_MODEL_H

#include <stddef.h>
#include <stdint.h>

struct alloc_calls { // the allocator; null is "no memory", and then nothing has changed
    void *(*alloc)(void *ctx, size_t align, size_t bytes); // mostly with an alignment of 1
    void *(*resize)(void *ctx, void *ptr, size_t bytes);
    void (*free)(void *ctx, void *ptr);
    void *ctx;
};

struct alloc_slot {
    uint8_t *ptr; // null: free
    size_t bytes;
    uint64_t key; // what the block is filled with follows from it
};

struct alloc_model {
    struct alloc_calls calls;
    struct alloc_slot *slots; // zeroed by the caller
    uint32_t count;           // of slots
    uint32_t seed;            // not 0
    uint32_t refused;         // allocations and resizes that found no memory
};

// One operation on a random slot. A block that is not as it was left is asserted.
void alloc_model_step(struct alloc_model *m);

// Checks and frees everything.
void alloc_model_end(struct alloc_model *m);

// The next number of a seed, never 0.
uint32_t alloc_model_random(uint32_t *seed);

#endif
