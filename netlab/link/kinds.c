// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of kinds: a new one is one file, and one line here. */
#include <assert.h>

#include "link/kind.h"

static const struct link_kind_ops *const kinds[] = {
	[LINK_BRIDGE] = &bridge_ops, [LINK_TAP] = &tap_ops,
	[LINK_VETH] = &veth_ops,     [LINK_VLAN] = &vlan_ops,
	[LINK_VXLAN] = &vxlan_ops,   [LINK_MACVLAN] = &macvlan_ops,
	[LINK_DUMMY] = &dummy_ops,   [LINK_IFB] = &ifb_ops,
};
static_assert(ARRAY_SIZE(kinds) == LINK_KINDS, "a kind of link that no one makes");

const struct link_kind_ops *link_kind_ops(enum link_kind kind)
{
	return kinds[kind];
}
