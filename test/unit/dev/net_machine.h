// SPDX-License-Identifier: MIT
// net_machine.h - a machine with one virtio NIC below dev/virtio_net.c: a transport and a core
// with frames from malloc, and the device's side of both rings in the test's hands.
#ifndef TEST_UNIT_DEV_NET_MACHINE_H
#define TEST_UNIT_DEV_NET_MACHINE_H

#include "core/pci.h"
#include "test/support/virtq_device.h"

enum { RX, TX }; // queues of the one pair

struct machine {
    uint64_t offered;             // feature bits of the device
    uint16_t queue_size;          // of both queues
    uint16_t mtu;                 // in its configuration
    uint32_t entropy_bits;        // that the CPU has
    int calls_left;               // so many calls that may fail succeed; negative: all
    uint64_t frames;              // claimed now
    uint32_t functions, pairs;    // claimed now
    uint64_t lines;               // interrupt lines: claimed now, beside the pair's
    uint64_t pending;             // of those, raised
    uint32_t cpu;                 // that runs: the test's to change; the pair's line is CPU 0's
    uint8_t line_cpus[64];        // who claimed them
    uint32_t calls;               // how often the pair's line was raised
    exo_ns now;                   // on core's clock; goes on by a millisecond a look
    void (*meanwhile)(void);      // what other CPUs do at the next look, or null
    struct virtq_device queue[2]; // the device's side
    uint16_t doorbell[2];
    struct core_pci_function function;
};

extern struct machine machine;

// An honest one, with nothing claimed.
void machine_init(void);

// All that was claimed is released.
void machine_expect_nothing_claimed(void);

#endif
