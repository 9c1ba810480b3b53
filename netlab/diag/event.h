/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to links, addresses and neighbours of a network namespace, as it happens. */
#ifndef NETLAB_DIAG_EVENT_H
#define NETLAB_DIAG_EVENT_H

#include "diag/linkstate.h"
#include "topology/address.h"

enum net_event_kind {
	EVENT_OTHER, /* of no interest here */
	EVENT_LINK,
	EVENT_PORT, /* a bridge's port changed its STP state */
	EVENT_ADDRESS,
	EVENT_NEIGHBOUR,
	EVENT_FDB,  /* a bridge learned or forgot behind which port a MAC address is */
	EVENT_LOST, /* the kernel had more to say than there was room for */
};

#define EVENT_KINDS (EVENT_LOST + 1)

struct net_event {
	enum net_event_kind kind;
	bool gone;           /* what it is about is no more */
	int index;           /* of the link */
	char name[IFNAMSIZ]; /* its name; "" where it isn't known */
	bool is_new; /* EVENT_LINK: it was not there before; else @was is what it was */
	struct link_state link, was;
	uint8_t port_state;     /* EVENT_PORT: BR_STATE_… + 1 */
	struct address address; /* EVENT_ADDRESS, EVENT_NEIGHBOUR */
	uint32_t address_flags; /* IFA_F_… */
	uint16_t reachability;  /* EVENT_NEIGHBOUR: NUD_… */
	uint8_t mac[6];         /* EVENT_NEIGHBOUR, EVENT_FDB */
	bool has_mac;
	uint16_t vlan; /* EVENT_FDB; 0: none */
};

/**
 * net_event_parse() - read one message of rtnetlink's, which is trusted in nothing
 * @header: a whole message: mnl_nlmsg_ok() has held
 * @event: EVENT_OTHER where the message is about something else; name and was are not set
 */
must_use struct error *net_event_parse(const struct nlmsghdr *header,
				       struct net_event *event);

/* @states: the links as they are after the event. Both borrowed. */
typedef void (*net_event_fn)(const struct net_event *event,
			     const struct link_states *states, void *userdata);

/**
 * net_events_take() - read what one receive brought
 * @states: the links as known; brought up to date
 * @on_event: is called for what changed something: a link that is told of again as it was is
 *            none
 * Return: an error at the first message that is broken; the rest is passed over.
 */
must_use struct error *net_events_take(struct link_states *states, const void *messages,
				       size_t size, net_event_fn on_event,
				       void *userdata);

struct net_watch; /* a socket that is told of events, and the links as known */

/** net_watch_open() - watch the network namespace that the process is in. */
must_use struct error *net_watch_open(struct net_watch **watch);
int net_watch_fd(const struct net_watch *watch); /* to poll for */

/**
 * net_watch_read() - all events that have come
 *
 * Where the kernel had no room for one, EVENT_LOST is handed on and the links are read anew.
 */
must_use struct error *net_watch_read(struct net_watch *watch, net_event_fn on_event,
				      void *userdata);

void net_watch_free(struct net_watch *watch);
DEFINE_CLEANUP(struct net_watch *, net_watch_free);
#define _cleanup_net_watch_ _cleanup_(net_watch_freep)

/** net_event_text() - "link br0: mtu 1500 -> 1400"; the caller frees it. */
char *net_event_text(const struct net_event *event, const struct link_states *states);

/** net_event_to_json() - as of docs/monitor-events.md; a new reference. */
json_t *net_event_to_json(const struct net_event *event,
			  const struct link_states *states);

#endif
