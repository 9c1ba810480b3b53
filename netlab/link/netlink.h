/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A netlink socket that hears the kernel's own reasons. */
#ifndef NETLAB_LINK_NETLINK_H
#define NETLAB_LINK_NETLINK_H

#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/qdisc.h>

#include "link/extack.h"
#include "util/error.h"

/* It must stay where it is once initialised: its socket knows its address. */
struct netlink {
	struct nl_sock *socket;
	uint32_t sequence;    /* of the request under way; 0: there is none */
	bool answered;        /* it has its answer */
	struct extack answer; /* to the request under way */
};

/** netlink_init() - a socket into the current network namespace, where it stays. */
must_use struct error *netlink_init(struct netlink *netlink);

/** netlink_init_generic() - as netlink_init(), for generic netlink. */
must_use struct error *netlink_init_generic(struct netlink *netlink);

/** netlink_deinit() - close it; a zeroed struct netlink is fine. */
void netlink_deinit(struct netlink *netlink);

/**
 * netlink_request() - send one request and wait for its answer
 * @message: borrowed
 * @what: what could not be done, for the error: "can't be created"
 * Return: an error with the kernel's errno as its code and its extended ACK.
 */
must_use struct error *netlink_request(struct netlink *netlink, struct nl_msg *message,
				       const char *what);

/**
 * netlink_request_both() - as netlink_request(), with a second request in the same datagram
 *
 * The kernel does both before it returns to the process, which no signal ends in between. It
 * does the second also where it has refused the first, whose error is then what is returned.
 */
must_use struct error *netlink_request_both(struct netlink *netlink, struct nl_msg *first,
					    struct nl_msg *second, const char *what);

/**
 * netlink_query() - as netlink_request(), for a request that is also answered with data
 * @take: called with each message of it; gets @userdata
 */
must_use struct error *netlink_query(struct netlink *netlink, struct nl_msg *message,
				     nl_recvmsg_msg_cb_t take, void *userdata,
				     const char *what);

/**
 * netlink_dump() - as netlink_query(), for a request for all there is (NLM_F_DUMP)
 * Return: EAGAIN where it changed meanwhile (NLM_F_DUMP_INTR): the dump is worth nothing then.
 */
must_use struct error *netlink_dump(struct netlink *netlink, struct nl_msg *message,
				    nl_recvmsg_msg_cb_t take, void *userdata,
				    const char *what);

/**
 * netlink_find_index() - the interface index of a link in the socket's network namespace
 * @what: what could not be done, for the error
 */
must_use struct error *netlink_find_index(const struct netlink *netlink, const char *name,
					  const char *what, int *index);

/**
 * netlink_read_links() - all links of the socket's network namespace
 * @cache: of struct rtnl_link; the caller frees it with nl_cache_free()
 */
must_use struct error *netlink_read_links(struct netlink *netlink,
					  struct nl_cache **cache);

/** netlink_unbuilt() - the error for a message that libnl could not build (@code of libnl). */
must_use struct error *netlink_unbuilt(int code);

static inline void message_freep(struct nl_msg **message)
{
	nlmsg_free(*message);
}

static inline void route_link_putp(struct rtnl_link **link)
{
	rtnl_link_put(*link);
}

static inline void route_address_putp(struct rtnl_addr **address)
{
	rtnl_addr_put(*address);
}

static inline void route_qdisc_putp(struct rtnl_qdisc **qdisc)
{
	rtnl_qdisc_put(*qdisc);
}

static inline void abstract_address_putp(struct nl_addr **address)
{
	nl_addr_put(*address);
}

#define _cleanup_message_          _cleanup_(message_freep)
#define _cleanup_route_link_       _cleanup_(route_link_putp)
#define _cleanup_route_address_    _cleanup_(route_address_putp)
#define _cleanup_route_qdisc_      _cleanup_(route_qdisc_putp)
#define _cleanup_abstract_address_ _cleanup_(abstract_address_putp)

#endif
