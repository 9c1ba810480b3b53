// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/routing.h"

#include "util/string.h"

#define SYSCTL_NAME_MAX  128 /* bytes */
#define SYSCTL_VALUE_MAX 256

static void read_via(struct reader *reader, const char *what, const struct node *node,
		     void *into)
{
	struct route *route = into;

	route->has_via = read_one_address(reader, what, node, &route->via);
}

/* The default route is of its gateway's family. */
static void read_destination(struct reader *reader, const char *what,
			     const struct node *node, void *into)
{
	struct route *route = into;
	const char *text = read_text(reader, what, node);
	struct error *error = NULL;
	char network[ADDRESS_TEXT_SIZE];
	struct address base;

	if (!text)
		return;
	if (streq(text, "default"))
		route->to.family = route->via.family;
	else
		error = address_parse(text, &route->to);
	base = address_network(&route->to);
	if (error)
		report_error(reader->reports, node->at, what, error);
	else if (!address_equal(&base, &route->to))
		report_add(reader->reports, node->at,
			   "%s: %s has bits behind its prefix; its network is %s", what,
			   text, address_format(&base, network));
}

/* Which link it is, is found when all of the node are known. */
static void read_device(struct reader *reader, const char *what, const struct node *node,
			void *into)
{
	(void)into;
	read_text(reader, what, node);
}

static void read_metric(struct reader *reader, const char *what, const struct node *node,
			void *into)
{
	read_count(reader, what, node, 1, UINT32_MAX, into);
}

/* Before the destination comes the gateway. */
static const struct field route_fields[] = {
	{"via", read_via, false, 0},
	{"to", read_destination, true, 0},
	{"device", read_device, false, 0},
	{"metric", read_metric, false, offsetof(struct route, metric)},
	{NULL},
};

void read_routes(struct reader *reader, const char *what, const struct node *node,
		 struct route **routes, size_t *n)
{
	if (!is_list(reader, what, node))
		return;
	*n = node->n_items;
	*routes = xcalloc(*n, sizeof(**routes));
	for (size_t i = 0; i < *n; i++) {
		(*routes)[i].at = node->items[i]->at;
		read_mapping(reader, "a route", node->items[i], route_fields,
			     &(*routes)[i]);
	}
}

static const char *family_word(const struct address *address)
{
	return address->family == AF_INET ? "IPv4" : "IPv6";
}

/* What is wrong with a route's gateway; NULL: nothing. A new string. */
static char *via_fault(const struct scope *scope, const struct route *route)
{
	char text[ADDRESS_TEXT_SIZE];

	address_format_host(&route->via, text);
	if (route->to.family && route->to.family != route->via.family)
		return xasprintf("%s is %s, and the destination is %s", text,
				 family_word(&route->via), family_word(&route->to));
	if (scope_has(scope, &route->via))
		return xasprintf("%s is an address of %s itself", text, scope->what);
	if (*route->device)
		return NULL;
	if (route->via.family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&route->via.v6))
		return xasprintf("%s is on every link; name the 'device' that is meant",
				 text);
	if (!scope_reaches(scope, &route->via))
		return xasprintf("%s is on no network of %s; name the 'device' that it "
				 "is behind",
				 text, scope->what);
	return NULL;
}

static void check_unique_route(struct reader *reader, struct names *seen,
			       const struct route *route)
{
	char text[ADDRESS_TEXT_SIZE];
	_cleanup_free_ char *key =
		xasprintf("%s %u", address_format(&route->to, text), route->metric);
	const struct name *earlier = names_add(seen, key, route->at, NULL);

	if (earlier)
		report_add(reader->reports, route->at,
			   "a route to %s of the same metric is in line %u", text,
			   earlier->at.line);
}

/*
 * Where there are links that the file doesn't name, the kernel isn't left to choose one of
 * them: the route would outlive the lab.
 */
static void pin_route(const struct scope *scope, struct route *route)
{
	const struct view *view = NULL;

	if (scope->is_open && !*route->device)
		view = scope_reaches(scope, &route->via);
	if (view)
		snprintf(route->device, sizeof(route->device), "%s", view->name);
}

static void check_route(struct reader *reader, const struct scope *scope,
			const struct node *node, struct route *route, struct names *seen)
{
	const struct node *via = node_value(node, "via");
	const struct node *device = node_value(node, "device");
	const struct view *view = device ? scope_read(reader, scope, "device", device)
					 : NULL;
	_cleanup_free_ char *fault = NULL;

	if (view)
		snprintf(route->device, sizeof(route->device), "%s", view->name);
	if (route->has_via && (!device || view))
		fault = via_fault(scope, route);
	if (fault)
		report_add(reader->reports, via->at, "via: %s", fault);
	else if (route->has_via)
		pin_route(scope, route);
	if (!via && !device)
		report_add(reader->reports, node->at,
			   "a route needs 'via', 'device', or both");
	else if (!via && !route->to.family && node_value(node, "to"))
		report_add(reader->reports, node_place(node, "to"),
			   "to: without 'via', write 0.0.0.0/0 or ::/0 for the default");
	if (route->to.family)
		check_unique_route(reader, seen, route);
}

void check_routes(struct reader *reader, const struct scope *scope,
		  const struct node *node, struct route *routes)
{
	_cleanup_(names_deinit) struct names seen = {0};

	for (size_t i = 0; node && node->kind == NODE_SEQUENCE && i < node->n_items; i++)
		if (node->items[i]->kind == NODE_MAPPING)
			check_route(reader, scope, node->items[i], &routes[i], &seen);
}

static void read_neighbour_address(struct reader *reader, const char *what,
				   const struct node *node, void *into)
{
	struct neighbour *neighbour = into;
	struct address address;
	struct error *error = NULL;

	if (!read_one_address(reader, what, node, &address))
		return;
	error = address_check_host(&address);
	if (error)
		report_error(reader->reports, node->at, what, error);
	else
		neighbour->address = address;
}

/* It is the address of a machine that may be one of the lab's, so it can be given again. */
static void read_neighbour_mac(struct reader *reader, const char *what,
			       const struct node *node, void *into)
{
	const char *text = read_text(reader, what, node);
	struct error *error = text ? mac_parse(text, into) : NULL;

	if (error)
		report_error(reader->reports, node->at, what, error);
}

static const struct field neighbour_fields[] = {
	{"address", read_neighbour_address, true, 0},
	{"mac", read_neighbour_mac, true, offsetof(struct neighbour, mac)},
	{"device", read_device, false, 0},
	{NULL},
};

void read_neighbours(struct reader *reader, const char *what, const struct node *node,
		     struct neighbour **neighbours, size_t *n)
{
	if (!is_list(reader, what, node))
		return;
	*n = node->n_items;
	*neighbours = xcalloc(*n, sizeof(**neighbours));
	for (size_t i = 0; i < *n; i++) {
		(*neighbours)[i].at = node->items[i]->at;
		read_mapping(reader, "a neighbour", node->items[i], neighbour_fields,
			     &(*neighbours)[i]);
	}
}

/* The link that a neighbour without a device is on; NULL, and reported, where there is none. */
static const struct view *find_device(struct reader *reader, const struct scope *scope,
				      const struct node *node,
				      const struct address *address)
{
	bool is_local = address->family == AF_INET6 &&
			IN6_IS_ADDR_LINKLOCAL(&address->v6);
	const struct view *view = is_local ? NULL : scope_reaches(scope, address);
	char text[ADDRESS_TEXT_SIZE];

	if (view)
		return view;
	address_format_host(address, text);
	if (is_local)
		report_add(
			reader->reports, node_place(node, "address"),
			"address: %s is on every link; name the 'device' that is meant",
			text);
	else
		report_add(
			reader->reports, node_place(node, "address"),
			"address: %s is on no network of %s; name the 'device' that it "
			"is behind",
			text, scope->what);
	return NULL;
}

static void check_neighbour(struct reader *reader, const struct scope *scope,
			    const struct node *node, struct neighbour *neighbour,
			    struct names *seen)
{
	const struct node *device = node_value(node, "device");
	_cleanup_free_ char *key = NULL;
	char text[ADDRESS_TEXT_SIZE];
	const struct name *earlier;
	const struct view *view = NULL;

	if (device)
		view = scope_read(reader, scope, "device", device);
	else if (neighbour->address.family)
		view = find_device(reader, scope, node, &neighbour->address);
	if (!view || !neighbour->address.family)
		return;
	snprintf(neighbour->device, sizeof(neighbour->device), "%s", view->name);
	key = xasprintf("%s %s", address_format_host(&neighbour->address, text),
			view->name);
	earlier = names_add(seen, key, neighbour->at, NULL);
	if (earlier)
		report_add(reader->reports, neighbour->at,
			   "neighbour %s on '%s' is given twice; first in line %u", text,
			   view->name, earlier->at.line);
}

void check_neighbours(struct reader *reader, const struct scope *scope,
		      const struct node *node, struct neighbour *neighbours)
{
	_cleanup_(names_deinit) struct names seen = {0};

	for (size_t i = 0; node && node->kind == NODE_SEQUENCE && i < node->n_items; i++)
		if (node->items[i]->kind == NODE_MAPPING)
			check_neighbour(reader, scope, node->items[i], &neighbours[i],
					&seen);
}

/* The name becomes a path below /proc/sys, its dots slashes: it must not lead out of there. */
static const char *sysctl_fault(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
				      "XYZ0123456789._-";
	size_t length = strlen(name);

	if (!string_after(name, "net."))
		return "only those that begin with 'net.' are a network namespace's own";
	if (length > SYSCTL_NAME_MAX)
		return "that is too long";
	if (strspn(name, allowed) != length)
		return "it has characters other than letters, digits, '.', '_' and '-'";
	if (strstr(name, "..") || name[length - 1] == '.')
		return "a part of it is empty";
	return NULL;
}

/* Is it one of a link that the scope has, as net.ipv4.conf.br0.rp_filter? */
static bool is_of_own_link(const struct scope *scope, const char *name)
{
	static const char *const prefixes[] = {"net.ipv4.conf.", "net.ipv6.conf.",
					       "net.ipv4.neigh.", "net.ipv6.neigh."};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		const char *link = string_after(name, prefixes[i]);
		_cleanup_free_ char *own = link ? xstrndup(link, strcspn(link, "."))
						: NULL;

		if (own && names_find(&scope->names, own))
			return true;
	}
	return false;
}

static void check_sysctl(struct reader *reader, const struct scope *scope,
			 const struct node *key)
{
	if (key->kind != NODE_SCALAR || sysctl_fault(key->text) ||
	    is_of_own_link(scope, key->text))
		return;
	report_add(reader->reports, key->at,
		   "sysctl '%s': with 'netns: host' only those of the lab's own links "
		   "can be set, as net.ipv4.conf.LINK.rp_filter; all others are the "
		   "host's",
		   key->text);
}

void check_sysctls(struct reader *reader, const struct scope *scope,
		   const struct node *node)
{
	if (!scope->is_open || !node || node->kind != NODE_MAPPING)
		return;
	for (size_t i = 0; i < node->n_items; i += 2)
		check_sysctl(reader, scope, node->items[i]);
}

static char *read_sysctl(struct reader *reader, const struct node *key,
			 const struct node *value, struct names *seen)
{
	const char *name = read_name(reader, "sysctl", key, seen, NULL);
	const char *fault = name ? sysctl_fault(name) : NULL;
	const char *text = name && !fault ? read_line(reader, name, value) : NULL;

	if (fault)
		report_add(reader->reports, key->at, "sysctl '%s': %s", name, fault);
	if (!text)
		return NULL;
	if (strlen(text) > SYSCTL_VALUE_MAX)
		report_add(reader->reports, value->at, "%s: longer than %d bytes", name,
			   SYSCTL_VALUE_MAX);
	return xasprintf("%s=%s", name, text);
}

void read_sysctls(struct reader *reader, const char *what, const struct node *node,
		  void *into)
{
	_cleanup_(names_deinit) struct names seen = {0};
	char **sysctls;
	size_t n = 0;

	if (!is_mapping(reader, what, node) || !node->n_items)
		return;
	*(char ***)into = sysctls = xcalloc(node->n_items / 2 + 1, sizeof(*sysctls));
	for (size_t i = 0; i + 1 < node->n_items; i += 2) {
		sysctls[n] =
			read_sysctl(reader, node->items[i], node->items[i + 1], &seen);
		n += sysctls[n] != NULL;
	}
}
