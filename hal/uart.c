// SPDX-License-Identifier: MIT
// uart.c - drives a 16550 by polling its line status.
#include "hal/uart.h"

#include "hal/cpu.h"
#include "hal/port.h"

enum {                    // register offsets
    DATA = 0,             // receive buffer, transmit holding; divisor latch low while DLAB is set
    INTERRUPT_ENABLE = 1, // divisor latch high while DLAB is set
    FIFO_CONTROL = 2,
    LINE_CONTROL = 3,
    MODEM_CONTROL = 4,
    LINE_STATUS = 5,
    SCRATCH = 7,
};

#define LINE_CONTROL_8N1   0x03
#define LINE_CONTROL_DLAB  0x80
#define LINE_STATUS_READY  0x01 // a byte has been received
#define LINE_STATUS_EMPTY  0x20 // the transmit FIFO is empty
#define FIFO_ENABLE_CLEAR  0x07
#define MODEM_DTR_RTS_OUT2 0x0b
#define DIVISOR_115200     1
#define FIFO_BYTES         16

// A real FIFO drains in 1.4 ms, but a virtual one only as fast as somebody reads the console.
// Ticks of the time stamp counter: some seconds at any rate, once for each time it sticks.
#define WAIT_TICKS (UINT64_C(1) << 34)

void hal_uart_init(struct hal_uart *uart, uint16_t port)
{
    *uart = (struct hal_uart){.port = port};
    hal_out8(port + SCRATCH, 0x5a); // a bus without a port behind it reads all ones
    uart->present = hal_in8(port + SCRATCH) == 0x5a;
    if (!uart->present)
        return;

    hal_out8(port + INTERRUPT_ENABLE, 0);
    hal_out8(port + LINE_CONTROL, LINE_CONTROL_DLAB);
    hal_out8(port + DATA, DIVISOR_115200);
    hal_out8(port + INTERRUPT_ENABLE, 0);
    hal_out8(port + LINE_CONTROL, LINE_CONTROL_8N1);
    hal_out8(port + FIFO_CONTROL, FIFO_ENABLE_CLEAR);
    hal_out8(port + MODEM_CONTROL, MODEM_DTR_RTS_OUT2);
    uart->room = FIFO_BYTES;
}

// One look at the status, when all is sent, pays for a whole FIFO.
static bool make_room(struct hal_uart *uart)
{
    if (!uart->present)
        return false;
    uint64_t start = hal_tsc();
    while (!(hal_in8(uart->port + LINE_STATUS) & LINE_STATUS_EMPTY)) {
        if (uart->stuck || hal_tsc() - start >= WAIT_TICKS) {
            uart->stuck = true;
            return false;
        }
    }
    uart->stuck = false;
    uart->room = FIFO_BYTES;
    return true;
}

void hal_uart_put(struct hal_uart *uart, char byte)
{
    if (uart->room == 0 && !make_room(uart))
        return;
    hal_out8(uart->port + DATA, (uint8_t)byte);
    uart->room--;
}

int hal_uart_read(struct hal_uart *uart)
{
    if (!uart->present || !(hal_in8(uart->port + LINE_STATUS) & LINE_STATUS_READY))
        return -1;
    return hal_in8(uart->port + DATA);
}
