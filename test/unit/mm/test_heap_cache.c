// SPDX-License-Identifier: MIT
// test_heap_cache.c - caches in front of one heap: several in turn, as CPUs have them, and
// several at once.
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/lock.h"
#include "mm/heap_cache.h"
#include "test/support/alloc_model.h"
#include "test/support/check_main.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS = 4, SLOTS = 1500, OPERATIONS = 1000000, HEAP_BYTES = 2 << 20 };

static struct world {
    struct exo_lock lock;
    struct heap *heap;
    struct heap_cache caches[CPUS];
    void *tables, *mem;
} world;

static void begin(size_t bytes)
{
    ck_assert_int_eq(posix_memalign(&world.tables, 16, heap_bytes()), 0);
    world.mem = malloc(bytes);
    world.heap = heap_init(world.tables);
    ck_assert_int_eq(heap_add(world.heap, world.mem, bytes), 0);
    for (uint32_t i = 0; i < CPUS; i++)
        heap_cache_init(&world.caches[i]);
}

static struct heap_stats stats(void)
{
    struct heap_stats all = heap_stats(world.heap);
    for (uint32_t i = 0; i < CPUS; i++)
        heap_cache_count(&world.caches[i], &all);
    return all;
}

static void flush_all(void)
{
    for (uint32_t i = 0; i < CPUS; i++)
        heap_cache_flush(&world.caches[i], world.heap);
}

// Nothing is allocated or cached any more, and all has merged.
static void end(void)
{
    flush_all();
    heap_check(world.heap);
    struct heap_stats all = stats();
    exo_assert(all.used == 0 && all.blocks == 0 && all.cached == 0 && all.largest == all.total);
    free(world.mem);
    free(world.tables);
}

// ---- malloc as sdk/libc/malloc.c has it ----

static void *get(struct heap_cache *cache, size_t bytes)
{
    void *ptr = heap_cache_alloc(cache, bytes);
    if (ptr)
        return ptr;
    exo_lock_take(&world.lock);
    ptr = heap_cache_get(cache, world.heap, bytes);
    exo_lock_give(&world.lock);
    return ptr;
}

static void put(struct heap_cache *cache, void *ptr)
{
    if (heap_cache_free(cache, ptr))
        return;
    exo_lock_take(&world.lock);
    heap_cache_put(cache, world.heap, ptr);
    exo_lock_give(&world.lock);
}

static void *get_aligned(struct heap_cache *cache, size_t align, size_t bytes)
{
    if (align <= HEAP_ALIGN)
        return get(cache, bytes);
    exo_lock_take(&world.lock);
    void *ptr = heap_alloc_aligned(world.heap, align, bytes);
    exo_lock_give(&world.lock);
    return ptr;
}

static void *resize(struct heap_cache *cache, void *ptr, size_t bytes)
{
    exo_lock_take(&world.lock);
    bool resized = heap_resize(world.heap, ptr, bytes);
    exo_lock_give(&world.lock);
    void *moved = resized ? ptr : get(cache, bytes);
    if (resized || !moved)
        return moved;
    memcpy(moved, ptr, EXO_MIN(bytes, heap_size(ptr)));
    put(cache, ptr);
    return moved;
}

// ---- the model, on one CPU after the other ----

static struct heap_cache *some_cache(void *seed)
{
    return &world.caches[alloc_model_random(seed) % CPUS];
}

static void *any_alloc(void *seed, size_t align, size_t bytes)
{
    return get_aligned(some_cache(seed), align, bytes);
}

static void *any_resize(void *seed, void *ptr, size_t bytes)
{
    return resize(some_cache(seed), ptr, bytes);
}

static void any_free(void *seed, void *ptr)
{
    put(some_cache(seed), ptr);
}

static void run_model(uint32_t seed)
{
    static struct alloc_slot slots[SLOTS];
    uint32_t cpu_seed = seed + 77;
    begin(HEAP_BYTES);
    struct alloc_model model = {.calls = {any_alloc, any_resize, any_free, &cpu_seed},
                                .slots = slots,
                                .count = SLOTS,
                                .seed = seed};
    for (uint32_t op = 0; op < OPERATIONS; op++) {
        alloc_model_step(&model);
        if (op % 8192 == 0)
            heap_check(world.heap);
    }
    struct heap_stats full = stats();
    printf("mm.heap_cache: seed %u: %zu of %zu KiB used, %zu cached by %d, peak %zu, %u refused; "
           "fragmentation %u %%\n",
           seed, full.used / 1024, full.total / 1024, full.cached / 1024, CPUS, full.peak / 1024,
           model.refused, heap_fragmentation_percent(&full));
    alloc_model_end(&model);
    end();
}

START_TEST(a_block_may_go_back_to_any_cache)
{
    run_model(3);
    run_model(4);
}
END_TEST

// ---- at once: each thread is a CPU and hands every block on to the next one ----

enum { RING = 64, HANDED_ON = 200000 };

static struct mailbox {
    void *blocks[RING];
    uint32_t put, taken;
} mailboxes[CPUS];

static bool hand_on(struct mailbox *box, void *block)
{
    if (box->put - __atomic_load_n(&box->taken, __ATOMIC_ACQUIRE) == RING)
        return false;
    box->blocks[box->put % RING] = block;
    __atomic_store_n(&box->put, box->put + 1, __ATOMIC_RELEASE);
    return true;
}

static void *receive(struct mailbox *box)
{
    if (__atomic_load_n(&box->put, __ATOMIC_ACQUIRE) == box->taken)
        return NULL;
    void *block = box->blocks[box->taken % RING];
    __atomic_store_n(&box->taken, box->taken + 1, __ATOMIC_RELEASE);
    return block;
}

// A block carries its size and is filled with the low byte of it.
static void *make(struct heap_cache *cache, uint32_t *seed)
{
    size_t bytes = 16 + alloc_model_random(seed) % 600;
    size_t *block = get(cache, bytes);
    exo_assert(block);
    memset(block, (int)bytes, bytes);
    *block = bytes;
    return block;
}

static void unmake(struct heap_cache *cache, void *block)
{
    size_t bytes = *(size_t *)block;
    for (size_t i = sizeof bytes; i < bytes; i++)
        exo_assert(((uint8_t *)block)[i] == (uint8_t)bytes);
    put(cache, block);
}

static void *cpu_main(void *arg)
{
    size_t cpu = (size_t)arg;
    struct heap_cache *cache = &world.caches[cpu];
    uint32_t seed = (uint32_t)cpu + 1;
    uint32_t sent = 0, received = 0;
    void *next = NULL;
    while (sent < HANDED_ON || received < HANDED_ON) {
        next = next || sent == HANDED_ON ? next : make(cache, &seed);
        if (next && hand_on(&mailboxes[(cpu + 1) % CPUS], next)) {
            next = NULL;
            sent++;
        }
        void *block = receive(&mailboxes[cpu]);
        if (block) {
            unmake(cache, block);
            received++;
        } else {
            sched_yield(); // on one real CPU the neighbour waits for this one's turn to end
        }
    }
    return NULL;
}

START_TEST(cpus_free_what_others_allocated_at_the_same_time)
{
    pthread_t threads[CPUS];
    begin(HEAP_BYTES);
    for (size_t i = 0; i < CPUS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, cpu_main, (void *)i), 0);
    for (size_t i = 0; i < CPUS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    end();
}
END_TEST

// ---- edges ----

START_TEST(every_small_size_is_cached_and_no_other)
{
    begin(1 << 20);
    struct heap_cache *cache = &world.caches[0];
    for (size_t bytes = 0; bytes < 700; bytes++) {
        void *ptr = get(cache, bytes);
        ck_assert_ptr_null(heap_cache_alloc(cache, bytes));
        ck_assert_uint_ge(heap_size(ptr), bytes);
        size_t block_bytes = heap_size(ptr) + HEAP_HEAD;
        ck_assert_int_eq(heap_cache_free(cache, ptr), block_bytes <= HEAP_CACHE_BYTES);
        if (block_bytes > HEAP_CACHE_BYTES)
            heap_free(world.heap, ptr);
        else if (bytes > 8)
            ck_assert_ptr_eq(heap_cache_alloc(cache, bytes), ptr);
        if (block_bytes <= HEAP_CACHE_BYTES && bytes > 8)
            heap_free(world.heap, ptr);
        flush_all();
    }
    ck_assert_ptr_null(heap_cache_alloc(cache, SIZE_MAX));
    end();
}
END_TEST

START_TEST(a_full_class_makes_room_and_is_bounded)
{
    begin(1 << 20);
    void *ptrs[200];
    for (size_t i = 0; i < 200; i++)
        ptrs[i] = get(&world.caches[0], 64);
    for (size_t i = 0; i < 200; i++) {
        put(&world.caches[0], ptrs[i]);
        ck_assert_uint_le(stats().cached, HEAP_CACHE_DEPTH * 80);
    }
    ck_assert_uint_gt(stats().cached, 0);
    ck_assert_uint_eq(stats().used, 0);
    ck_assert_uint_eq(stats().blocks, 0);
    end();
}
END_TEST

START_TEST(what_is_cached_serves_a_large_request_when_there_is_nothing_else)
{
    begin(4096);
    void *ptrs[200];
    size_t n = 0;
    while ((ptrs[n] = get(&world.caches[0], 40)))
        n++;
    for (size_t i = 0; i < n; i++)
        put(&world.caches[0], ptrs[i]);
    void *large = get(&world.caches[0], heap_stats(world.heap).total - HEAP_HEAD);
    ck_assert_ptr_nonnull(large);
    put(&world.caches[0], large);
    end();
}
END_TEST

START_TEST(memory_with_cached_blocks_is_not_taken_back)
{
    begin(8192);
    void *ptr = get(&world.caches[1], 100);
    put(&world.caches[1], ptr);
    ck_assert_ptr_null(heap_take_back(world.heap).ptr);
    heap_cache_flush(&world.caches[1], world.heap);
    ck_assert_ptr_eq(heap_take_back(world.heap).ptr, world.mem);
    free(world.mem);
    free(world.tables);
}
END_TEST

// ---- misuse ----

START_TEST(double_free_into_one_cache_is_caught)
{
    begin(1 << 20);
    void *ptr = get(&world.caches[0], 64);
    put(&world.caches[0], ptr);
    put(&world.caches[0], ptr);
}
END_TEST

START_TEST(double_free_into_two_caches_is_caught)
{
    begin(1 << 20);
    void *ptr = get(&world.caches[0], 64);
    put(&world.caches[0], ptr);
    put(&world.caches[1], ptr);
}
END_TEST

START_TEST(free_of_a_pointer_into_a_block_is_caught)
{
    begin(1 << 20);
    uint8_t *ptr = get(&world.caches[0], 64);
    memset(ptr, 0, 64);
    put(&world.caches[0], ptr + 16);
}
END_TEST

START_TEST(free_of_a_crooked_pointer_is_caught)
{
    begin(1 << 20);
    uint8_t *ptr = get(&world.caches[0], 64);
    memset(ptr, 0xff, 64);
    put(&world.caches[0], ptr + 9);
}
END_TEST

START_TEST(free_of_a_list_head_inside_a_block_is_caught)
{
    begin(1 << 20);
    uint64_t *ptr = get(&world.caches[0], 64);
    ptr[1] = (uint64_t)&ptr[2]; // a pointer to itself, as empty lists are
    put(&world.caches[0], &ptr[2]);
}
END_TEST

START_TEST(a_cached_block_with_a_trampled_head_is_caught)
{
    begin(1 << 20);
    uint8_t *ptr = get(&world.caches[0], 64);
    put(&world.caches[0], ptr);
    memset(ptr - 8, 0, 8);
    put(&world.caches[0], get(&world.caches[0], 64));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_block_may_go_back_to_any_cache,
        cpus_free_what_others_allocated_at_the_same_time,
        every_small_size_is_cached_and_no_other,
        a_full_class_makes_room_and_is_bounded,
        what_is_cached_serves_a_large_request_when_there_is_nothing_else,
        memory_with_cached_blocks_is_not_taken_back,
    };
    const TTest *const misuses[] = {
        double_free_into_one_cache_is_caught,         double_free_into_two_caches_is_caught,
        free_of_a_pointer_into_a_block_is_caught,     free_of_a_crooked_pointer_is_caught,
        free_of_a_list_head_inside_a_block_is_caught, a_cached_block_with_a_trampled_head_is_caught,
    };
    return check_main_misuse("mm.heap_cache", tests, EXO_COUNT(tests), misuses, EXO_COUNT(misuses));
}
