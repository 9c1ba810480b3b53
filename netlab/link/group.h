/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups of links (IFLA_GROUP): what one request can change or delete at once. */
#ifndef NETLAB_LINK_GROUP_H
#define NETLAB_LINK_GROUP_H

#include <stdint.h>

#include "link/netlink.h"

/** group_new() - one that no one else uses: 30 random bits, and never 0, the default group. */
uint32_t group_new(void);

/** group_join() - put a link into @group. */
must_use struct error *group_join(struct netlink *netlink, int index, uint32_t group);

/** group_delete() - delete all links of @group, in one request; ENODEV: there are none. */
must_use struct error *group_delete(struct netlink *netlink, uint32_t group);

/**
 * group_set_alias() - the request that gives all links of @group an alias; the caller frees it
 * Return: 0 or libnl's code.
 */
int group_set_alias(uint32_t group, const char *alias, struct nl_msg **message);

#endif
