// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/owner.h"

#include <errno.h>
#include <unistd.h>

#include "link/group.h"
#include "link/netlink.h"
#include "util/string.h"

#define PREFIX    "netlab:"
#define TEXT_MOST 5 /* links that are named in a line */

char *owner_alias(const char *lab, const char *name)
{
	return xasprintf(PREFIX "%s:%s", lab, name);
}

/* The name behind the lab's is that which the link was made with: it may have been renamed. */
bool owner_parse(const char *alias, char lab[LAB_NAME_MAX + 1])
{
	const char *rest = string_after(alias, PREFIX);
	const char *colon = rest ? strchr(rest, ':') : NULL;

	if (!colon || colon - rest > LAB_NAME_MAX || !colon[1] ||
	    strlen(colon + 1) >= IFNAMSIZ || strpbrk(colon + 1, ":/ "))
		return false;
	memcpy(lab, rest, colon - rest);
	lab[colon - rest] = '\0';
	return lab_name_valid(lab);
}

/* --- finding them ------------------------------------------------------------------------ */

static void cache_freep(struct nl_cache **cache)
{
	if (*cache)
		nl_cache_free(*cache);
}

static void add_owned(struct owned_links *links, struct rtnl_link *link, const char *lab)
{
	struct owned_link *owned;
	const char *kind = rtnl_link_get_type(link);

	grow(links->list, links->n);
	owned = &links->list[links->n++];
	snprintf(owned->lab, sizeof(owned->lab), "%s", lab);
	snprintf(owned->name, sizeof(owned->name), "%s", rtnl_link_get_name(link));
	snprintf(owned->kind, sizeof(owned->kind), "%s", kind ?: "");
	owned->index = rtnl_link_get_ifindex(link);
	owned->group = rtnl_link_get_group(link);
}

static void collect(struct nl_cache *cache, const char *lab, struct owned_links *links)
{
	char of[LAB_NAME_MAX + 1];

	for (struct nl_object *o = nl_cache_get_first(cache); o;
	     o = nl_cache_get_next(o)) {
		const char *alias = rtnl_link_get_ifalias((struct rtnl_link *)o);

		if (alias && owner_parse(alias, of) && (!lab || streq(of, lab)))
			add_owned(links, (struct rtnl_link *)o, of);
	}
}

struct error *owner_list(const char *lab, struct owned_links *links)
{
	_cleanup_(netlink_deinit) struct netlink netlink = {0};
	_cleanup_(cache_freep) struct nl_cache *cache = NULL;

	try(netlink_init(&netlink));
	try(netlink_read_links(&netlink, &cache));
	collect(cache, lab, links);
	return NULL;
}

/* --- and removing them ------------------------------------------------------------------- */

static size_t count_in_group(struct nl_cache *cache, uint32_t group)
{
	size_t n = 0;

	for (struct nl_object *o = nl_cache_get_first(cache); o; o = nl_cache_get_next(o))
		n += rtnl_link_get_group((struct rtnl_link *)o) == group;
	return n;
}

/* The group to delete: the first link's, where no one else's link is in it. */
static uint32_t choose_group(struct nl_cache *cache, const struct owned_links *links)
{
	uint32_t group = links->list[0].group;
	size_t n = 0;

	for (size_t i = 0; i < links->n; i++)
		n += links->list[i].group == group;
	return group && count_in_group(cache, group) == n ? group : group_new();
}

/* One that has gone by itself in the meantime is as good as deleted. */
static struct error *ignore_gone(struct error *error)
{
	if (!error || error->code != ENODEV)
		return error;
	error_ignore(error);
	return NULL;
}

static struct error *delete_links(struct netlink *netlink, struct nl_cache *cache,
				  const struct owned_links *links)
{
	uint32_t group = choose_group(cache, links);

	for (size_t i = 0; i < links->n; i++)
		if (links->list[i].group != group)
			try(error_object(ignore_gone(group_join(
						 netlink, links->list[i].index, group)),
					 links->list[i].name));
	return ignore_gone(group_delete(netlink, group));
}

struct error *owner_delete(const char *lab, struct owned_links *deleted)
{
	_cleanup_(netlink_deinit) struct netlink netlink = {0};
	_cleanup_(cache_freep) struct nl_cache *cache = NULL;

	try(netlink_init(&netlink));
	try(netlink_read_links(&netlink, &cache));
	collect(cache, lab, deleted);
	return deleted->n ? delete_links(&netlink, cache, deleted) : NULL;
}

char *owned_links_text(const struct owned_links *links)
{
	_cleanup_strv_ char **names = NULL;

	for (size_t i = 0; i < links->n && i < TEXT_MOST; i++)
		strv_push(&names, printable(links->list[i].name, IFNAMSIZ));
	if (links->n > TEXT_MOST)
		strv_pushf(&names, "%zu more", links->n - TEXT_MOST);
	return strv_join(names, ", ");
}

void owned_links_deinit(struct owned_links *links)
{
	free(links->list);
	*links = (struct owned_links){0};
}

/* The kernel looks at who asks before it looks whether there is such a group. */
struct error *owner_check_permission(void)
{
	_cleanup_(netlink_deinit) struct netlink netlink = {0};
	struct error *error;

	try(netlink_init(&netlink));
	error = ignore_gone(group_delete(&netlink, group_new()));
	if (!error || error->code != EPERM)
		return error;
	error_free(error);
	return error_hint(
		error_new(EPERM,
			  "netns: host needs CAP_NET_ADMIN in the network namespace that "
			  "netlab runs in, and user %u hasn't got it here",
			  geteuid()),
		"run netlab as root, or leave 'netns: host' out: the lab then has a "
		"network namespace of its own, which needs no root");
}
