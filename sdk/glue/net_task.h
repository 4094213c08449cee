// SPDX-License-Identifier: MIT
// net_task.h - a network stack on a NIC, driven by a task of its own.
//
//     struct net_task *net;
//     int failed = net_task_start(0, NULL, &net);        // NIC 0, sized by memory, DHCP
//     if (!failed && net_task_wait_address(net, EXO_NS_NEVER)) …  // then sock.h
//
// The task polls the NIC in batches while anything is going on, tells each socket's
// tasks what has become of it, and halts the machine when there is nothing to do.
#ifndef SDK_GLUE_NET_TASK_H
#define SDK_GLUE_NET_TASK_H

#include "dev/nic.h"
#include "netstack/net.h"
#include "sched/sched.h"

struct net_task;

// Opens the `nth` NIC, builds a stack in frames and starts the task that drives it.
// `config` may be null: the stack then takes up to a quarter of the free memory and asks
// for its address by DHCP.
//
// Errors: -EXO_ENODEV and the others of nic_open; -EXO_ENOMEM; -EXO_EINVAL  config.
int net_task_start(uint32_t nth, const struct net_config *config, struct net_task **out);

// The same on a NIC that is open already: a face of one that is shared (dev/nic_share.h).
//
// Owner:  takes the NIC if it returns 0.
int net_task_start_on(struct nic *nic, const struct net_config *config, struct net_task **out);

// The stack, for socket.h and for counters. Whoever calls socket.h or net.h with it from
// a task must call net_task_kick after queueing anything; sock.h does.
struct net *net_task_net(struct net_task *nt);

// The configuration that it was built with.
const struct net_config *net_task_config(const struct net_task *nt);

// Stops the caller until the stack has an address. Returns false if `deadline` came first.
bool net_task_wait_address(struct net_task *nt, exo_ns deadline);

// Makes the task poll soon: there may be something to send.
void net_task_kick(struct net_task *nt);

// Ends the task, closes the NIC and gives all memory back. Sockets of the stack are dead
// afterwards: close them first. Not from the task itself.
void net_task_stop(struct net_task *nt);

#endif
