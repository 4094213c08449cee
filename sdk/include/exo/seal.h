// SPDX-License-Identifier: MIT
// seal.h - variables that are written while the machine starts, and never again.
//
//     EXO_SEALED static struct policy policy; // zero until somebody fills it in
//
// Before main the start code calls core_seal (core/seal.h), and their pages are read-only from
// then on: whoever writes there is stopped at that instruction. Constants need none of this,
// pointers to functions in them neither: they are read-only from the first instruction.
// On a host, where the layers are tested, these are variables like any other.
#ifndef EXO_SEAL_H
#define EXO_SEAL_H

#define EXO_SEALED __attribute__((section(".bss.sealed")))

#define EXO_SEAL_BYTES 4096 // a page: what lies in one is sealed together

#endif
