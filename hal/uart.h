// SPDX-License-Identifier: MIT
// uart.h - a 16550 serial port, polled (National Semiconductor PC16550D data sheet).
//
// Every wait has a bound, so a port that is missing or stuck costs output, not the
// machine. The state is the caller's.
#ifndef HAL_UART_H
#define HAL_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HAL_UART_COM1 0x3f8

struct hal_uart {
    uint16_t port;       // I/O port of the first register
    bool present;        // it answered hal_uart_init
    bool stuck;          // the last wait ran out: do not wait that long again
    uint8_t room;        // bytes that surely fit the transmit FIFO now
    uint64_t bytes_lost; // not sent, because the port was stuck
};

// Sets 115200 baud, 8 data bits, no parity, one stop bit.
void hal_uart_init(struct hal_uart *uart, uint16_t port);

// Sends bytes as they are.
void hal_uart_write(struct hal_uart *uart, const char *bytes, size_t len);

// A received byte, or -1 if none has arrived.
int hal_uart_read(struct hal_uart *uart);

#endif
