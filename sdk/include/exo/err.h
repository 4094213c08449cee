// SPDX-License-Identifier: MIT
// err.h - the one list of errors. A call that fails returns the negative of one.
//
// Values are errno's (Linux x86-64 numbering), so that a POSIX face needs no table.
// A call that fails has taken nothing and changed nothing, unless its header says otherwise.
#ifndef EXO_ERR_H
#define EXO_ERR_H

enum exo_err {
    EXO_EPERM = 1,          // the caller does not own the thing
    EXO_ENOENT = 2,         // no such thing
    EXO_EIO = 5,            // the device failed or lied
    EXO_E2BIG = 7,          // longer than the place for it
    EXO_EAGAIN = 11,        // nothing to do now; ask again when woken
    EXO_ENOMEM = 12,        // no memory, or a table is full
    EXO_EBUSY = 16,         // somebody else owns it
    EXO_EEXIST = 17,        // it is there already
    EXO_ENODEV = 19,        // no such device
    EXO_EINVAL = 22,        // an argument makes no sense
    EXO_ENOSPC = 28,        // the table of names or slots is used up
    EXO_EPIPE = 32,         // this side has closed its sending half
    EXO_EPROTO = 71,        // the other side broke the protocol
    EXO_EMSGSIZE = 90,      // does not fit one datagram
    EXO_ENOTSUP = 95,       // the hardware or the build cannot do it
    EXO_EADDRINUSE = 98,    // the local port is taken
    EXO_EADDRNOTAVAIL = 99, // not an address of this machine
    EXO_ENETUNREACH = 101,  // no route to there
    EXO_ECONNRESET = 104,   // the peer reset the connection
    EXO_ENOTCONN = 107,     // not connected
    EXO_ETIMEDOUT = 110,    // no answer in time
    EXO_ECONNREFUSED = 111, // nobody listens there
    EXO_EHOSTUNREACH = 113, // the neighbour does not answer
};

#endif
