// SPDX-License-Identifier: MIT
// shared_nic.h - one NIC, one address, two owners that know nothing of each other.
//
//     main.c   shares the NIC: UDP port 7007 to the echo, all else to a netstack
//     echo.c   a loop of its own over the ring: answers each datagram in the buffer it came in
//     page.c   a web page over the netstack: who got how many frames; /stop, /start the echo
#ifndef EXAMPLES_SHARED_NIC_H
#define EXAMPLES_SHARED_NIC_H

#include "dev/nic_bufs.h"
#include "dev/nic_share.h"
#include "sched/event.h"
#include "sdk/glue/net_task.h"
#include "sdk/glue/nic_wait.h"

#define ECHO_PORT 7007u
#define PAGE_PORT 80u

struct echo {
    struct nic *nic; // its face; null while it is not running
    struct nic_wait wait;
    struct nic_bufs bufs;
    bool stopping;
    struct event ended; // signalled when it has given everything back
    uint64_t answered;  // in all its lives
};

struct app {
    struct nic_share *share;
    struct nic *rest; // the netstack's face
    struct net_task *net;
    struct echo echo;
};

// --- echo.c ----------------------------------------------------------------------

// Claims port ECHO_PORT of `addr` and starts the task that answers there.
//
// Errors: -EXO_EBUSY  it runs already; those of nic_share_face and spawn.
int echo_start(struct echo *echo, struct nic_share *share, struct ip4 addr);

// Ends the task and gives its flow, buffers and face back. Harmless when it does not run.
void echo_stop(struct echo *echo);

// --- page.c ----------------------------------------------------------------------

// Serves for good. Returns an error if it cannot begin.
int page_serve(struct app *app);

#endif
