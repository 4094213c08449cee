// SPDX-License-Identifier: MIT
// pages.c - the pages: "/", "/stats" and "/bytes/N".
#include "core/clock.h"
#include "core/frame.h"
#include "examples/web/web.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "sdk/glue/run.h"
#include "sdk/libc/malloc.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static bool is_head(const struct connection *c)
{
    return c->head.method == HTTP_HEAD;
}

static int answer_status(struct connection *c, uint16_t status, const char *extra)
{
    return connection_reply(c, status, NULL, 0, extra);
}

static int answer_text(struct connection *c, const char *type, const char *text, size_t len)
{
    int failed = connection_reply(c, 200, type, len, NULL);
    if (failed || is_head(c))
        return failed;
    return connection_send(c, text, len);
}

static int page_root(struct connection *c)
{
    static const char html[] = "<!doctype html>\n<html lang=\"en\"><title>exocore</title>\n"
                               "<h1>It runs.</h1>\n"
                               "<p>This page comes from a machine without an operating system.\n"
                               "<p><a href=\"/stats\">/stats</a> says how it is,\n"
                               "<a href=\"/bytes/1000000\">/bytes/N</a> sends N bytes.\n</html>\n";
    return answer_text(c, "text/html; charset=utf-8", html, sizeof html - 1);
}

// --- /stats ----------------------------------------------------------------------

// Every counter of the stack by its name. The assertion fails when the stack gets one
// that is not listed here.
// clang-format off
#define COUNTERS(X)                                                                                \
    X(rx_frames) X(tx_frames) X(addr_changes) X(drop_eth) X(drop_arp) X(drop_ip)                   \
    X(drop_fragment) X(drop_icmp) X(drop_udp) X(drop_tcp) X(drop_tcp_state) X(drop_no_pkt)         \
    X(drop_neighbour) X(tcp_opened) X(tcp_accepted) X(tcp_closed) X(tcp_reset) X(tcp_refused)      \
    X(tcp_timed_out) X(tcp_retransmits) X(tcp_rto) X(tcp_fast_retransmits) X(tcp_out_of_order)     \
    X(tcp_tail_probes) X(tcp_challenge_acks) X(tcp_path_mtu) X(tcp_cookies_sent)                   \
    X(tcp_cookies_taken) X(tcp_half_open_evicted) X(tcp_conns) X(tcp_time_wait) X(pkts_total)      \
    X(pkts_free)
// clang-format on
#define COUNTER_BYTES(name) +sizeof(((struct net_stats *)0)->name)
#define COUNTER_ENTRY(name)                                                                        \
    {#name, offsetof(struct net_stats, name), sizeof(((struct net_stats *)0)->name)},
_Static_assert(sizeof(struct net_stats) == 0 COUNTERS(COUNTER_BYTES), "a counter has no name");

static const struct {
    const char *name;
    size_t offset;
    size_t bytes;
} counters[] = {COUNTERS(COUNTER_ENTRY)};

struct text {
    char bytes[2048];
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->bytes + t->len, sizeof t->bytes - t->len, format, args);
    va_end(args);
    t->len += (size_t)n;
    exo_assert(n >= 0 && t->len < sizeof t->bytes);
}

static void put_net(struct text *t, struct net *net)
{
    struct net_stats stats = net_stats(net);
    for (size_t i = 0; i < EXO_COUNT(counters); i++) {
        uint64_t value = 0; // little endian: a shorter field fills the low bytes
        memcpy(&value, (const char *)&stats + counters[i].offset, counters[i].bytes);
        put(t, "%s\"%s\":%llu", i ? "," : "", counters[i].name, (unsigned long long)value);
    }
}

static int page_stats(struct connection *c)
{
    struct text t = {.len = 0};
    struct heap_stats heap = malloc_stats_now();
    struct core_frame_stats frames = core_frame_stats();
    put(&t, "{\"uptime_ms\":%llu,\"net\":{", (unsigned long long)(core_clock_now() / EXO_MS(1)));
    put_net(&t, net_task_net(c->web->net));
    put(&t, "},\"heap\":{\"total\":%zu,\"used\":%zu,\"peak\":%zu,\"blocks\":%zu}", heap.total,
        heap.used, heap.peak, heap.blocks);
    put(&t, ",\"frames\":{\"total\":%llu,\"free\":%llu}", (unsigned long long)frames.total,
        (unsigned long long)frames.free);
    put(&t, ",\"tasks\":%u,\"http\":{\"connections\":%u,\"requests\":%llu}}\n", run_sched()->live,
        c->web->connections, (unsigned long long)c->web->requests);
    return answer_text(c, "application/json", t.bytes, t.len);
}

// --- /bytes/N --------------------------------------------------------------------

static uint8_t byte_at(uint64_t k)
{
    uint32_t word = (uint32_t)(k / 4) * 2654435761u + 12345u;
    return (uint8_t)(word >> 8 * (k % 4));
}

// Bytes `k` and following of the pattern, a word at a time where that is possible.
static void fill_pattern(uint8_t *out, size_t len, uint64_t k)
{
    size_t i = 0;
    while (i < len && (k + i) % 4 != 0) {
        out[i] = byte_at(k + i);
        i++;
    }
    uint32_t word = (uint32_t)((k + i) / 4) * 2654435761u + 12345u;
    for (; len - i >= 4; i += 4, word += 2654435761u)
        memcpy(out + i, &word, 4);
    for (; i < len; i++)
        out[i] = byte_at(k + i);
}

// Writes straight into what will be sent: the pattern is never in memory as a whole.
static int send_pattern(struct connection *c, uint64_t count)
{
    for (uint64_t at = 0; at < count;) {
        struct span room;
        int failed = sock_reserve(c->sock, connection_send_deadline(), &room);
        if (failed)
            return failed;
        size_t n = (size_t)EXO_MIN((uint64_t)room.len, count - at);
        fill_pattern(room.ptr, n, at);
        sock_commit(c->sock, n);
        at += n;
    }
    return 0;
}

// A number and nothing else; false if it has no digits or does not fit.
static bool parse_count(const char *text, uint64_t *count)
{
    *count = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(*count, 10u, count) ||
            __builtin_add_overflow(*count, (uint64_t)(*text - '0'), count))
            return false;
    }
    return true;
}

static int page_bytes(struct connection *c, const char *digits)
{
    uint64_t count;
    if (!parse_count(digits, &count))
        return answer_status(c, 404, NULL);
    int failed = connection_reply(c, 200, "application/octet-stream", count, NULL);
    if (failed || is_head(c))
        return failed;
    return send_pattern(c, count);
}

// --- all of them -----------------------------------------------------------------

int page_answer(struct connection *c, const char *path)
{
    static const char bytes[] = "/bytes/";
    if (c->head.method != HTTP_GET && !is_head(c))
        return answer_status(c, 405, "Allow: GET, HEAD\r\n");
    if (strcmp(path, "/") == 0)
        return page_root(c);
    if (strcmp(path, "/stats") == 0)
        return page_stats(c);
    if (strncmp(path, bytes, sizeof bytes - 1) == 0)
        return page_bytes(c, path + sizeof bytes - 1);
    return answer_status(c, 404, NULL);
}
