/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of a TCP connection, over sock_diag (libmnl). */
#ifndef NETLAB_DIAG_TCP_H
#define NETLAB_DIAG_TCP_H

#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <sys/socket.h>

#include "util/error.h"

struct diag; /* a NETLINK_SOCK_DIAG socket */

must_use struct error *diag_open(struct diag **diag);
void diag_free(struct diag *diag);
DEFINE_CLEANUP(struct diag *, diag_free);
#define _cleanup_diag_ _cleanup_(diag_freep)

/**
 * diag_tcp_info() - TCP_INFO of the one connection between two addresses
 * @local, @remote: sockaddr_in or sockaddr_in6, both of one family
 * @state: TCP_ESTABLISHED, …
 * @info: what this kernel knows; fields it does not know are 0
 * Return: ENOENT in the error's code when there is no such connection.
 */
must_use struct error *diag_tcp_info(struct diag *diag, const struct sockaddr *local,
				     const struct sockaddr *remote, unsigned *state,
				     struct tcp_info *info);

/**
 * diag_tcp_parse() - read one answer of sock_diag's, which is trusted in nothing
 * @message: @size bytes
 * @id: the connection that was asked for; an answer about another (a listener) is ENOENT
 */
must_use struct error *diag_tcp_parse(const void *message, size_t size,
				      const struct inet_diag_sockid *id, unsigned *state,
				      struct tcp_info *info);

/** diag_tcp_state_name() - "established", "syn-sent", …, as ss(8) says it; "unknown" */
const char *diag_tcp_state_name(unsigned state);

#endif
