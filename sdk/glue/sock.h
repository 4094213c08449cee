// SPDX-License-Identifier: MIT
// sock.h - sockets for tasks: calls that wait, over netstack/socket.h, which does not.
//
// A deadline is an instant on core's clock (core_clock_now() + EXO_S(5)); EXO_NS_NEVER
// waits for good. A call whose deadline comes first returns -EXO_EAGAIN and has changed
// nothing. Waiting stops the calling task only.
//
// One task may read a sock while another writes it. Close a sock when no task waits in
// it. All calls are made from tasks. socket_user of the socket below is taken: sock.c keeps
// there what the network task signals.
#ifndef SDK_GLUE_SOCK_H
#define SDK_GLUE_SOCK_H

#include "exo/span.h"
#include "netstack/socket.h"
#include "sdk/glue/net_task.h"

struct sock;

// --- TCP -------------------------------------------------------------------------

// Errors: -EXO_ENOMEM, and those of socket_listen.
int sock_listen(struct net_task *nt, uint16_t port, uint32_t backlog, struct sock **out);

// Waits for a connection. Errors: -EXO_EAGAIN; -EXO_ENOMEM  for the sock itself: the
// connection stays in the backlog.
int sock_accept(struct sock *listener, exo_ns deadline, struct sock **out);

// Connects. Errors: -EXO_ENOMEM, those of socket_connect, and why it failed:
// -EXO_ECONNREFUSED, -EXO_ETIMEDOUT, …. At the deadline the attempt is given up.
int sock_connect(struct net_task *nt, struct endpoint to, exo_ns deadline, struct sock **out);

// Waits for room and fills `out` with it: write into it, then commit, without a copy and
// without waiting or yielding between the two: the network task may send or free what lies there.
// Errors: -EXO_EAGAIN, and those of socket_reserve.
int sock_reserve(struct sock *s, exo_ns deadline, struct span *out);
void sock_commit(struct sock *s, size_t len);

// Sends all of `data`, by copying. Returns 0, or an error, after which part of it may
// have been sent.
int sock_send(struct sock *s, const void *data, size_t len, exo_ns deadline);

// Waits for data and lends it. Returns 1, or 0 at the end of the stream. The span is
// valid until sock_consume.
int sock_peek(struct sock *s, exo_ns deadline, struct cspan *out);
void sock_consume(struct sock *s, size_t len);

// Copies out between 1 and `len` bytes. Returns the count, 0 at the end of the stream.
int sock_recv(struct sock *s, void *data, size_t len, exo_ns deadline);

// Says that nothing more will be sent; receiving goes on.
int sock_shutdown(struct sock *s);

// --- UDP -------------------------------------------------------------------------

int sock_udp(struct net_task *nt, uint16_t port, struct sock **out);
int sock_sendto(struct sock *s, const void *data, size_t len, struct endpoint to);

// Waits for a datagram; returns its full length, of which at most `len` were copied.
int sock_recvfrom(struct sock *s, void *data, size_t len, struct endpoint *from, exo_ns deadline);

// --- both ------------------------------------------------------------------------

struct endpoint sock_local(const struct sock *s);
struct endpoint sock_peer(const struct sock *s);

// The socket underneath, for the options in socket.h.
struct socket *sock_socket(struct sock *s);

// Lets go; what was committed is still delivered (socket_close). `s` is dead.
void sock_close(struct sock *s);

// Lets go and resets the connection.
void sock_abort(struct sock *s);

#endif
