// SPDX-License-Identifier: MIT
// test_pressure.c - what a stack still does when buffers are short.
#include "test/packet/script.h"

#include "exo/err.h"

struct hoard { // all buffers but a few
    struct pkt *pkts[256];
    uint32_t count;
};

static void take_all_but(struct script *s, struct hoard *h, uint32_t left)
{
    while (net_stats(s->net).pkts_free > left)
        h->pkts[h->count++] = pkt_alloc(net_pkts(s->net), PKT_FOR_STACK);
}

static void give_back(struct hoard *h)
{
    while (h->count)
        pkt_free(h->pkts[--h->count]);
}

// An app that waits for a buffer, whose connection is reset meanwhile, and that asks once
// more before it lets go: its place must leave no trace in the list of those who wait.
SCRIPT(reset_of_one_that_waits_for_a_buffer_leaves_no_trace)
{
    struct hoard hoard = {.count = 0};
    struct span room;
    establish(s);
    take_all_but(s, &hoard, 50);
    ck_assert_int_eq(socket_reserve(s->sock, &room), -EXO_EAGAIN);
    send_segment(s, RST, 1, 0, 0);
    ck_assert_int_eq(socket_reserve(s->sock, &room), -EXO_ECONNRESET);
    socket_abort(s->sock);
    ck_assert(list_is_empty(&s->net->starved));

    s->tuple.peer_port++; // its place is used again
    send_syn(s, MSS, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    send_segment(s, ACK, 1, 1, 0);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
    ck_assert_int_eq(socket_reserve(s->sock, &room), -EXO_EAGAIN);
    give_back(&hoard);
    poll(s);
    ck_assert_uint_eq(socket_events(s->sock), SOCKET_WRITABLE);
    ck_assert(list_is_empty(&s->net->starved));
}

// Peers fill receive windows that no app reads. The last buffers stay with the link: a
// stack that can receive nothing can neither be told nor helped by anybody.
SCRIPT(unread_data_never_takes_the_buffers_that_receive)
{
    struct hoard hoard = {.count = 0};
    establish(s);
    take_all_but(s, &hoard, 64 + 20);   // twenty are for apps
    for (uint32_t i = 0; i < 22; i++) { // as much as the window takes
        struct pkt *spare = pkt_alloc(net_pkts(s->net), PKT_FOR_RX);
        ck_assert_msg(spare != NULL, "deaf after %u segments", i);
        pkt_free(spare);
        ck_assert(pkt_pool_spare(net_pkts(s->net), PKT_FOR_APP) != 0); // who reads may answer
        send_segment(s, ACK, 1 + i * MSS, 1, MSS);
    }
    skip_all(s);
    const uint32_t kept = s->last.ack - s->peer_iss - 1;
    ck_assert_uint_ge(kept, 8 * MSS);
    give_back(&hoard);
    for (uint32_t seq = 1 + kept; seq < 1 + 22 * MSS; seq += MSS)
        send_segment(s, ACK, seq, 1, MSS);
    skip_all(s);
    app_reads(s, 1, 22 * MSS); // what was not kept was not acknowledged either
}

// One peer that does not read, the other asks for little: whoever holds much waits first.
SCRIPT(sender_that_holds_most_leaves_room_for_others)
{
    struct hoard hoard = {.count = 0};
    struct socket *hog;
    struct span room;
    establish_with(s, MSS, 255, 1000);
    hog = s->sock;
    s->tuple.peer_port++;
    send_syn(s, MSS, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    send_segment(s, ACK, 1, 1, 0);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
    take_all_but(s, &hoard, 64 + 20); // twenty are for apps
    while (socket_reserve(hog, &room) == 0)
        socket_commit(hog, room.len);
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_int_eq(socket_reserve(s->sock, &room), 0);
        socket_commit(s->sock, room.len);
    }
    while (net_ready(s->net))
        ;
    poll(s);
    ck_assert_ptr_null(net_ready(s->net)); // the hog is not woken in vain
    give_back(&hoard);
    poll(s);
    ck_assert_ptr_eq(net_ready(s->net), hog);
    skip_all(s);
    socket_abort(hog);
    poll(s);
    skip_all(s);
}

// Shuts its window, opens it too little to be of use, shuts it again: it takes nothing, and is as
// stalled as one that keeps it shut.
SCRIPT(peer_that_plays_with_its_window_is_stalled_all_the_same)
{
    struct hoard hoard = {.count = 0};
    struct socket *player;
    struct span room;
    establish_with(s, MSS, 255, 4000);
    player = s->sock;
    const struct tcp_tuple players = s->tuple;
    const uint32_t players_iss = s->our_iss;
    s->tuple.peer_port++;
    s->peer_window = 4000;
    send_syn(s, MSS, 255);
    expect(s, SYN | ACK, 0, 1, 0);
    send_segment(s, ACK, 1, 1, 0);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);

    s->tuple = players;
    s->our_iss = players_iss;
    s->peer_window = 0;
    send_segment(s, ACK, 1, 1, 0);
    while (socket_reserve(player, &room) == 0)
        socket_commit(player, room.len);
    take_all_but(s, &hoard, 64); // none is left for apps
    ck_assert_int_eq(socket_reserve(s->sock, &room), -EXO_EAGAIN);
    for (uint32_t ms = 300; ms < 20000 && !socket_error(player); ms += 300) {
        s->peer_window = s->peer_window ? 0 : 100;
        send_segment(s, ACK, 1, 1, 0);
        at(s, ms);
        skip_all(s);
    }
    ck_assert_int_eq(socket_error(player), -EXO_ETIMEDOUT);
    ck_assert_int_eq(socket_error(s->sock), 0);
    socket_abort(player);
    give_back(&hoard);
}

// The timer has taken the SYN back and there was no buffer to send it again: the answer to
// the first one is as good as ever.
SCRIPT(answer_to_a_syn_that_waits_to_be_repeated)
{
    struct hoard hoard = {.count = 0};
    connect_begin(s);
    take_all_but(s, &hoard, 0);
    at(s, 1500);
    expect_nothing(s);
    give_back(&hoard);
    send_segment(s, SYN | ACK, 0, 1, 0);
    expect(s, ACK, 1, 1, 0);
    ck_assert_uint_eq(socket_events(s->sock), SOCKET_WRITABLE);
    app_sends(s, 1, 10);
    expect(s, ACK | PSH, 1, 1, 10);
}

CHECK_MAIN("packet.pressure", reset_of_one_that_waits_for_a_buffer_leaves_no_trace,
           unread_data_never_takes_the_buffers_that_receive,
           sender_that_holds_most_leaves_room_for_others,
           peer_that_plays_with_its_window_is_stalled_all_the_same,
           answer_to_a_syn_that_waits_to_be_repeated)
