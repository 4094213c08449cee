// SPDX-License-Identifier: MIT
// text.h - numbers and addresses for people to read, without printf.
//
// Text is written from its end to its front, as digits come: each call returns where what it
// wrote begins, and that is the end that the next call takes.
#ifndef NETSTACK_BASE_TEXT_H
#define NETSTACK_BASE_TEXT_H

#include "netstack/base/addr.h"

#define TEXT_DECIMAL_MAX 20u // digits of 64 bits
#define TEXT_IP4_MAX     15u // "255.255.255.255"

// The decimal digits of `value`, in front of `end`.
char *text_decimal(char *end, uint64_t value);

// An address as "10.0.2.15", in front of `end`.
char *text_ip4(char *end, struct ip4 addr);

#endif
