/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of its links: state, settings, counters (rtnetlink, by libmnl). */
#ifndef NETLAB_DIAG_LINKSTATE_H
#define NETLAB_DIAG_LINKSTATE_H

#include <jansson.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

#define LINK_KIND_SIZE 16

/* What a message doesn't say is 0 or "". */
struct link_state {
	int index;
	char name[IFNAMSIZ];
	char kind[LINK_KIND_SIZE]; /* as of `ip -details link`: "bridge", "tun", "veth" */
	bool up;                   /* it was brought up */
	bool carrier;              /* and it can carry frames */
	uint8_t operstate;         /* RFC 2863; see operstate_name() */
	uint32_t mtu;              /* bytes */
	uint32_t txqueuelen;       /* frames */
	int master;                /* index of the bridge that it is a port of */
	int lower;                 /* index of the link that it sits on, or of its peer */
	uint8_t mac[6];
	bool has_mac;
	struct rtnl_link_stats64 counters;
	bool has_counters;
	uint8_t port_state; /* kept by who watches events: BR_STATE_… + 1; 0: not known */
};

/* Zero-initialised it is empty and valid. */
struct link_states {
	struct link_state *list;
	size_t n;
};

/**
 * link_state_parse() - read one RTM_NEWLINK or RTM_DELLINK, which is trusted in nothing
 * @header: a whole message: mnl_nlmsg_ok() has held
 */
must_use struct error *link_state_parse(const struct nlmsghdr *header,
					struct link_state *state);

/** link_states_open() - a socket of rtnetlink's into the network namespace that the process is
 * in, where it stays; the caller closes it. */
must_use struct error *link_states_open(int *socket_fd);

/**
 * link_states_read() - all links of a network namespace
 * @socket: of rtnetlink's, made in that namespace; what waits there is dropped
 */
must_use struct error *link_states_read(int socket, struct link_states *states);

/** link_states_find() - by index, or NULL. */
struct link_state *link_states_find(const struct link_states *states, int index);

/** link_states_named() - by name, or NULL. */
const struct link_state *link_states_named(const struct link_states *states,
					   const char *name);

/** link_states_set() - add @state, or replace that of the same index. */
void link_states_set(struct link_states *states, const struct link_state *state);

void link_states_remove(struct link_states *states, int index);
void link_states_deinit(struct link_states *states);
#define _cleanup_link_states_ _cleanup_(link_states_deinit)

/**
 * link_state_to_json() - the object `live` of docs/control-protocol.md; a new reference
 * @states: where its master's name is looked up
 */
json_t *link_state_to_json(const struct link_state *state,
			   const struct link_states *states);

/** operstate_name() - "up", "down", "lower-layer-down", …, as of RFC 2863; "unknown" */
const char *operstate_name(uint8_t operstate);

#endif
