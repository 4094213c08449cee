// SPDX-License-Identifier: MIT
// pit.c - the 8254 interval timer. Channel 2's gate and output are bits of port 61h, so it
// can be used without an interrupt.
#include "hal/port.h"
#include "hal/reference.h"

#define PIT_HZ        UINT64_C(1193182)
#define PIT_CHANNEL2  0x42
#define PIT_COMMAND   0x43
#define PIT_LATCH2    0x80 // freeze channel 2's count for reading
#define PIT_MODE0_CH2 0xb0 // channel 2, low byte then high byte, count down once
#define GATE_PORT     0x61
#define GATE_ON       0x01
#define GATE_SPEAKER  0x02

// It counts down, and goes on below zero.
static uint32_t read(const struct hal_reference *reference)
{
    (void)reference;
    hal_out8(PIT_COMMAND, PIT_LATCH2);
    uint32_t low = hal_in8(PIT_CHANNEL2);
    return ~(low | (uint32_t)hal_in8(PIT_CHANNEL2) << 8) & 0xffff;
}

struct hal_reference hal_pit(void)
{
    uint8_t gate = (uint8_t)(hal_in8(GATE_PORT) & ~(GATE_SPEAKER | GATE_ON));
    hal_out8(GATE_PORT, gate);
    hal_out8(PIT_COMMAND, PIT_MODE0_CH2);
    hal_out8(PIT_CHANNEL2, 0xff);
    hal_out8(PIT_CHANNEL2, 0xff);
    hal_out8(GATE_PORT, gate | GATE_ON);
    return (struct hal_reference){
        .read = read, .mask = 0xffff, .hz = PIT_HZ, .name = "the interval timer"};
}
