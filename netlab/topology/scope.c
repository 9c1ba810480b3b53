// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/scope.h"

#include "util/string.h"

static struct view *add_view(struct scope *scope, const char *name, struct location at)
{
	struct view *view = &scope->views[scope->n_views++];

	view->name = name;
	view->at = at;
	view->level = 1;
	names_add(&scope->names, name, at, view);
	return view;
}

static void set_addresses(struct view *view, const struct address *addresses, size_t n)
{
	view->addresses = addresses;
	view->n_addresses = n;
}

static void add_virtuals(struct scope *scope, struct virtual_link *links, size_t n,
			 const struct sources *sources)
{
	for (size_t i = 0; i < n; i++) {
		struct view *view = add_view(scope, links[i].name, links[i].at);

		set_addresses(view, links[i].addresses, links[i].n_addresses);
		view->mtu = links[i].settings.mtu;
		view->is_port = links[i].bridge != NULL;
		view->virtual = &links[i];
		view->source = sources->virtuals[i];
	}
}

void scope_of_host(struct scope *scope, const struct host *host,
		   const struct sources *sources)
{
	scope->what = xasprintf("host '%s'", host->name);
	scope->views = xcalloc(host->n_links + host->n_virtuals, sizeof(*scope->views));
	for (size_t i = 0; i < host->n_links; i++) {
		const struct host_link *link = &host->links[i];
		struct view *view = add_view(scope, link->name, link->at);

		set_addresses(view, link->addresses, link->n_addresses);
		view->mtu = link->settings.mtu;
	}
	add_virtuals(scope, host->virtuals, host->n_virtuals, sources);
}

static size_t count_lab_links(const struct topology *topology)
{
	size_t n = topology->n_bridges + topology->n_virtuals;

	for (size_t i = 0; i < topology->n_guests; i++)
		n += topology->guests[i].n_nics;
	for (size_t i = 0; i < topology->n_hosts; i++)
		n += topology->hosts[i].n_links;
	return n;
}

static void add_bridges(struct scope *scope, const struct topology *topology)
{
	for (size_t i = 0; i < topology->n_bridges; i++) {
		const struct bridge *bridge = &topology->bridges[i];
		struct view *view = add_view(scope, bridge->name, bridge->at);

		set_addresses(view, bridge->addresses, bridge->n_addresses);
		view->mtu = bridge->settings.mtu;
	}
}

static void add_taps(struct scope *scope, const struct guest *guest)
{
	for (size_t i = 0; i < guest->n_nics; i++) {
		const struct nic *nic = &guest->nics[i];
		struct view *view = add_view(scope, nic->tap, nic->at);

		set_addresses(view, nic->host_addresses, nic->n_host_addresses);
		view->mtu = nic->settings.mtu;
		view->is_port = nic->bridge != NULL;
	}
}

static void add_outers(struct scope *scope, const struct host *host)
{
	for (size_t i = 0; i < host->n_links; i++) {
		const struct host_link *link = &host->links[i];
		struct view *view;

		if (!link->bridge)
			continue;
		view = add_view(scope, link->outer, link->at);
		view->mtu = link->settings.mtu;
		view->is_port = true;
	}
}

void scope_of_lab(struct scope *scope, const struct reader *reader)
{
	const struct topology *topology = reader->topology;

	scope->what = xstrdup("the lab's host side");
	scope->aliases = &reader->links;
	scope->is_open = topology->netns == NETNS_HOST;
	scope->views = xcalloc(count_lab_links(topology), sizeof(*scope->views));
	add_bridges(scope, topology);
	for (size_t i = 0; i < topology->n_guests; i++)
		add_taps(scope, &topology->guests[i]);
	for (size_t i = 0; i < topology->n_hosts; i++)
		add_outers(scope, &topology->hosts[i]);
	add_virtuals(scope, topology->virtuals, topology->n_virtuals, &reader->lab);
}

void scope_deinit(struct scope *scope)
{
	free(scope->what);
	free(scope->views);
	names_deinit(&scope->names);
}

struct view *scope_find(const struct scope *scope, const char *name)
{
	const struct name *alias = scope->aliases ? names_find(scope->aliases, name)
						  : NULL;
	const struct name *found = names_find(&scope->names, alias ? alias->value : name);

	return found ? (struct view *)found->value : NULL;
}

struct view *scope_read(struct reader *reader, const struct scope *scope,
			const char *what, const struct node *node)
{
	const char *text = read_text(reader, what, node);
	struct view *view = text ? scope_find(scope, text) : NULL;
	_cleanup_free_ char *near = NULL;

	if (view || !text)
		return view;
	near = names_suggest(scope->aliases ?: &scope->names, text);
	report_add(reader->reports, node->at, "%s: %s has no link '%s'%s", what,
		   scope->what, text, near);
	return NULL;
}

bool scope_has(const struct scope *scope, const struct address *address)
{
	for (size_t i = 0; i < scope->n_views; i++)
		for (size_t j = 0; j < scope->views[i].n_addresses; j++)
			if (address_equal(&scope->views[i].addresses[j], address))
				return true;
	return false;
}

const struct view *scope_reaches(const struct scope *scope, const struct address *address)
{
	for (size_t i = 0; i < scope->n_views; i++)
		for (size_t j = 0; j < scope->views[i].n_addresses; j++)
			if (address_same_network(&scope->views[i].addresses[j], address))
				return &scope->views[i];
	return NULL;
}
