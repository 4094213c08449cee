// SPDX-License-Identifier: MIT
// link.c - a bad cable: carries frames between two TAP devices and spoils some of them.
//
//     link --left NETNS:TAP --right NETNS:TAP [--seed N] [--loss %] [--flip %] [--twice %]
//          [--reorder %] [--hold-us MAX] [--delay-us D] [--jitter-us J]
//
// NETNS is a file such as /run/netns/name, or nothing for the namespace we are in. Both
// ways are treated alike and independently. What happens to the n-th frame of a way is a
// function of the seed and n alone. Percentages may be fractions.
//
//     loss     the frame is gone                 reorder  it is held back, 0 … hold-us
//     flip     one bit of it is turned           twice    it comes a second time
//
// Prints "link: ready", carries until SIGTERM or SIGINT, then prints what it did. Each way
// holds at most HELD_MAX frames; what would be more is dropped and counted as `full`.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define FRAME_BYTES 2048
#define HELD_MAX    4096
#define BURST       64 // frames of one way before the other has its turn

enum dice { LOSS, FLIP, TWICE, REORDER, DICE };

struct knobs {
    uint64_t seed;
    double percent[DICE];
    uint64_t hold_ns;   // the longest that a reordered frame is held back
    uint64_t delay_ns;  // every frame
    uint64_t jitter_ns; // every frame, 0 … this; frames overtake one another
};

struct held { // a frame whose time has not come
    uint64_t due_ns;
    uint64_t order; // arrival, so that equal times stay in order
    uint32_t len;
    uint8_t bytes[FRAME_BYTES];
};

struct way { // one direction
    const char *name;
    int from, to;
    uint64_t random; // state of splitmix64
    uint64_t order;
    uint32_t count;              // frames held
    struct held *heap[HELD_MAX]; // the earliest first; [count, HELD_MAX) are free
    struct held frames[HELD_MAX];
    uint64_t in, out, full, refused, hit[DICE];
};

static struct way ways[2] = {{.name = "left to right"}, {.name = "right to left"}};

__attribute__((format(printf, 1, 2))) static _Noreturn void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "link: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(EXIT_FAILURE);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// --- chance ------------------------------------------------------------------------

static uint64_t roll(struct way *w) // splitmix64 (Steele, Lea, Flood 2014)
{
    uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t roll_below(struct way *w, uint64_t limit)
{
    uint64_t r = roll(w);
    return limit ? r % limit : 0;
}

static bool roll_percent(struct way *w, const struct knobs *k, enum dice d)
{
    bool hit = (double)(roll(w) >> 11) * 0x1p-53 * 100 < k->percent[d];
    w->hit[d] += hit;
    return hit;
}

// --- frames whose time has not come: a binary heap -----------------------------------

static bool sooner(const struct held *a, const struct held *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void swap(struct way *w, uint32_t i, uint32_t j)
{
    struct held *h = w->heap[i];
    w->heap[i] = w->heap[j];
    w->heap[j] = h;
}

static void hold(struct way *w, const uint8_t *bytes, uint32_t len, uint64_t due_ns)
{
    if (w->count == HELD_MAX) {
        w->full++;
        return;
    }
    uint32_t i = w->count++;
    struct held *h = w->heap[i];
    h->due_ns = due_ns;
    h->order = w->order++;
    h->len = len;
    memcpy(h->bytes, bytes, len);
    for (; i > 0 && sooner(w->heap[i], w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(w, i, (i - 1) / 2);
}

static void drop_first(struct way *w)
{
    swap(w, 0, --w->count);
    for (uint32_t i = 0;;) {
        uint32_t least = i;
        for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < w->count; child++)
            if (sooner(w->heap[child], w->heap[least]))
                least = child;
        if (least == i)
            return;
        swap(w, i, least);
        i = least;
    }
}

// --- carrying ----------------------------------------------------------------------

// A TAP takes a frame or has no use for it (the device is down, its queue is full); a
// cable has nobody to tell, so it counts.
static void deliver(struct way *w, const uint8_t *bytes, uint32_t len)
{
    if (write(w->to, bytes, len) == (ssize_t)len)
        w->out++;
    else
        w->refused++;
}

// Every frame rolls the same dice in the same order, whatever they show, so that the
// fate of the next one does not depend on this one's.
static void carry(struct way *w, const struct knobs *k, uint8_t *bytes, uint32_t len)
{
    bool lost = roll_percent(w, k, LOSS);
    bool flipped = roll_percent(w, k, FLIP);
    bool twice = roll_percent(w, k, TWICE);
    bool late = roll_percent(w, k, REORDER);
    uint64_t bit = roll_below(w, (uint64_t)len * 8);
    uint64_t hold_ns = roll_below(w, k->hold_ns);
    uint64_t jitter_ns = roll_below(w, k->jitter_ns);

    w->in++;
    if (lost)
        return;
    if (flipped)
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    uint64_t wait_ns = k->delay_ns + jitter_ns + (late ? hold_ns : 0);
    for (int copy = 0; copy <= twice; copy++) {
        if (wait_ns == 0)
            deliver(w, bytes, len);
        else
            hold(w, bytes, len, now_ns() + wait_ns);
    }
}

static void take_burst(struct way *w, const struct knobs *k)
{
    uint8_t bytes[FRAME_BYTES];
    for (int i = 0; i < BURST; i++) {
        ssize_t len = read(w->from, bytes, sizeof bytes);
        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (len <= 0)
            die("%s: read: %s", w->name, strerror(errno));
        carry(w, k, bytes, (uint32_t)len);
    }
}

// Delivers what is due. Returns when the next frame is, UINT64_MAX if none is held.
static uint64_t deliver_due(struct way *w, uint64_t now)
{
    while (w->count > 0 && w->heap[0]->due_ns <= now) {
        deliver(w, w->heap[0]->bytes, w->heap[0]->len);
        drop_first(w);
    }
    return w->count > 0 ? w->heap[0]->due_ns : UINT64_MAX;
}

static void wait_for_work(struct pollfd fds[3], uint64_t now, uint64_t due_ns)
{
    uint64_t wait_ns = due_ns > now ? due_ns - now : 0;
    struct timespec timeout = {(time_t)(wait_ns / 1000000000u), (long)(wait_ns % 1000000000u)};
    if (ppoll(fds, 3, due_ns == UINT64_MAX ? NULL : &timeout, NULL) < 0 && errno != EINTR)
        die("poll: %s", strerror(errno));
}

static void run(const struct knobs *k, int stop_fd)
{
    struct pollfd fds[3] = {{.fd = ways[0].from, .events = POLLIN},
                            {.fd = ways[1].from, .events = POLLIN},
                            {.fd = stop_fd, .events = POLLIN}};
    while (!(fds[2].revents & POLLIN)) {
        for (int i = 0; i < 2; i++)
            if (fds[i].revents)
                take_burst(&ways[i], k);
        uint64_t now = now_ns();
        uint64_t left = deliver_due(&ways[0], now);
        uint64_t right = deliver_due(&ways[1], now);
        wait_for_work(fds, now, left < right ? left : right);
    }
}

static void report(const struct way *w)
{
    printf("link: %s: in %ju out %ju lost %ju flipped %ju twice %ju reordered %ju"
           " full %ju refused %ju\n",
           w->name, (uintmax_t)w->in, (uintmax_t)w->out, (uintmax_t)w->hit[LOSS],
           (uintmax_t)w->hit[FLIP], (uintmax_t)w->hit[TWICE], (uintmax_t)w->hit[REORDER],
           (uintmax_t)w->full, (uintmax_t)w->refused);
}

// --- setting up --------------------------------------------------------------------

// Opens the TAP device that `where` (NETNS:TAP) names, creating it if need be. A TAP
// belongs to the namespace that its opener is in: we go there first.
static int open_tap(char *where)
{
    char *device = strrchr(where, ':');
    if (device == NULL)
        die("%s: not NETNS:TAP", where);
    *device++ = '\0';
    if (where[0] != '\0') {
        int netns = open(where, O_RDONLY | O_CLOEXEC);
        if (netns < 0 || setns(netns, CLONE_NEWNET) < 0)
            die("%s: %s", where, strerror(errno));
        close(netns);
    }

    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        die("/dev/net/tun: %s", strerror(errno));
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    if (strlen(device) >= sizeof request.ifr_name)
        die("%s: too long for a device", device);
    strcpy(request.ifr_name, device);
    if (ioctl(fd, TUNSETIFF, &request) < 0)
        die("%s: %s", device, strerror(errno));
    return fd;
}

static double number(const char *text, double most)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0 && value <= most))
        die("%s: not a number from 0 to %g", text, most);
    return value;
}

static struct knobs read_knobs(int argc, char **argv, char *where[2])
{
    static const struct option options[] = {
        {"left", 1, NULL, 'l'},        {"right", 1, NULL, 'r'},   {"seed", 1, NULL, 's'},
        {"loss", 1, NULL, LOSS},       {"flip", 1, NULL, FLIP},   {"twice", 1, NULL, TWICE},
        {"reorder", 1, NULL, REORDER}, {"hold-us", 1, NULL, 'h'}, {"delay-us", 1, NULL, 'd'},
        {"jitter-us", 1, NULL, 'j'},   {NULL, 0, NULL, 0}};
    struct knobs k = {.seed = 1, .hold_ns = 5000000};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'l':
            where[0] = optarg;
            break;
        case 'r':
            where[1] = optarg;
            break;
        case 's':
            k.seed = strtoull(optarg, NULL, 0);
            break;
        case 'h':
            k.hold_ns = (uint64_t)(number(optarg, 1e7) * 1000);
            break;
        case 'd':
            k.delay_ns = (uint64_t)(number(optarg, 1e7) * 1000);
            break;
        case 'j':
            k.jitter_ns = (uint64_t)(number(optarg, 1e7) * 1000);
            break;
        case '?':
            exit(EXIT_FAILURE); // getopt has said why
        default:
            k.percent[option] = number(optarg, 100);
            break;
        }
    }
    if (where[0] == NULL || where[1] == NULL || optind != argc)
        die("usage: link --left NETNS:TAP --right NETNS:TAP [knobs]");
    return k;
}

static int open_stop_signals(void)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    int fd = signalfd(-1, &stop, SFD_CLOEXEC);
    if (fd < 0)
        die("signalfd: %s", strerror(errno));
    return fd;
}

int main(int argc, char **argv)
{
    char *where[2] = {NULL, NULL};
    struct knobs k = read_knobs(argc, argv, where);
    int stop_fd = open_stop_signals();
    for (int i = 0; i < 2; i++) {
        ways[i].from = ways[!i].to = open_tap(where[i]);
        ways[i].random = k.seed * 2 + (uint64_t)i;
        for (uint32_t f = 0; f < HELD_MAX; f++)
            ways[i].heap[f] = &ways[i].frames[f];
    }
    printf("link: ready\n");
    fflush(stdout);
    run(&k, stop_fd);
    report(&ways[0]);
    report(&ways[1]);
    return EXIT_SUCCESS;
}
