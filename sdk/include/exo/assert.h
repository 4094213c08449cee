// SPDX-License-Identifier: MIT
// assert.h - misuse and broken invariants stop the machine, in every build.
//
// Bad input is never an assertion: a packet, a device or a command line that is
// wrong is counted or reported. Whoever links a layer supplies exo_assert_failed:
// core/panic.c on metal, abort on the host.
#ifndef EXO_ASSERT_H
#define EXO_ASSERT_H

_Noreturn void exo_assert_failed(const char *what, const char *file, int line);

#define exo_assert(cond)                                                                           \
    (__builtin_expect(!(cond), 0) ? exo_assert_failed(#cond, __FILE__, __LINE__) : (void)0)

#endif
