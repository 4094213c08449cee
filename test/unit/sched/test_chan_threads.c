// SPDX-License-Identifier: MIT
// test_chan_threads.c - a channel between real threads, under the thread sanitizer: nothing is
// lost, doubled, torn or slept through.
#include "exo/err.h"
#include "sched/chan.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#define SENDERS_MAX 3u
#define MESSAGES    50000u // of each sender
#define SLOTS       16u

struct msg {
    uint64_t sender, number, sum; // sum: of the others, scrambled
};

struct post {
    struct chan chan;
    sem_t bell;
    bool shared; // several senders
    uint64_t slots[SLOTS * 4];
};

struct sender {
    struct post *post;
    uint64_t number;
};

_Noreturn void exo_assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

static void expect(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "FAILED: %s\n", what);
    exit(1);
}

static void ring(void *ctx)
{
    sem_post(ctx);
}

static uint64_t sum_of(const struct msg *m)
{
    return (m->sender * 31 + m->number) * UINT64_C(0x9e3779b97f4a7c15);
}

static void *send_all(void *arg)
{
    const struct sender *s = arg;
    for (uint64_t i = 0; i < MESSAGES; i++) {
        struct msg m = {.sender = s->number, .number = i};
        m.sum = sum_of(&m);
        struct chan *c = &s->post->chan;
        while ((s->post->shared ? chan_send_any(c, &m) : chan_send(c, &m)) == -EXO_EAGAIN)
            sched_yield();
    }
    return NULL;
}

// Sleeps without a deadline: a lost wake-up would end the test by its time limit.
static struct msg next(struct post *p)
{
    struct msg m;
    while (chan_receive(&p->chan, &m) == -EXO_EAGAIN) {
        if (!chan_arm(&p->chan))
            sem_wait(&p->bell);
    }
    return m;
}

static void pass(uint32_t senders)
{
    struct post post = {.shared = senders > 1};
    expect(chan_bytes(SLOTS, sizeof(struct msg)) <= sizeof post.slots, "no room");
    chan_init(&post.chan, post.slots, SLOTS, sizeof(struct msg), ring, &post.bell);
    sem_init(&post.bell, 0, 0);
    pthread_t threads[SENDERS_MAX];
    struct sender arguments[SENDERS_MAX];
    for (uint32_t i = 0; i < senders; i++) {
        arguments[i] = (struct sender){&post, i};
        expect(pthread_create(&threads[i], NULL, send_all, &arguments[i]) == 0, "no thread");
    }
    uint64_t wanted[SENDERS_MAX] = {0};
    for (uint64_t i = 0; i < (uint64_t)senders * MESSAGES; i++) {
        struct msg m = next(&post);
        expect(m.sum == sum_of(&m), "a torn message");
        expect(m.number == wanted[m.sender]++, "a message lost, doubled or out of order");
    }
    for (uint32_t i = 0; i < senders; i++)
        pthread_join(threads[i], NULL);
    struct msg m;
    expect(chan_receive(&post.chan, &m) == -EXO_EAGAIN, "one too many");
    printf("%u senders, %u messages each\n", senders, MESSAGES);
}

int main(void)
{
    pass(1);
    pass(SENDERS_MAX);
    return 0;
}
