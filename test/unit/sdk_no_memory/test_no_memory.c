// SPDX-License-Identifier: MIT
//
// Two stacks, a listener, a connection and what goes over it, again and again: each time
// another one of all the allocations that this takes fails. Every one is an error for whoever
// asked, and nothing of the rest is left behind.
#undef malloc // here they are the true ones
#undef calloc
#undef aligned_alloc
#undef free
#include "core/clock.h"
#include "exo/err.h"
#include "sdk/glue/run.h"
#include "sdk/glue/sock.h"
#include "test/support/check_main.h"
#include "test/unit/sdk/fake_machine.h"

#include <stdio.h>
#include <string.h>

static struct {
    uint32_t until_failure; // allocations that succeed before one fails
    bool failed;
    uint32_t out; // blocks
} memory;

void *test_malloc(size_t bytes);
void *test_calloc(size_t count, size_t bytes);
void *test_aligned_alloc(size_t align, size_t bytes);
void test_free(void *ptr);

static bool is_refused(void)
{
    bool refused = !memory.failed && memory.until_failure-- == 0;
    memory.failed |= refused;
    memory.out += !refused;
    return refused;
}

void *test_malloc(size_t bytes)
{
    return is_refused() ? NULL : malloc(bytes);
}

void *test_calloc(size_t count, size_t bytes)
{
    return is_refused() ? NULL : calloc(count, bytes);
}

void *test_aligned_alloc(size_t align, size_t bytes)
{
    return is_refused() ? NULL : aligned_alloc(align, bytes);
}

void test_free(void *ptr)
{
    memory.out -= ptr != NULL;
    free(ptr);
}

// --- what is tried -----------------------------------------------------------------

static const struct endpoint at_server = {{{10, 0, 0, 1}}, 80};

static struct {
    struct net_task *server, *client;
    struct sock *listener;
    bool done; // everything went as if there were memory
} lab;

static exo_ns in(exo_ns ns)
{
    return core_clock_now() + ns;
}

static int start(uint8_t nth, struct net_task **out)
{
    struct net_config config = {
        .pkts = 64,
        .tcp_conns = 8,
        .tcp_time_wait = 8,
        .udp_sockets = 2,
        .listeners = 2,
        .rx_window_bytes = 16384,
        .tx_buffer_bytes = 16384,
        .addr = {{10, 0, 0, (uint8_t)(nth + 1)}},
        .prefix_len = 24,
    };
    return net_task_start(nth, &config, out);
}

static void serve_one(void *arg)
{
    struct sock *s;
    char data[4];
    (void)arg;
    if (sock_accept(lab.listener, in(EXO_S(5)), &s) != 0)
        return;
    if (sock_recv(s, data, sizeof data, in(EXO_S(5))) == 4)
        sock_send(s, data, sizeof data, in(EXO_S(5)));
    sock_close(s);
}

static void ask(void)
{
    struct sock *s;
    char data[4] = "abc";
    if (sock_connect(lab.client, at_server, in(EXO_S(5)), &s) != 0)
        return;
    lab.done = sock_send(s, data, sizeof data, in(EXO_S(5))) == 0 &&
               sock_recv(s, data, sizeof data, in(EXO_S(5))) == 4;
    sock_close(s);
}

static void talk(void)
{
    if (sock_listen(lab.server, 80, 4, &lab.listener) != 0)
        return;
    uint32_t others = run_sched()->live;
    if (spawn("server", serve_one, NULL) == 0)
        ask();
    while (run_sched()->live > others)
        run_sleep(EXO_MS(100));
    sock_close(lab.listener);
}

static void datagrams(void)
{
    struct sock *s;
    if (sock_udp(lab.client, 7, &s) == 0)
        sock_close(s);
    else
        lab.done = false;
}

static void scenario(void *arg)
{
    (void)arg;
    if (start(0, &lab.server) != 0)
        return;
    if (start(1, &lab.client) == 0) {
        talk();
        datagrams();
        net_task_stop(lab.client);
    }
    net_task_stop(lab.server);
}

START_TEST(every_allocation_may_fail)
{
    uint32_t n = 0;
    do {
        fake_machine_init();
        memory.until_failure = n;
        memory.failed = false;
        lab.done = false;
        int result = run_main("scenario", scenario, NULL);
        ck_assert(result == 0 || n == 0); // the first one is the stack of the task itself
        ck_assert_msg(machine.frames_out == 0 && machine.stacks_out == 0 &&
                          machine.nics_open == 0 && memory.out == 0,
                      "allocation %u: %u frames, %u stacks, %u NICs, %u blocks are left", n,
                      machine.frames_out, machine.stacks_out, machine.nics_open, memory.out);
        ck_assert_msg(!memory.failed || !lab.done, "allocation %u: nobody was told", n);
        n++;
    } while (memory.failed);
    ck_assert(lab.done);
    printf("sdk.no_memory: each of %u allocations has failed once\n", n - 1);
    ck_assert_uint_gt(n, 10);
}
END_TEST

CHECK_MAIN("sdk.no_memory", every_allocation_may_fail)
