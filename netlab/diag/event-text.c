// SPDX-License-Identifier: GPL-2.0-or-later
/* Events for people and for programs. */
#include <assert.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <string.h>

#include "diag/event.h"
#include "util/string.h"

static const char *const kind_names[] = {
	[EVENT_OTHER] = "other",         [EVENT_LINK] = "link",
	[EVENT_PORT] = "port",           [EVENT_ADDRESS] = "address",
	[EVENT_NEIGHBOUR] = "neighbour", [EVENT_FDB] = "fdb",
	[EVENT_LOST] = "lost",
};
static_assert(ARRAY_SIZE(kind_names) == EVENT_KINDS, "a kind of event without a name");

/* As of bridge(8) and ip-neighbour(8). */
static const char *port_state_name(uint8_t state)
{
	static const char *const names[] = {
		[BR_STATE_DISABLED] = "disabled", [BR_STATE_LISTENING] = "listening",
		[BR_STATE_LEARNING] = "learning", [BR_STATE_FORWARDING] = "forwarding",
		[BR_STATE_BLOCKING] = "blocking",
	};

	return state && state <= ARRAY_SIZE(names) ? names[state - 1] : "unknown";
}

static const char *reachability_name(uint16_t state)
{
	static const struct {
		uint16_t state;
		const char *name;
	} names[] = {
		{NUD_INCOMPLETE, "incomplete"}, {NUD_REACHABLE, "reachable"},
		{NUD_STALE, "stale"},           {NUD_DELAY, "delay"},
		{NUD_PROBE, "probe"},           {NUD_FAILED, "failed"},
		{NUD_NOARP, "noarp"},           {NUD_PERMANENT, "permanent"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (state == names[i].state)
			return names[i].name;
	return "none";
}

static const struct {
	uint32_t flag;
	const char *name;
} address_flags[] = {
	{IFA_F_TENTATIVE, "tentative"},
	{IFA_F_DADFAILED, "dadfailed"},
	{IFA_F_DEPRECATED, "deprecated"},
};

/* A link by name, or by number where it has none. Not more than a name is long. */
static char *link_name(const struct link_states *states, int index)
{
	const struct link_state *link = link_states_find(states, index);

	return link ? printable(link->name, IFNAMSIZ) : xasprintf("#%d", index);
}

static char *event_link(const struct net_event *event)
{
	return *event->name ? printable(event->name, IFNAMSIZ)
			    : xasprintf("#%d", event->index);
}

/* --- what changed on a link -------------------------------------------------------------- */

static void push_number(char ***words, const char *what, bool is_new, uint32_t was,
			uint32_t is)
{
	if (is_new)
		strv_pushf(words, "%s %u", what, is);
	else if (was != is)
		strv_pushf(words, "%s %u -> %u", what, was, is);
}

static void push_master(char ***words, const struct net_event *event,
			const struct link_states *states)
{
	_cleanup_free_ char *master = link_name(states, event->link.master);

	if (event->link.master == event->was.master)
		return;
	if (event->link.master)
		strv_pushf(words, "port of %s", master);
	else
		strv_pushf(words, "port of no bridge");
}

static void push_mac(char ***words, const struct net_event *event)
{
	char mac[MAC_TEXT_SIZE];

	if (event->link.has_mac &&
	    (event->is_new ||
	     memcmp(event->link.mac, event->was.mac, sizeof(event->link.mac)) != 0))
		strv_pushf(words, "%s", mac_format(event->link.mac, mac));
}

static const char *state_text(const struct link_state *link)
{
	if (!link->up)
		return "down";
	return link->carrier ? "up" : "up, no carrier";
}

static char *link_text(const struct net_event *event, const struct link_states *states)
{
	const struct link_state *is = &event->link, *was = &event->was;
	_cleanup_free_ char *old = printable(was->name, IFNAMSIZ);
	_cleanup_free_ char *kind = printable(is->kind, LINK_KIND_SIZE);
	_cleanup_strv_ char **words = NULL;

	if (event->gone)
		return xstrdup("gone");
	if (event->is_new)
		strv_pushf(&words, "new%s%s", *kind ? " " : "", kind);
	else if (!streq(is->name, was->name))
		strv_pushf(&words, "was called %s", old);
	if (event->is_new || !streq(state_text(is), state_text(was)))
		strv_pushf(&words, "%s", state_text(is));
	if (!event->is_new && is->operstate != was->operstate)
		strv_pushf(&words, "operstate %s", operstate_name(is->operstate));
	push_master(&words, event, states);
	push_number(&words, "mtu", event->is_new, was->mtu, is->mtu);
	push_number(&words, "txqueuelen", event->is_new, was->txqueuelen, is->txqueuelen);
	push_mac(&words, event);
	return strv_join(words, ", ");
}

/* --- for people -------------------------------------------------------------------------- */

static char *address_text(const struct net_event *event)
{
	char address[ADDRESS_TEXT_SIZE];
	_cleanup_strv_ char **words = NULL;

	strv_push(&words, xstrdup(address_format(&event->address, address)));
	for (size_t i = 0; i < ARRAY_SIZE(address_flags) && !event->gone; i++)
		if (event->address_flags & address_flags[i].flag)
			strv_push(&words, xstrdup(address_flags[i].name));
	if (event->gone)
		strv_push(&words, xstrdup("gone"));
	return strv_join(words, " ");
}

static char *neighbour_text(const struct net_event *event)
{
	char address[ADDRESS_TEXT_SIZE], mac[MAC_TEXT_SIZE];

	return xasprintf("%s%s%s %s", address_format_host(&event->address, address),
			 event->has_mac ? " at " : "",
			 event->has_mac ? mac_format(event->mac, mac) : "",
			 event->gone ? "gone" : reachability_name(event->reachability));
}

static char *fdb_text(const struct net_event *event)
{
	char mac[MAC_TEXT_SIZE], vlan[sizeof(" vlan 65535")] = "";

	if (event->vlan)
		snprintf(vlan, sizeof(vlan), " vlan %u", event->vlan);
	return xasprintf("%s%s %s", mac_format(event->mac, mac), vlan,
			 event->gone ? "forgotten" : "is here");
}

static char *text_of(const struct net_event *event, const struct link_states *states)
{
	switch (event->kind) {
	case EVENT_LINK:
		return link_text(event, states);
	case EVENT_PORT:
		return xstrdup(event->gone ? "of no bridge any more"
					   : port_state_name(event->port_state));
	case EVENT_ADDRESS:
		return address_text(event);
	case EVENT_NEIGHBOUR:
		return neighbour_text(event);
	case EVENT_FDB:
		return fdb_text(event);
	case EVENT_LOST:
	case EVENT_OTHER:
		break;
	}
	return xstrdup("");
}

char *net_event_text(const struct net_event *event, const struct link_states *states)
{
	_cleanup_free_ char *name = event_link(event), *text = text_of(event, states);

	if (event->kind == EVENT_LOST)
		return xstrdup("some events were lost: there were more than there was "
			       "room for");
	return xasprintf("%s %s: %s", kind_names[event->kind], name, text);
}

/* --- for programs ------------------------------------------------------------------------ */

static void link_to_json(const struct net_event *event, const struct link_states *states,
			 json_t *json)
{
	_cleanup_free_ char *kind = printable(event->link.kind, LINK_KIND_SIZE);
	json_t *live = link_state_to_json(&event->link, states);

	json_object_del(live, "rx");
	json_object_del(live, "tx");
	json_object_update_new(json, live);
	json_object_set_new(json, "kind", *kind ? json_string(kind) : json_null());
	json_object_set_new(json, "new", json_boolean(event->is_new));
}

static void address_to_json(const struct net_event *event, json_t *json)
{
	char address[ADDRESS_TEXT_SIZE];
	json_t *flags = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(address_flags); i++)
		if (event->address_flags & address_flags[i].flag)
			json_array_append_new(flags, json_string(address_flags[i].name));
	json_object_set_new(json, "address",
			    json_string(address_format(&event->address, address)));
	json_object_set_new(json, "flags", flags);
}

static void mac_to_json(const struct net_event *event, json_t *json)
{
	char mac[MAC_TEXT_SIZE];

	json_object_set_new(json, "mac",
			    event->has_mac ? json_string(mac_format(event->mac, mac))
					   : json_null());
}

static void neighbour_to_json(const struct net_event *event, json_t *json)
{
	char address[ADDRESS_TEXT_SIZE];

	json_object_set_new(json, "address",
			    json_string(address_format_host(&event->address, address)));
	mac_to_json(event, json);
	json_object_set_new(json, "state",
			    json_string(reachability_name(event->reachability)));
}

static void details_to_json(const struct net_event *event,
			    const struct link_states *states, json_t *json)
{
	switch (event->kind) {
	case EVENT_LINK:
		return link_to_json(event, states, json);
	case EVENT_PORT:
		json_object_set_new(
			json, "state",
			event->gone ? json_null()
				    : json_string(port_state_name(event->port_state)));
		return;
	case EVENT_ADDRESS:
		return address_to_json(event, json);
	case EVENT_NEIGHBOUR:
		return neighbour_to_json(event, json);
	case EVENT_FDB:
		mac_to_json(event, json);
		json_object_set_new(json, "vlan",
				    event->vlan ? json_integer(event->vlan)
						: json_null());
		return;
	case EVENT_LOST:
	case EVENT_OTHER:
		return;
	}
}

json_t *net_event_to_json(const struct net_event *event, const struct link_states *states)
{
	_cleanup_free_ char *name = event_link(event);
	json_t *json = json_pack("{s:s}", "event", kind_names[event->kind]);

	if (event->kind == EVENT_LOST)
		return json;
	json_object_update_new(json, json_pack("{s:s, s:i, s:b}", "link", name, "index",
					       event->index, "gone", event->gone));
	details_to_json(event, states, json);
	return json;
}
