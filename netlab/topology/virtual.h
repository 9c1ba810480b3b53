/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links that are made out of others, or of nothing, on the lab's host side and in hosts. */
#ifndef NETLAB_TOPOLOGY_VIRTUAL_H
#define NETLAB_TOPOLOGY_VIRTUAL_H

#include "topology/reader.h"

/* Keys that say what a link is: those of the virtual kinds, then those of a host's veth. */
enum {
	KIND_BRIDGE = VIRTUAL_KINDS,
	KIND_PEER,
	KINDS_IN_HOST,
	KIND_NONE,
	KIND_SEVERAL, /* and reported */
};

/**
 * link_kind_of() - which of the keys of kinds the mapping of a link has
 * @n: how many of the kinds there are: VIRTUAL_KINDS or KINDS_IN_HOST
 */
unsigned link_kind_of(struct reader *reader, const struct node *node, unsigned n);

/**
 * read_virtual() - the mapping of a virtual link of that kind
 * @link: its lower is then what the file says, and becomes a link's name in check_nodes()
 */
void read_virtual(struct reader *reader, enum virtual_kind kind, const struct node *key,
		  const struct node *value, struct virtual_link *link);

#endif
