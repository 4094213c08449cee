// SPDX-License-Identifier: MIT
//
// Two machines' worth of glue in one process: a server's stack and a client's, each on a
// NIC with a task of its own, and tasks that talk through blocking sockets.
#include "core/clock.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "sdk/glue/run.h"
#include "sdk/glue/sock.h"
#include "test/support/check_main.h"
#include "test/unit/sdk/fake_machine.h"

#include <string.h>

static struct {
    struct net_task *server;
    struct net_task *client;
} lab;

static const struct endpoint at_server = {{{10, 0, 0, 1}}, 80};

static struct net_config config_of(uint8_t last)
{
    return (struct net_config){
        .pkts = 256,
        .tcp_conns = 128,
        .tcp_time_wait = 128,
        .udp_sockets = 4,
        .listeners = 4,
        .rx_window_bytes = 16384,
        .tx_buffer_bytes = 16384,
        .addr = {{10, 0, 0, last}},
        .prefix_len = 24,
    };
}

static void open_lab(void)
{
    struct net_config server = config_of(1), client = config_of(2);
    ck_assert_int_eq(net_task_start(0, &server, &lab.server), 0);
    ck_assert_int_eq(net_task_start(1, &client, &lab.client), 0);
    ck_assert(net_task_wait_address(lab.server, 0));
}

static void close_lab(void)
{
    net_task_stop(lab.client);
    net_task_stop(lab.server);
}

// Runs `fn` as a task of a machine of its own; afterwards all that it used is back.
static void on_machine(void (*fn)(void *))
{
    ck_assert_int_eq(run_main("test", fn, NULL), 0);
    ck_assert_uint_eq(machine.frames_out, 0);
    ck_assert_uint_eq(machine.stacks_out, 0);
    ck_assert_uint_eq(machine.nics_open, 0);
}

static exo_ns in(exo_ns ns)
{
    return core_clock_now() + ns;
}

// --- echo ------------------------------------------------------------------------

static void echo_one(void *arg)
{
    struct sock *s = arg;
    struct cspan data;
    while (sock_peek(s, EXO_NS_NEVER, &data) == 1) {
        ck_assert_int_eq(sock_send(s, data.ptr, data.len, EXO_NS_NEVER), 0);
        sock_consume(s, data.len);
    }
    sock_close(s);
}

static void echo_server(void *arg)
{
    struct sock *listener = arg, *s;
    while (sock_accept(listener, in(EXO_S(5)), &s) == 0)
        ck_assert_int_eq(spawn("echo", echo_one, s), 0);
    sock_close(listener);
}

static void start_echo(void)
{
    struct sock *listener;
    ck_assert_int_eq(sock_listen(lab.server, 80, 64, &listener), 0);
    ck_assert_int_eq(spawn("server", echo_server, listener), 0);
}

static void read_all(struct sock *s, uint8_t *to, size_t len)
{
    while (len != 0) {
        int got = sock_recv(s, to, len, in(EXO_S(60)));
        ck_assert_int_gt(got, 0);
        to += got;
        len -= (size_t)got;
    }
}

static void say_and_hear(void *arg)
{
    uint8_t said[300], heard[300];
    struct sock *s;
    memset(said, (int)(intptr_t)arg, sizeof said);
    ck_assert_int_eq(sock_connect(lab.client, at_server, in(EXO_S(60)), &s), 0);
    ck_assert_int_eq(sock_send(s, said, sizeof said, in(EXO_S(60))), 0);
    read_all(s, heard, sizeof heard);
    ck_assert_mem_eq(said, heard, sizeof said);
    ck_assert_int_eq(sock_shutdown(s), 0);
    ck_assert_int_eq(sock_recv(s, heard, 1, in(EXO_S(60))), 0); // the end of the stream
    sock_close(s);
}

static void many_echoes(void *arg)
{
    (void)arg;
    open_lab();
    start_echo();
    uint32_t others = run_sched()->live;
    for (intptr_t i = 0; i < 60; i++)
        ck_assert_int_eq(spawn("client", say_and_hear, (void *)i), 0);
    while (run_sched()->live > 3) // this task and the two stacks' are left
        run_sleep(EXO_MS(100));
    ck_assert_uint_eq(others, 4);
    close_lab();
}

START_TEST(sixty_clients_are_echoed_and_nothing_is_left)
{
    fake_machine_init();
    on_machine(many_echoes);
    ck_assert_uint_gt(machine.halts, 0);
}
END_TEST

START_TEST(a_lossy_cable_only_takes_longer)
{
    fake_machine_init();
    machine.lose_every = 7;
    on_machine(many_echoes);
    ck_assert_uint_gt(machine.now, EXO_MS(200)); // retransmission took time, ours did not
}
END_TEST

// --- bulk ------------------------------------------------------------------------

#define BULK 300000u

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 31 + at / 256);
}

static void send_bulk(void *arg)
{
    struct sock *listener = arg, *s;
    ck_assert_int_eq(sock_accept(listener, EXO_NS_NEVER, &s), 0);
    for (size_t at = 0; at < BULK;) {
        struct span room;
        ck_assert_int_ge(sock_reserve(s, EXO_NS_NEVER, &room), 0);
        size_t n = EXO_MIN(room.len, BULK - at);
        for (size_t i = 0; i < n; i++)
            room.ptr[i] = pattern(at + i);
        sock_commit(s, n);
        at += n;
    }
    sock_close(s);
    sock_close(listener);
}

static void receive_bulk(void *arg)
{
    struct sock *listener, *s;
    struct cspan data;
    size_t at = 0;
    (void)arg;
    open_lab();
    ck_assert_int_eq(sock_listen(lab.server, 80, 1, &listener), 0);
    ck_assert_int_eq(spawn("bulk", send_bulk, listener), 0);
    ck_assert_int_eq(sock_connect(lab.client, at_server, EXO_NS_NEVER, &s), 0);
    while (sock_peek(s, EXO_NS_NEVER, &data) == 1) {
        size_t same = 0;
        while (same < data.len && data.ptr[same] == pattern(at + same))
            same++;
        ck_assert_uint_eq(same, data.len);
        sock_consume(s, data.len);
        at += data.len;
    }
    ck_assert_uint_eq(at, BULK);
    sock_close(s);
    close_lab();
}

START_TEST(bulk_data_written_in_place_arrives_whole)
{
    fake_machine_init();
    on_machine(receive_bulk);
    fake_machine_init();
    machine.lose_every = 13;
    on_machine(receive_bulk);
}
END_TEST

// --- what does not work ----------------------------------------------------------

static void try_deadlines(void *arg)
{
    struct sock *listener, *s, *accepted, *never;
    struct span room;
    uint8_t byte;
    (void)arg;
    open_lab();
    exo_ns start = core_clock_now();
    ck_assert_int_eq(sock_connect(lab.client, at_server, in(EXO_S(1)), &s), -EXO_ECONNREFUSED);
    ck_assert_int_eq(sock_listen(lab.server, 80, 4, &listener), 0);
    ck_assert_int_eq(sock_listen(lab.server, 80, 4, &never), -EXO_EADDRINUSE);
    ck_assert_int_eq(sock_accept(listener, in(EXO_MS(10)), &s), -EXO_EAGAIN);
    ck_assert_uint_ge(core_clock_now() - start, EXO_MS(10));

    ck_assert_int_eq(sock_connect(lab.client, at_server, in(EXO_S(1)), &s), 0);
    ck_assert_int_eq(sock_recv(s, &byte, 1, in(EXO_MS(10))), -EXO_EAGAIN);
    int ended;
    while ((ended = sock_reserve(s, in(EXO_MS(10)), &room)) >= 0)
        sock_commit(s, room.len); // nobody reads: the buffers fill up
    ck_assert_int_eq(ended, -EXO_EAGAIN);
    ck_assert_int_eq(sock_accept(listener, in(EXO_MS(10)), &accepted), 0);
    sock_abort(s);
    while ((ended = sock_recv(accepted, &byte, 1, in(EXO_MS(10)))) > 0) {
    }
    ck_assert_int_eq(ended, -EXO_ECONNRESET);
    sock_close(accepted);
    sock_close(listener);
    close_lab();
}

START_TEST(deadlines_end_waits_and_errors_say_why)
{
    fake_machine_init();
    on_machine(try_deadlines);
}
END_TEST

static void try_udp(void *arg)
{
    struct sock *server, *client;
    struct endpoint from, to = {{{10, 0, 0, 1}}, 7};
    char text[8];
    (void)arg;
    open_lab();
    ck_assert_int_eq(sock_udp(lab.server, 7, &server), 0);
    ck_assert_int_eq(sock_udp(lab.client, 0, &client), 0);
    ck_assert_int_eq(sock_recvfrom(server, text, sizeof text, &from, in(EXO_MS(5))), -EXO_EAGAIN);
    ck_assert_int_ge(sock_sendto(client, "ping", 4, to), 0);
    ck_assert_int_eq(sock_recvfrom(server, text, 2, &from, in(EXO_S(1))), 4);
    ck_assert_mem_eq(text, "pi", 2);
    ck_assert_uint_eq(from.port, sock_local(client).port);
    ck_assert_int_ge(sock_sendto(server, "pong", 4, from), 0);
    ck_assert_int_eq(sock_recvfrom(client, text, sizeof text, &from, in(EXO_S(1))), 4);
    ck_assert_mem_eq(text, "pong", 4);
    sock_close(server);
    sock_close(client);
    close_lab();
}

START_TEST(datagrams_go_both_ways)
{
    fake_machine_init();
    on_machine(try_udp);
}
END_TEST

static void try_starting(void *arg)
{
    struct net_config config = config_of(1);
    struct net_task *nt, *other;
    (void)arg;
    ck_assert_int_eq(net_task_start(2, &config, &nt), -EXO_ENODEV);
    config.pkts = 1;
    ck_assert_int_eq(net_task_start(0, &config, &nt), -EXO_EINVAL);
    config.pkts = 1000000;
    ck_assert_int_eq(net_task_start(0, &config, &nt), -EXO_ENOMEM);
    ck_assert_uint_eq(machine.nics_open, 0);

    machine.frames_left = 200; // a small stack is better than none
    ck_assert_int_eq(net_task_start(0, NULL, &nt), 0);
    ck_assert_int_eq(net_task_start(0, NULL, &other), -EXO_EBUSY);
    ck_assert(!net_task_wait_address(nt, in(EXO_S(3)))); // nobody answers DHCP
    net_task_stop(nt);
    machine.frames_left = 3;
    ck_assert_int_eq(net_task_start(0, NULL, &nt), -EXO_ENOMEM);
    ck_assert_int_eq(net_task_start(0, &config, &nt), -EXO_ENOMEM);
}

START_TEST(a_stack_that_cannot_start_leaves_nothing_behind)
{
    fake_machine_init();
    on_machine(try_starting);
}
END_TEST

// --- a link that takes nothing ---------------------------------------------------

// The host reads no frames from its end for a while.
static void wait_for_a_stuck_link(void *arg)
{
    (void)arg;
    struct sock *a, *b;
    struct endpoint from;
    char bytes[8];
    open_lab();
    ck_assert_int_eq(sock_udp(lab.server, 7, &a), 0);
    ck_assert_int_eq(sock_udp(lab.client, 0, &b), 0);
    machine.stuck_until = machine.now + EXO_S(1);
    ck_assert_int_eq(sock_sendto(b, "ping", 4, (struct endpoint){at_server.addr, 7}), 0);
    ck_assert_int_eq(sock_recvfrom(a, bytes, sizeof bytes, &from, in(EXO_S(5))), 4);
    ck_assert_uint_ge(machine.now, machine.stuck_until);
    sock_close(a);
    sock_close(b);
    close_lab();
}

START_TEST(a_stuck_link_is_waited_for_and_not_stared_at)
{
    fake_machine_init();
    on_machine(wait_for_a_stuck_link);
    ck_assert_uint_lt(machine.halts, 20000);
}
END_TEST

CHECK_MAIN("sdk.sock", sixty_clients_are_echoed_and_nothing_is_left,
           a_lossy_cable_only_takes_longer, bulk_data_written_in_place_arrives_whole,
           deadlines_end_waits_and_errors_say_why, datagrams_go_both_ways,
           a_stuck_link_is_waited_for_and_not_stared_at,
           a_stack_that_cannot_start_leaves_nothing_behind)
