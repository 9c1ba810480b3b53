// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/linkfields.h"

#include <assert.h>

#include "util/string.h"

/* "all" and "default" have meanings of their own in /proc/sys/net/ipv4/conf. */
static char *const reserved_links[] = {"lo", "all", "default", NULL};

const char *link_name_fault(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
				      "XYZ0123456789._-";

	if (!*name)
		return "is empty";
	if (strlen(name) >= IFNAMSIZ)
		return "is longer than the 15 bytes that a link's name may have";
	if (name[strspn(name, allowed)])
		return "has characters other than letters, digits, '.', '_' and '-'";
	if (*name == '.' || *name == '-')
		return "begins with a '.' or a '-'";
	if (strv_contains(reserved_links, name))
		return "is a name that Linux has for itself";
	return NULL;
}

const struct bridge *read_bridge_of(struct reader *reader, const char *what,
				    const struct node *node)
{
	const struct bridge *bridge = read_known(reader, what, node, &reader->bridges);

	if (bridge &&
	    ++reader->ports[bridge - reader->topology->bridges] == BRIDGE_PORTS_MAX + 1)
		report_add(reader->reports, node->at,
			   "bridge '%s' gets more than the %d ports that Linux allows",
			   bridge->name, BRIDGE_PORTS_MAX);
	return bridge;
}

void read_mtu(struct reader *reader, const char *what, const struct node *node,
	      void *into)
{
	read_count(reader, what, node, LINK_MTU_MIN, LINK_MTU_MAX, into);
}

void read_txqueuelen(struct reader *reader, const char *what, const struct node *node,
		     void *into)
{
	read_count(reader, what, node, 1, LINK_TXQUEUELEN_MAX, into);
}

void read_link_mac(struct reader *reader, const char *what, const struct node *node,
		   void *into)
{
	struct link_settings *settings = into;

	settings->mac_given = take_mac(reader, what, node, settings->mac);
}

void read_link_up(struct reader *reader, const char *what, const struct node *node,
		  void *into)
{
	struct link_settings *settings = into;
	bool up = true;

	read_switch(reader, what, node, &up);
	settings->down = !up;
}

#define OFFLOAD(key, number) \
	[number] = {key, read_choice, false, (number) * sizeof(enum choice)}

static const struct field offload_fields[] = {
	OFFLOAD("rx-checksum", OFFLOAD_RX_CHECKSUM),
	OFFLOAD("tx-checksum", OFFLOAD_TX_CHECKSUM),
	OFFLOAD("sg", OFFLOAD_SG),
	OFFLOAD("tso", OFFLOAD_TSO),
	OFFLOAD("gso", OFFLOAD_GSO),
	OFFLOAD("gro", OFFLOAD_GRO),
	{NULL},
};
static_assert(ARRAY_SIZE(offload_fields) == OFFLOADS + 1, "one that is never read");

void read_offloads(struct reader *reader, const char *what, const struct node *node,
		   void *into)
{
	(void)what;
	read_mapping(reader, "a link's offloads", node, offload_fields, into);
}

static void read_delay(struct reader *reader, const char *what, const struct node *node,
		       void *into)
{
	read_time(reader, what, node, 0, IMPAIR_DELAY_MAX_NS, into);
}

static void read_percent(struct reader *reader, const char *what, const struct node *node,
			 void *into)
{
	const char *text = read_text(reader, what, node);
	struct error *error = text ? percent_parse(text, into) : NULL;

	if (error)
		report_error(reader->reports, node->at, what, error);
}

static void read_rate(struct reader *reader, const char *what, const struct node *node,
		      void *into)
{
	const char *text = read_text(reader, what, node);
	uint64_t rate = IMPAIR_RATE_MIN;
	struct error *error = text ? rate_parse(text, &rate) : NULL;

	if (error)
		report_error(reader->reports, node->at, what, error);
	else if (rate < IMPAIR_RATE_MIN || rate > IMPAIR_RATE_MAX)
		report_add(reader->reports, node->at,
			   "%s: %s is not from 1kbit to 1000gbit", what, text);
	else if (text)
		*(uint64_t *)into = rate;
}

static const struct field impairment_fields[] = {
	{"delay", read_delay, false, offsetof(struct impairment, delay_ns)},
	{"jitter", read_delay, false, offsetof(struct impairment, jitter_ns)},
	{"loss", read_percent, false, offsetof(struct impairment, loss)},
	{"duplicate", read_percent, false, offsetof(struct impairment, duplicate)},
	{"corrupt", read_percent, false, offsetof(struct impairment, corrupt)},
	{"reorder", read_percent, false, offsetof(struct impairment, reorder)},
	{"rate", read_rate, false, offsetof(struct impairment, rate)},
	{NULL},
};

static const char *impairment_fault(const struct impairment *impairment)
{
	if (impairment->jitter_ns > 0 && !impairment->delay_ns)
		return "'jitter' is a change of the delay: it needs 'delay'";
	if (impairment->jitter_ns > impairment->delay_ns)
		return "'jitter' can't be more than 'delay'";
	if (impairment->reorder > 0 && !impairment->delay_ns)
		return "'reorder' sends some frames without the delay: it needs 'delay'";
	return NULL;
}

void read_impairment(struct reader *reader, const char *what, const struct node *node,
		     void *into)
{
	struct impairment *impairment = into;
	size_t before = reader->reports->found;
	const char *fault;

	read_mapping(reader, "an impairment", node, impairment_fields, impairment);
	fault = reader->reports->found == before ? impairment_fault(impairment) : NULL;
	if (fault)
		report_add(reader->reports, node->at, "%s: %s", what, fault);
}

struct two_impairments {
	struct impairment to, from;
};

static const struct field direction_fields[] = {
	{"to", read_impairment, false, offsetof(struct two_impairments, to)},
	{"from", read_impairment, false, offsetof(struct two_impairments, from)},
	{NULL},
};

void read_impairments(struct reader *reader, const char *what, const struct node *node,
		      struct impairment *to, struct impairment *from)
{
	struct two_impairments both = {0};

	if (node_value(node, "to") || node_value(node, "from")) {
		read_mapping(reader, "an impairment by direction", node, direction_fields,
			     &both);
	} else {
		read_impairment(reader, what, node, &both.to);
		both.from = both.to;
	}
	*to = both.to;
	*from = both.from;
}

void read_vlan_id(struct reader *reader, const char *what, const struct node *node,
		  void *into)
{
	unsigned id = 0;

	read_count(reader, what, node, 1, VLAN_ID_MAX, &id);
	*(uint16_t *)into = id;
}

/* The VLANs of a port while they are read. */
struct vlans_reading {
	struct port_vlans *vlans;
	unsigned line[VLAN_ID_MAX + 1]; /* of each VLAN's first mention; 0: none yet */
};

static void read_membership(struct reader *reader, const struct node *node,
			    struct vlans_reading *reading, uint16_t *ids, size_t *n)
{
	uint16_t id = 0;

	read_vlan_id(reader, "VLAN", node, &id);
	if (id && reading->line[id])
		report_add(reader->reports, node->at,
			   "VLAN %u is given twice; first in line %u", id,
			   reading->line[id]);
	else if (id)
		ids[(*n)++] = id;
	reading->line[id] = node->at.line;
}

static void read_memberships(struct reader *reader, const char *what,
			     const struct node *node, struct vlans_reading *reading,
			     uint16_t **ids, size_t *n)
{
	if (!is_list(reader, what, node))
		return;
	*ids = xcalloc(node->n_items + 1, sizeof(**ids)); /* one more: see read_vlans() */
	for (size_t i = 0; i < node->n_items; i++)
		read_membership(reader, node->items[i], reading, *ids, n);
}

static void read_pvid(struct reader *reader, const char *what, const struct node *node,
		      void *into)
{
	struct vlans_reading *reading = into;

	read_vlan_id(reader, what, node, &reading->vlans->pvid);
}

static void read_untagged(struct reader *reader, const char *what,
			  const struct node *node, void *into)
{
	struct vlans_reading *reading = into;

	read_memberships(reader, what, node, reading, &reading->vlans->untagged,
			 &reading->vlans->n_untagged);
}

static void read_tagged(struct reader *reader, const char *what, const struct node *node,
			void *into)
{
	struct vlans_reading *reading = into;

	read_memberships(reader, what, node, reading, &reading->vlans->tagged,
			 &reading->vlans->n_tagged);
}

static const struct field vlans_fields[] = {
	{"pvid", read_pvid, false, 0},
	{"untagged", read_untagged, false, 0},
	{"tagged", read_tagged, false, 0},
	{NULL},
};

/* A port's own VLAN that is in neither list leaves by it as it came in: untagged. */
void read_vlans(struct reader *reader, const char *what, const struct node *node,
		void *into)
{
	struct port_vlans *vlans = into;
	struct vlans_reading reading = {.vlans = vlans};

	(void)what;
	read_mapping(reader, "a port's VLANs", node, vlans_fields, &reading);
	if (!vlans->pvid || reading.line[vlans->pvid])
		return;
	if (!vlans->untagged)
		vlans->untagged = xcalloc(1, sizeof(*vlans->untagged));
	vlans->untagged[vlans->n_untagged++] = vlans->pvid;
}

void check_vlans(struct reader *reader, const struct node *node,
		 const struct bridge *bridge)
{
	const struct node *vlans = node_value(node, "vlans");

	if (vlans && !bridge)
		report_add(reader->reports, vlans->at,
			   "vlans: only a bridge's port has them");
	else if (vlans && !bridge->bridge.vlan_filtering)
		report_add(reader->reports, vlans->at,
			   "vlans: bridge '%s' does not tell VLANs apart; it needs "
			   "'vlan_filtering: on'",
			   bridge->name);
}

void check_mtu(struct reader *reader, const struct node *node, uint32_t mtu,
	       const struct address *addresses, size_t n)
{
	char text[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; mtu && mtu < IPV6_MTU_MIN && i < n; i++) {
		if (addresses[i].family != AF_INET6)
			continue;
		report_add(reader->reports, node_place(node, "mtu"),
			   "mtu: %u is less than the %d bytes that IPv6 wants (RFC "
			   "8200), for %s",
			   mtu, IPV6_MTU_MIN, address_format(&addresses[i], text));
		return;
	}
}
