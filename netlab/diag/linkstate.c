// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/linkstate.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "diag/attributes.h"
#include "topology/address.h"
#include "util/string.h"

#define DUMP_TRIES  5     /* a dump that links changed under is read again */
#define DUMP_BUFFER 32768 /* the kernel's own limit of one part of a dump */

const char *operstate_name(uint8_t operstate)
{
	static const char *const names[] = {
		"unknown", "not-present", "down", "lower-layer-down",
		"testing", "dormant",     "up",
	};

	return operstate < ARRAY_SIZE(names) ? names[operstate] : "unknown";
}

/* --- one message ------------------------------------------------------------------------- */

static void read_info(const struct nlattr *info, struct link_state *state)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, info)
	{
		if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
			attribute_text(attribute, state->kind, sizeof(state->kind));
	}
}

/* An older kernel knows fewer counters; those it doesn't are 0. */
static void read_counters(const struct nlattr *attribute, struct link_state *state)
{
	size_t size = mnl_attr_get_payload_len(attribute);

	if (size > sizeof(state->counters))
		size = sizeof(state->counters);
	memcpy(&state->counters, mnl_attr_get_payload(attribute), size);
	state->has_counters = true;
}

static void read_mac(const struct nlattr *attribute, struct link_state *state)
{
	if (mnl_attr_get_payload_len(attribute) != sizeof(state->mac))
		return;
	memcpy(state->mac, mnl_attr_get_payload(attribute), sizeof(state->mac));
	state->has_mac = true;
}

static void read_attribute(const struct nlattr *attribute, struct link_state *state)
{
	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		attribute_text(attribute, state->name, sizeof(state->name));
		break;
	case IFLA_ADDRESS:
		read_mac(attribute, state);
		break;
	case IFLA_MTU:
		state->mtu = attribute_u32(attribute);
		break;
	case IFLA_TXQLEN:
		state->txqueuelen = attribute_u32(attribute);
		break;
	case IFLA_MASTER:
		state->master = attribute_u32(attribute);
		break;
	case IFLA_LINK:
		state->lower = attribute_u32(attribute);
		break;
	case IFLA_OPERSTATE:
		state->operstate = attribute_u8(attribute);
		break;
	case IFLA_STATS64:
		read_counters(attribute, state);
		break;
	case IFLA_LINKINFO:
		read_info(attribute, state);
		break;
	}
}

struct error *link_state_parse(const struct nlmsghdr *header, struct link_state *state)
{
	const struct ifinfomsg *body = mnl_nlmsg_get_payload(header);
	const struct nlattr *attribute;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*body))
		return error_new(EBADMSG, "a message about a link is cut short");
	*state = (struct link_state){.index = body->ifi_index,
				     .up = body->ifi_flags & IFF_UP,
				     .carrier = body->ifi_flags & IFF_LOWER_UP};
	mnl_attr_for_each(attribute, header, sizeof(*body))
		read_attribute(attribute, state);
	return NULL;
}

/* --- a dump ------------------------------------------------------------------------------ */

struct dump_request {
	struct nlmsghdr header;
	struct ifinfomsg body;
};

/* What one dump has come to. */
struct dump {
	struct link_states *states;
	bool done;
	bool interrupted; /* links changed meanwhile: it may lack some */
};

static struct error *take_message(struct dump *dump, const struct nlmsghdr *header)
{
	const struct nlmsgerr *refusal = mnl_nlmsg_get_payload(header);
	struct link_state state;

	dump->interrupted |= (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	if (header->nlmsg_type == NLMSG_DONE)
		dump->done = true;
	if (header->nlmsg_type == NLMSG_ERROR)
		return error_errno(mnl_nlmsg_get_payload_len(header) >= sizeof(*refusal)
					   ? -refusal->error
					   : EBADMSG,
				   "the kernel refuses to list its links");
	if (header->nlmsg_type != RTM_NEWLINK)
		return NULL;
	try(link_state_parse(header, &state));
	grow(dump->states->list, dump->states->n);
	dump->states->list[dump->states->n++] = state;
	return NULL;
}

/* The kernel has a part of the dump ready whenever it is asked: there is nothing to wait
 * for. */
static struct error *receive_part(int socket, struct dump *dump)
{
	_cleanup_free_ char *part = xcalloc(DUMP_BUFFER, 1);
	int n = recv(socket, part, DUMP_BUFFER, MSG_DONTWAIT);
	const struct nlmsghdr *header = (const void *)part;

	if (n < 0)
		return error_errno(errno, "the kernel's links can't be read");
	for (; message_ok(header, n); header = mnl_nlmsg_next(header, &n))
		try(take_message(dump, header));
	return NULL;
}

/* What is left of an earlier dump that failed; there is no new one before its end. */
static void drop_rest(int socket)
{
	_cleanup_free_ char *part = xcalloc(DUMP_BUFFER, 1);

	while (recv(socket, part, DUMP_BUFFER, MSG_DONTWAIT) >= 0)
		;
}

static struct error *dump_links(int socket, struct dump *dump)
{
	struct dump_request request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {.ifi_family = AF_UNSPEC},
	};

	link_states_deinit(dump->states);
	drop_rest(socket);
	if (send(socket, &request, sizeof(request), 0) < 0)
		return error_errno(errno, "the kernel's links can't be asked for");
	while (!dump->done)
		try(receive_part(socket, dump));
	return NULL;
}

struct error *link_states_open(int *socket_fd)
{
	*socket_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	return *socket_fd < 0 ? error_errno(errno, "no rtnetlink socket") : NULL;
}

struct error *link_states_read(int socket, struct link_states *states)
{
	struct dump dump = {.interrupted = true};

	for (unsigned i = 0; i < DUMP_TRIES && dump.interrupted; i++) {
		dump = (struct dump){.states = states};
		try(dump_links(socket, &dump));
	}
	return NULL;
}

/* --- tables of them ---------------------------------------------------------------------- */

struct link_state *link_states_find(const struct link_states *states, int index)
{
	for (size_t i = 0; i < states->n; i++)
		if (states->list[i].index == index)
			return &states->list[i];
	return NULL;
}

const struct link_state *link_states_named(const struct link_states *states,
					   const char *name)
{
	for (size_t i = 0; i < states->n; i++)
		if (streq(states->list[i].name, name))
			return &states->list[i];
	return NULL;
}

void link_states_set(struct link_states *states, const struct link_state *state)
{
	struct link_state *old = link_states_find(states, state->index);

	if (!old) {
		grow(states->list, states->n);
		old = &states->list[states->n++];
	}
	*old = *state;
}

void link_states_remove(struct link_states *states, int index)
{
	struct link_state *old = link_states_find(states, index);

	if (old)
		*old = states->list[--states->n];
}

void link_states_deinit(struct link_states *states)
{
	free(states->list);
	*states = (struct link_states){0};
}

/* --- for people and programs ------------------------------------------------------------- */

static json_t *direction(uint64_t frames, uint64_t bytes, uint64_t errors,
			 uint64_t dropped)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "frames", (json_int_t)frames, "bytes",
			 (json_int_t)bytes, "errors", (json_int_t)errors, "dropped",
			 (json_int_t)dropped);
}

json_t *link_state_to_json(const struct link_state *state,
			   const struct link_states *states)
{
	const struct rtnl_link_stats64 *c = &state->counters;
	const struct link_state *master = link_states_find(states, state->master);
	_cleanup_free_ char *name = master ? printable(master->name, IFNAMSIZ)
					   : NULL; /* JSON is UTF-8 */
	char mac[MAC_TEXT_SIZE];
	json_t *json = json_pack(
		"{s:i, s:b, s:b, s:s, s:I, s:I, s:s?, s:s?}", "index", state->index, "up",
		state->up, "carrier", state->carrier, "operstate",
		operstate_name(state->operstate), "mtu", (json_int_t)state->mtu,
		"txqueuelen", (json_int_t)state->txqueuelen, "mac",
		state->has_mac ? mac_format(state->mac, mac) : NULL, "master", name);

	if (!state->has_counters)
		return json;
	json_object_set_new(
		json, "rx",
		direction(c->rx_packets, c->rx_bytes, c->rx_errors, c->rx_dropped));
	json_object_set_new(
		json, "tx",
		direction(c->tx_packets, c->tx_bytes, c->tx_errors, c->tx_dropped));
	return json;
}
