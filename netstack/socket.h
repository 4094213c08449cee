// SPDX-License-Identifier: MIT
// socket.h - TCP and UDP sockets that never block: they say -EXO_EAGAIN and become ready.
//
// Blocking calls are sdk/glue/sock.h. All sockets belong to one stack and to the one
// CPU core that drives it. Bytes can be moved without a copy: socket_reserve/commit
// write straight into what will be sent, socket_peek/consume read straight from what
// was received; send and recv are those two and a memcpy.
#ifndef NETSTACK_SOCKET_H
#define NETSTACK_SOCKET_H

#include "exo/span.h"
#include "netstack/net.h"

enum { // socket_events
    SOCKET_READABLE = 1u << 0, // data, a datagram, a connection to accept, or end of stream
    SOCKET_WRITABLE = 1u << 1, // connected, and there is room to send
    SOCKET_HUP = 1u << 2,      // the peer closed its sending half
    SOCKET_ERROR = 1u << 3,    // dead; socket_error says why
};

struct endpoint {
    struct ip4 addr;
    uint16_t port; // host byte order
};

// --- TCP -------------------------------------------------------------------------

// Listens on `port` of our address. Up to `backlog` connections are half open or wait
// to be accepted. While that many are half open, further SYNs are answered with cookies,
// which need no room; while that many wait to be accepted, SYNs are dropped, and the peers
// try again.
//
// Errors: -EXO_EADDRINUSE  somebody listens there; -EXO_ENOSPC  no listener is left;
//         -EXO_EINVAL  port or backlog is 0.
int socket_listen(struct net *net, uint16_t port, uint32_t backlog, struct socket **out);

// Errors: -EXO_EAGAIN  nobody waits; -EXO_EINVAL  not a listener.
int socket_accept(struct socket *listener, struct socket **out);

// Begins to connect. The socket becomes WRITABLE, or ERROR: -EXO_ECONNREFUSED; -EXO_ETIMEDOUT;
// -EXO_EHOSTUNREACH  a router said so, or the neighbour that it goes through does not answer.
//
// Errors: -EXO_ENETUNREACH  no route, or no address yet; -EXO_ENOMEM  every connection is
//         in use; -EXO_EADDRNOTAVAIL  every port is in use; -EXO_EINVAL  broadcast,
//         multicast or port 0.
int socket_connect(struct net *net, struct endpoint to, exo_ns now, struct socket **out);

// Fills `out` with room for at least one byte of data to send; write some of it, then
// commit. The span is valid until the next call on this socket or net_poll.
//
// Errors: -EXO_EAGAIN  no room now; -EXO_ENOTCONN  not connected yet; -EXO_EPIPE  after
//         shutdown; or the connection's error.
int socket_reserve(struct socket *s, struct span *out);

// Queues the first `len` bytes of the reserved span. Sent at the next net_poll.
void socket_commit(struct socket *s, size_t len);

// Copies in as much as there is room for. Returns the count, or as socket_reserve.
int socket_send(struct socket *s, const void *data, size_t len);

// Lends the oldest received bytes that lie in a row. Returns 1, or 0 at the end of the
// stream (out->len is 0). Valid until socket_consume.
//
// Errors: -EXO_EAGAIN  nothing yet; or the connection's error.
int socket_peek(struct socket *s, struct cspan *out);

// Gives back the first `len` bytes of what socket_peek lent; the window opens.
void socket_consume(struct socket *s, size_t len);

// Copies out up to `len` bytes. Returns the count, 0 at the end, or as socket_peek.
int socket_recv(struct socket *s, void *data, size_t len);

// Sends FIN after all that was committed; receiving goes on. Errors: -EXO_ENOTCONN.
int socket_shutdown(struct socket *s);

// --- UDP -------------------------------------------------------------------------

// A UDP socket on local `port`, 0 for a random free one.
//
// Errors: -EXO_EADDRINUSE; -EXO_ENOSPC  no UDP socket is left.
int socket_udp(struct net *net, uint16_t port, struct socket **out);

// Sends one datagram. Errors: -EXO_EMSGSIZE  more than fits net_addr's MTU; -EXO_ENETUNREACH;
// -EXO_EHOSTUNREACH  the neighbour that it goes through did not answer lately, and is asked
// anew: try again; -EXO_ENOMEM  no packet buffer now; -EXO_EINVAL.
//
// Whether it arrives nobody says: the socket is not connected, so an ICMP error (port
// unreachable, say) could not be told apart from one that a stranger made up.
int socket_sendto(struct socket *s, const void *data, size_t len, struct endpoint to, exo_ns now);

// Copies out one datagram and drops what does not fit. Returns its full length.
// Errors: -EXO_EAGAIN.
int socket_recvfrom(struct socket *s, void *data, size_t len, struct endpoint *from);

// --- both ------------------------------------------------------------------------

uint32_t socket_events(const struct socket *s);

// Why the socket is dead: a negative error, or 0.
int socket_error(const struct socket *s);

struct endpoint socket_local(const struct socket *s);
struct endpoint socket_peer(const struct socket *s);

// One word of the caller's, kept with the socket.
void socket_set_user(struct socket *s, void *user);
void *socket_user(const struct socket *s);

// Nagle's algorithm (RFC 9293 §3.7.4) is on unless this is called with false.
void socket_set_nagle(struct socket *s, bool on);

// Lets go of the socket; `s` is dead. A TCP connection is closed in order in the
// background: data that was committed is still delivered, then FIN. With received data
// unread it is reset (RFC 9293 §3.6, RFC 2525 §2.17).
void socket_close(struct socket *s);

// Lets go and resets the connection at once.
void socket_abort(struct socket *s);

#endif
