// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A veth pair is made by one request, for whichever end is planned first, and the other end
 * where it belongs: moving it there would cost a grace period (54 times the time of both).
 */
#include <netlink/errno.h>
#include <netlink/route/link/veth.h>

#include "link/kind.h"

static int veth_describe(const struct link_job *job, struct rtnl_link *link)
{
	struct rtnl_link *peer = rtnl_link_veth_get_peer(link);
	int code = peer ? link_put_common(job->peer, peer) : -NLE_INVAL;

	if (!peer)
		return code;
	rtnl_link_set_ns_fd(peer, job->peer->node->namespace);
	rtnl_link_put(peer);
	return code;
}

static struct error *veth_create(const struct link_job *job)
{
	return job->peer < job ? NULL : link_create(job);
}

const struct link_kind_ops veth_ops = {
	.type = "veth",
	.module = "veth",
	.create = veth_create,
	.describe = veth_describe,
};
