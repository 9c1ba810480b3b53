// SPDX-License-Identifier: GPL-2.0-or-later
/* The hosts of a topology and their links. */
#include "topology/linkfields.h"
#include "topology/routing.h"
#include "topology/virtual.h"
#include "util/string.h"

static void read_veth_bridge(struct reader *reader, const char *what,
			     const struct node *node, void *into)
{
	struct host_link *link = into;
	const struct bridge *bridge = read_bridge_of(reader, what, node);

	link->bridge = xstrdup(bridge ? bridge->name : NULL);
}

/* Whose link it means is found when all hosts are known. */
static void read_peer(struct reader *reader, const char *what, const struct node *node,
		      void *into)
{
	(void)into;
	read_text(reader, what, node);
}

static void read_veth_addresses(struct reader *reader, const char *what,
				const struct node *node, void *into)
{
	struct host_link *link = into;
	_cleanup_free_ char *own = xasprintf("%p", into);

	read_addresses(reader, what, node, link->bridge ?: own, &link->addresses,
		       &link->n_addresses);
}

static void read_veth_impairments(struct reader *reader, const char *what,
				  const struct node *node, void *into)
{
	struct host_link *link = into;

	read_impairments(reader, what, node, &link->impair_from, &link->settings.impair);
}

/* The keys of kinds are there to be suggested: a link that has one isn't read by this. */
static void read_misplaced(struct reader *reader, const char *what,
			   const struct node *node, void *into)
{
	(void)into;
	report_add(reader->reports, node->at,
		   "%s: a link to a bridge or a peer has none; it is for virtual links",
		   what);
}

#define IN_LINK(member) offsetof(struct host_link, member)

/* Which addresses may be alike depends on the bridge, so that is read first. */
static const struct field veth_fields[] = {
	{"bridge", read_veth_bridge, false, 0},
	{"peer", read_peer, false, 0},
	{"vlans", read_vlans, false, IN_LINK(vlans)},
	{"addresses", read_veth_addresses, false, 0},
	{"mtu", read_mtu, false, IN_LINK(settings.mtu)},
	{"mac", read_link_mac, false, IN_LINK(settings)},
	{"txqueuelen", read_txqueuelen, false, IN_LINK(settings.txqueuelen)},
	{"offloads", read_offloads, false, IN_LINK(settings.offloads)},
	{"impair", read_veth_impairments, false, 0},
	{"up", read_link_up, false, IN_LINK(settings)},
	{"vlan", read_misplaced, false, 0},
	{"vxlan", read_misplaced, false, 0},
	{"macvlan", read_misplaced, false, 0},
	{"dummy", read_misplaced, false, 0},
	{"ifb", read_misplaced, false, 0},
	{"tap", read_misplaced, false, 0},
	{"owner", read_misplaced, false, 0},
	{"link", read_misplaced, false, 0},
	{"local", read_misplaced, false, 0},
	{"remote", read_misplaced, false, 0},
	{"port", read_misplaced, false, 0},
	{NULL},
};

static void read_veth(struct reader *reader, const struct node *key,
		      const struct node *value, struct host_link *link)
{
	const struct name *name;
	const struct bridge *bridge;

	link->at = key->at;
	link->peer_host = link->peer_link = PEER_NONE;
	read_mapping(reader, "a link of a host", value, veth_fields, link);
	name = link->bridge ? names_find(&reader->bridges, link->bridge) : NULL;
	bridge = name ? name->value : NULL;
	if (bridge || !node_value(value, "bridge"))
		check_vlans(reader, value, bridge);
	if (bridge && !link->settings.mtu)
		link->settings.mtu = bridge->settings.mtu;
}

struct links_reading {
	struct host *host;
	struct sources *sources;
	struct names names; /* no value */
};

static void read_link(struct reader *reader, const struct node *key,
		      const struct node *value, struct links_reading *reading)
{
	struct host *host = reading->host;
	const char *name = read_name(reader, "link", key, &reading->names, NULL);
	const char *fault = name ? link_name_fault(name) : NULL;
	unsigned kind = name ? link_kind_of(reader, value, KINDS_IN_HOST) : KIND_SEVERAL;

	if (fault)
		report_add(reader->reports, key->at, "link '%s': the name %s", name,
			   fault);
	if (kind == KIND_SEVERAL)
		return;
	if (kind < VIRTUAL_KINDS) {
		reading->sources->virtuals[host->n_virtuals] = value;
		host->virtuals[host->n_virtuals].name = xstrdup(name);
		read_virtual(reader, kind, key, value,
			     &host->virtuals[host->n_virtuals++]);
	} else {
		reading->sources->links[host->n_links] = value;
		host->links[host->n_links].name = xstrdup(name);
		read_veth(reader, key, value, &host->links[host->n_links++]);
	}
}

static void read_host_links(struct reader *reader, const char *what,
			    const struct node *node, void *into)
{
	struct host *host = into;
	struct links_reading reading = {
		.host = host,
		.sources = &reader->host[host - reader->topology->hosts],
	};
	size_t n = node->n_items / 2;

	if (!is_mapping(reader, what, node))
		return;
	host->links = xcalloc(n, sizeof(*host->links));
	host->virtuals = xcalloc(n, sizeof(*host->virtuals));
	reading.sources->links = xcalloc(n, sizeof(*reading.sources->links));
	reading.sources->virtuals = xcalloc(n, sizeof(*reading.sources->virtuals));
	for (size_t i = 0; i + 1 < node->n_items; i += 2)
		read_link(reader, node->items[i], node->items[i + 1], &reading);
	names_deinit(&reading.names);
}

static void read_host_routes(struct reader *reader, const char *what,
			     const struct node *node, void *into)
{
	struct host *host = into;

	read_routes(reader, what, node, &host->routes, &host->n_routes);
}

static void read_host_neighbours(struct reader *reader, const char *what,
				 const struct node *node, void *into)
{
	struct host *host = into;

	read_neighbours(reader, what, node, &host->neighbours, &host->n_neighbours);
}

static const struct field host_fields[] = {
	{"links", read_host_links, false, 0},
	{"forward", read_switch, false, offsetof(struct host, forward)},
	{"routes", read_host_routes, false, 0},
	{"neighbours", read_host_neighbours, false, 0},
	{"sysctls", read_sysctls, false, offsetof(struct host, sysctls)},
	{NULL},
};

static const struct name *find_same(const struct reader *reader, const char *text,
				    const char **kind)
{
	const struct {
		const char *kind;
		const struct names *names;
	} others[] = {
		{"bridge", &reader->bridges},
		{"link", &reader->virtuals},
		{"guest", &reader->guests},
	};
	const struct name *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(others) && !found; i++) {
		found = names_find(others[i].names, text);
		*kind = others[i].kind;
	}
	return found;
}

void check_node_name(struct reader *reader, const char *what, const struct node *key)
{
	bool is_guest = streq(what, "guest");
	const char *kind;
	const struct name *same = find_same(reader, key->text, &kind);

	if (!lab_name_valid(key->text))
		report_add(reader->reports, key->at,
			   "%s '%s': the name is not 1 to %d of a-z, 0-9 and '-', "
			   "beginning with a letter or digit",
			   what, key->text, LAB_NAME_MAX);
	else if (streq(key->text, "host"))
		report_add(reader->reports, key->at,
			   "%s 'host': that name is the lab's host side", what);
	else if (same && !(is_guest && streq(kind, "guest")))
		report_add(reader->reports, key->at,
			   "%s '%s' has the name of the %s in line %u", what, key->text,
			   kind, same->at.line);
}

static void read_host(struct reader *reader, const struct node *key,
		      const struct node *value)
{
	struct topology *topology = reader->topology;
	struct host *host = &topology->hosts[topology->n_hosts];
	const char *name = read_name(reader, "host", key, &reader->hosts, host);

	if (!name)
		return;
	check_node_name(reader, "host", key);
	reader->host[topology->n_hosts++].node = value;
	host->at = key->at;
	host->name = xstrdup(name);
	read_mapping(reader, "a host", value, host_fields, host);
}

void read_hosts(struct reader *reader, const char *what, const struct node *node,
		void *into)
{
	struct topology *topology = into;

	if (!is_mapping(reader, what, node))
		return;
	topology->hosts = xcalloc(node->n_items / 2, sizeof(*topology->hosts));
	reader->host = xcalloc(node->n_items / 2, sizeof(*reader->host));
	for (size_t i = 0; i + 1 < node->n_items; i += 2)
		read_host(reader, node->items[i], node->items[i + 1]);
	derive_outers(reader);
}
