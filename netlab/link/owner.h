/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a link is. In a network namespace that is not a lab's own its links carry an alias
 * (IFLA_IFALIAS), "netlab:LAB:NAME", from the moment they can outlive the process that made
 * them. By it they are found again and removed, never by their names.
 */
#ifndef NETLAB_LINK_OWNER_H
#define NETLAB_LINK_OWNER_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/topology.h"
#include "util/error.h"

#define OWNER_KIND_SIZE 16

/* A link of a lab. */
struct owned_link {
	char lab[LAB_NAME_MAX + 1];
	char name[IFNAMSIZ];
	char kind[OWNER_KIND_SIZE]; /* as of `ip -details link`: "bridge", "tun"; or "" */
	int index;
	uint32_t group;
};

/* Zero-initialised it is empty and valid. */
struct owned_links {
	struct owned_link *list;
	size_t n;
};

/** owner_alias() - the alias of a lab's link; the caller frees it. */
char *owner_alias(const char *lab, const char *name);

/**
 * owner_parse() - the lab that an alias names
 * Return: false where it is not exactly what owner_alias() writes, for any link: text of
 * someone else's.
 */
bool owner_parse(const char *alias, char lab[LAB_NAME_MAX + 1]);

/**
 * owner_list() - the links of labs in the network namespace that the process is in
 * @lab: those of this one; NULL: of all labs
 */
must_use struct error *owner_list(const char *lab, struct owned_links *links);

/**
 * owner_delete() - delete all links of @lab in the network namespace that the process is in
 *
 * They go in one request, after one for each link that is not in the same group (IFLA_GROUP)
 * as the others, or whose group is not theirs alone: 1000 links take one grace period.
 * @deleted: what was deleted, which the caller releases
 */
must_use struct error *owner_delete(const char *lab, struct owned_links *deleted);

/** owned_links_text() - "br0, server.0", and how many more than a few; the caller frees it. */
char *owned_links_text(const struct owned_links *links);

void owned_links_deinit(struct owned_links *links);
#define _cleanup_owned_links_ _cleanup_(owned_links_deinit)

/**
 * owner_check_permission() - may this process make links in its network namespace?
 * Return: EPERM, and what to do, where it may not.
 */
must_use struct error *owner_check_permission(void);

#endif
