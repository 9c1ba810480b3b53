/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The links that one node has, whatever they are made of: what routes and uppers can name. */
#ifndef NETLAB_TOPOLOGY_SCOPE_H
#define NETLAB_TOPOLOGY_SCOPE_H

#include "topology/reader.h"

struct view {
	const char *name; /* the link's; borrowed, as all pointers here */
	const struct address *addresses;
	size_t n_addresses;
	uint32_t mtu; /* bytes; 0: the kernel's */
	bool is_port; /* of a bridge */
	struct location at;
	struct virtual_link *virtual; /* NULL: of another kind */
	const struct node *source;    /* the mapping of a virtual one */
	struct view *below;           /* the highest of those it sits on; NULL: none */
	unsigned level;               /* 1: it sits on none */
	size_t walk;                  /* of the search for loops that came by; 0: none */
};

/* Zero-initialised it is empty and valid. */
struct scope {
	char *what; /* "host 'a'" */
	struct view *views;
	size_t n_views;
	struct names names;          /* value: struct view */
	const struct names *aliases; /* other names for the links; NULL: none */
	bool is_open; /* there may be links and addresses that the file doesn't name */
};

void scope_of_host(struct scope *scope, const struct host *host,
		   const struct sources *sources);

/** scope_of_lab() - the lab's host side; @reader outlives it. */
void scope_of_lab(struct scope *scope, const struct reader *reader);

void scope_deinit(struct scope *scope);
#define _cleanup_scope_ _cleanup_(scope_deinit)

/** scope_find() - by name or other name; NULL where there is none. */
struct view *scope_find(const struct scope *scope, const char *name);

/** scope_read() - the link that a value names; NULL, and reported, where there is none. */
struct view *scope_read(struct reader *reader, const struct scope *scope,
			const char *what, const struct node *node);

/** scope_has() - is @address one of the node's own? */
bool scope_has(const struct scope *scope, const struct address *address);

/** scope_reaches() - the link on one of whose networks @address is; or NULL. */
const struct view *scope_reaches(const struct scope *scope,
				 const struct address *address);

#endif
