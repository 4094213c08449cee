// SPDX-License-Identifier: MIT
// uart.h - a 16550 serial port, polled (National Semiconductor PC16550D data sheet).
//
// Every wait has a bound, so a port that is missing or stuck costs output, not the
// machine. The state is the caller's.
#ifndef HAL_UART_H
#define HAL_UART_H

#include <stdbool.h>
#include <stdint.h>

#define HAL_UART_COM1 0x3f8

struct hal_uart {
    uint16_t port; // I/O port of the first register
    bool present;  // it answered hal_uart_init
    bool stuck;    // the last wait ran out: do not wait that long again
    uint8_t room;  // bytes that surely fit the transmit FIFO now
};

// Sets 115200 baud, 8 data bits, no parity, one stop bit.
void hal_uart_init(struct hal_uart *uart, uint16_t port);

// Sends a byte as it is; loses it if the port is missing or stuck.
void hal_uart_put(struct hal_uart *uart, char byte);

// A received byte, or -1 if none has arrived.
int hal_uart_read(struct hal_uart *uart);

#endif
