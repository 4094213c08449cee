// SPDX-License-Identifier: MIT
// port.h - I/O ports that a test plays, in the place of hal/port.h: a driver that is compiled with
// this folder before the others in its include path talks to the test's device.
#ifndef HAL_PORT_H
#define HAL_PORT_H

#include <stdint.h>

uint8_t hal_in8(uint16_t port);
uint16_t hal_in16(uint16_t port);
void hal_out8(uint16_t port, uint8_t value);
void hal_out16(uint16_t port, uint16_t value);

#endif
