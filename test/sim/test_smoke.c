// SPDX-License-Identifier: MIT
#include "test/support/check_main.h"
#include "test/support/twins.h"

#include <string.h>

START_TEST(two_stacks_talk)
{
    static struct twins w;
    struct net_config c = test_config();
    struct socket *l, *a, *b = NULL;
    struct link_fault_knobs k = {.delay = EXO_MS(5)};
    twins_init(&w, &c, &k, 1, EXO_S(1));
    ck_assert_int_eq(socket_listen(w.t[1].net, 80, 4, &l), 0);
    ck_assert_int_eq(socket_connect(w.t[0].net, (struct endpoint){ip4_of(10, 0, 0, 2), 80}, w.now, &a), 0);
    while (twins_step(&w, EXO_S(10)) && !b)
        socket_accept(l, &b);
    ck_assert_ptr_nonnull(b);
    ck_assert_uint_eq(socket_events(a), SOCKET_WRITABLE);
    size_t sent = 0, got = 0, total = 3000000;
    static uint8_t buf[20000];
    while (got < total && twins_step(&w, EXO_S(100))) {
        if (sent < total) {
            int n = socket_send(a, buf, total - sent < sizeof buf ? total - sent : sizeof buf);
            if (n > 0) sent += (size_t)n;
        }
        int n = socket_recv(b, buf, sizeof buf);
        if (n > 0) got += (size_t)n;
    }
    printf("got %zu at %f s\n", got, (double)w.now / 1e9);
    socket_close(a);
    while (!(socket_events(b) & SOCKET_HUP) && twins_step(&w, EXO_S(110)));
    socket_close(b);
    while (twins_step(&w, EXO_S(200)));
    struct net_stats s[2] = {net_stats(w.t[0].net), net_stats(w.t[1].net)};
    for (int i = 0; i < 2; i++)
        printf("conns %u tw %u pkts %u/%u rtx %lu rto %lu frames %lu/%lu drop %lu\n", s[i].tcp_conns, s[i].tcp_time_wait, s[i].pkts_free, s[i].pkts_total, s[i].tcp_retransmits, s[i].tcp_rto, s[i].rx_frames, s[i].tx_frames, s[i].drop_tcp_state);
    twins_fini(&w);
}
END_TEST
CHECK_MAIN("smoke", two_stacks_talk)
