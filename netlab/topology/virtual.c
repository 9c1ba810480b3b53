// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/virtual.h"

#include <assert.h>

#include "topology/linkfields.h"
#include "util/string.h"

static void read_lower(struct reader *reader, const char *what, const struct node *node,
		       void *into)
{
	struct virtual_link *link = into;

	link->lower = xstrdup(read_line(reader, what, node));
}

static void read_port_of(struct reader *reader, const char *what, const struct node *node,
			 void *into)
{
	struct virtual_link *link = into;
	const struct bridge *bridge = read_bridge_of(reader, what, node);

	link->bridge = xstrdup(bridge ? bridge->name : NULL);
}

/* No other link is known to be on the same wire. */
static void read_virtual_addresses(struct reader *reader, const char *what,
				   const struct node *node, void *into)
{
	struct virtual_link *link = into;
	_cleanup_free_ char *segment = xasprintf("%p", into);

	read_addresses(reader, what, node, segment, &link->addresses, &link->n_addresses);
}

static void read_vni(struct reader *reader, const char *what, const struct node *node,
		     void *into)
{
	read_count(reader, what, node, 0, VNI_MAX, into);
}

static void read_local(struct reader *reader, const char *what, const struct node *node,
		       void *into)
{
	struct vxlan_settings *vxlan = into;

	vxlan->has_local = read_one_address(reader, what, node, &vxlan->local);
}

static void read_remote(struct reader *reader, const char *what, const struct node *node,
			void *into)
{
	struct vxlan_settings *vxlan = into;

	vxlan->has_remote = read_one_address(reader, what, node, &vxlan->remote);
}

static void read_port(struct reader *reader, const char *what, const struct node *node,
		      void *into)
{
	unsigned port = 0;

	read_count(reader, what, node, 1, UINT16_MAX, &port);
	*(uint16_t *)into = port;
}

static const char *macvlan_word(unsigned mode)
{
	return macvlan_mode_name(mode);
}

static void read_macvlan_mode(struct reader *reader, const char *what,
			      const struct node *node, void *into)
{
	unsigned mode = MACVLAN_BRIDGE;

	read_one_of(reader, what, node, macvlan_word, MACVLAN_MODES, &mode);
	*(enum macvlan_type *)into = mode;
}

/* "dummy: true": there is nothing else to say about one. */
static void read_existence(struct reader *reader, const char *what,
			   const struct node *node, void *into)
{
	bool on = true;

	(void)into;
	read_switch(reader, what, node, &on);
	if (!on)
		report_add(reader->reports, node->at,
			   "%s: it says what the link is, so it can't be off; leave the "
			   "link out",
			   what);
}

static void read_owner(struct reader *reader, const char *what, const struct node *node,
		       void *into)
{
	*(char **)into = xstrdup(read_line(reader, what, node));
}

#define IN_LINK(member) offsetof(struct virtual_link, member)

/* What all kinds have. */
#define COMMON_FIELDS                                                                 \
	{"bridge", read_port_of, false, 0},                                           \
		{"vlans", read_vlans, false, IN_LINK(vlans)},                         \
		{"addresses", read_virtual_addresses, false, 0},                      \
		{"mtu", read_mtu, false, IN_LINK(settings.mtu)},                      \
		{"mac", read_link_mac, false, IN_LINK(settings)},                     \
		{"txqueuelen", read_txqueuelen, false, IN_LINK(settings.txqueuelen)}, \
		{"offloads", read_offloads, false, IN_LINK(settings.offloads)},       \
		{"impair", read_impairment, false, IN_LINK(settings.impair)},         \
		{"up", read_link_up, false, IN_LINK(settings)},                       \
	{                                                                             \
		NULL                                                                  \
	}

static const struct field vlan_fields[] = {
	{"vlan", read_vlan_id, true, IN_LINK(vlan.id)},
	{"link", read_lower, true, 0},
	COMMON_FIELDS,
};

static const struct field vxlan_fields[] = {
	{"vxlan", read_vni, true, IN_LINK(vxlan.id)},
	{"local", read_local, false, IN_LINK(vxlan)},
	{"remote", read_remote, false, IN_LINK(vxlan)},
	{"port", read_port, false, IN_LINK(vxlan.port)},
	{"link", read_lower, false, 0},
	COMMON_FIELDS,
};

static const struct field macvlan_fields[] = {
	{"macvlan", read_macvlan_mode, true, IN_LINK(macvlan)},
	{"link", read_lower, true, 0},
	COMMON_FIELDS,
};

static const struct field dummy_fields[] = {
	{"dummy", read_existence, true, 0},
	COMMON_FIELDS,
};

static const struct field ifb_fields[] = {
	{"ifb", read_existence, true, 0},
	COMMON_FIELDS,
};

static const struct field tap_fields[] = {
	{"tap", read_existence, true, 0},
	{"owner", read_owner, false, IN_LINK(owner)},
	COMMON_FIELDS,
};

static const struct {
	const char *what;
	const struct field *fields; /* the first is the key of the kind */
} kinds[] = {
	[VIRTUAL_VLAN] = {"a VLAN link", vlan_fields},
	[VIRTUAL_VXLAN] = {"a VXLAN link", vxlan_fields},
	[VIRTUAL_MACVLAN] = {"a macvlan link", macvlan_fields},
	[VIRTUAL_DUMMY] = {"a dummy link", dummy_fields},
	[VIRTUAL_IFB] = {"an ifb link", ifb_fields},
	[VIRTUAL_TAP] = {"a TAP", tap_fields},
};
static_assert(ARRAY_SIZE(kinds) == VIRTUAL_KINDS, "a kind that is never read");

static const char *kind_key(unsigned kind)
{
	if (kind < VIRTUAL_KINDS)
		return kinds[kind].fields[0].key;
	return kind == KIND_BRIDGE ? "bridge" : "peer";
}

unsigned link_kind_of(struct reader *reader, const struct node *node, unsigned n)
{
	unsigned found = KIND_NONE;

	for (unsigned i = 0; i < n; i++) {
		if (!node_value(node, kind_key(i)))
			continue;
		if (found != KIND_NONE) {
			report_add(
				reader->reports, node_place(node, kind_key(i)),
				"a link is one thing: '%s' and '%s' exclude each other",
				kind_key(found), kind_key(i));
			return KIND_SEVERAL;
		}
		found = i;
	}
	return found;
}

void read_virtual(struct reader *reader, enum virtual_kind kind, const struct node *key,
		  const struct node *value, struct virtual_link *link)
{
	link->kind = kind;
	link->at = key->at;
	read_mapping(reader, kinds[kind].what, value, kinds[kind].fields, link);
	if (!node_value(value, "bridge") || link->bridge)
		check_vlans(reader, value,
			    link->bridge
				    ? names_find(&reader->bridges, link->bridge)->value
				    : NULL);
}

static void read_nothing(struct reader *reader, const char *what, const struct node *node,
			 void *into)
{
	(void)reader, (void)what, (void)node, (void)into;
}

#define NOTHING(key)                        \
	{                                   \
		key, read_nothing, false, 0 \
	}

/* A key that is none of these is a better report than that there is no kind. */
static const struct field any_fields[] = {
	NOTHING("vlan"),   NOTHING("vxlan"),      NOTHING("macvlan"),
	NOTHING("dummy"),  NOTHING("ifb"),        NOTHING("tap"),
	NOTHING("owner"),  NOTHING("link"),       NOTHING("local"),
	NOTHING("remote"), NOTHING("port"),       NOTHING("bridge"),
	NOTHING("vlans"),  NOTHING("addresses"),  NOTHING("mtu"),
	NOTHING("mac"),    NOTHING("txqueuelen"), NOTHING("offloads"),
	NOTHING("impair"), NOTHING("up"),         {NULL},
};

static void report_no_kind(struct reader *reader, const struct node *key,
			   const struct node *value)
{
	size_t before = reader->reports->found;

	read_mapping(reader, "a link", value, any_fields, NULL);
	if (reader->reports->found == before)
		report_add(reader->reports, key->at,
			   "link '%s' needs a key that says what it is: vlan, vxlan, "
			   "macvlan, dummy, ifb or tap",
			   key->text);
}

static void check_lab_link_name(struct reader *reader, const struct node *key)
{
	const struct name *bridge = names_find(&reader->bridges, key->text);
	const char *fault = link_name_fault(key->text);

	if (fault)
		report_add(reader->reports, key->at, "link '%s': the name %s", key->text,
			   fault);
	else if (bridge)
		report_add(reader->reports, key->at,
			   "link '%s' has the name of the bridge in line %u", key->text,
			   bridge->at.line);
}

static void read_lab_link(struct reader *reader, const struct node *key,
			  const struct node *value)
{
	struct topology *topology = reader->topology;
	struct virtual_link *link = &topology->virtuals[topology->n_virtuals];
	const char *name = read_name(reader, "link", key, &reader->virtuals, link);
	unsigned kind = name ? link_kind_of(reader, value, VIRTUAL_KINDS) : KIND_SEVERAL;

	if (!name)
		return;
	check_lab_link_name(reader, key);
	if (kind == KIND_NONE)
		report_no_kind(reader, key, value);
	if (kind >= VIRTUAL_KINDS)
		return;
	reader->lab.virtuals[topology->n_virtuals++] = value;
	link->name = xstrdup(name);
	names_add(&reader->links, name, key->at, link->name);
	read_virtual(reader, kind, key, value, link);
}

void read_lab_links(struct reader *reader, const char *what, const struct node *node,
		    void *into)
{
	struct topology *topology = into;
	size_t n = node->n_items / 2;

	if (!is_mapping(reader, what, node))
		return;
	topology->virtuals = xcalloc(n, sizeof(*topology->virtuals));
	reader->lab.virtuals = xcalloc(n, sizeof(*reader->lab.virtuals));
	for (size_t i = 0; i + 1 < node->n_items; i += 2)
		read_lab_link(reader, node->items[i], node->items[i + 1]);
}
