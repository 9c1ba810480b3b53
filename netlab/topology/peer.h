/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which links of hosts are each other's ends. */
#ifndef NETLAB_TOPOLOGY_PEER_H
#define NETLAB_TOPOLOGY_PEER_H

#include "topology/reader.h"

/**
 * find_peers() - join hosts' links that are on no bridge, and check every host's links
 *
 * What one end says of the MTU, and of what comes to it, is then said at both.
 */
void find_peers(struct reader *reader);

#endif
