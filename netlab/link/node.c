// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/node.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

#include "link/kind.h"
#include "util/log.h"
#include "util/string.h"

#define LOOPBACK_INDEX 1 /* in every network namespace, since kernel 2.6.27 */

/* What every link that comes into a new namespace is to have: see link_add_link_local(). */
static const char *const quiet_defaults[] = {
	"net.ipv6.conf.default.addr_gen_mode=1",
	"net.ipv6.conf.default.router_solicitations=0",
};

static struct error *node_init(struct node *node)
{
	node->namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (node->namespace < 0)
		return error_errno(errno, "/proc/self/ns/net");
	return netlink_init(&node->netlink);
}

static struct error *raise_loopback(struct node *node)
{
	return error_prefix(link_raise(&node->netlink, LOOPBACK_INDEX, 0), "lo");
}

struct node *node_alloc(const char *name)
{
	struct node *node = xcalloc(1, sizeof(*node));

	node->name = xstrdup(name);
	node->namespace = -1;
	return node;
}

struct error *node_open(struct node **result, bool shared)
{
	_cleanup_node_ struct node *node = node_alloc(NULL);

	try(node_init(node));
	if (!shared)
		try(raise_loopback(node));
	*result = steal_ptr(node);
	return NULL;
}

/*
 * Where /proc/sys is read-only, as in some containers, each link is told by netlink what it can
 * be told so. A kernel without IPv6 has nothing to be told; and where no more files may be open,
 * the next step says so.
 */
static bool make_quiet(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(quiet_defaults); i++) {
		_cleanup_error_ struct error *error = sysctl_write(quiet_defaults[i]);

		if (!error)
			continue;
		if (error->code != ENOENT && error->code != EMFILE)
			log_warning("routers will be solicited: %s", error->message);
		return false;
	}
	return true;
}

struct error *node_found(struct node *node, const struct planned_node *planned)
{
	if (unshare(CLONE_NEWNET) < 0)
		return error_errno(errno, "a network namespace is refused");
	try(node_init(node));
	try(raise_loopback(node));
	node->quiet = make_quiet();
	/* Before there are links: each would be told one by one. */
	return planned->forward ? sysctl_forward(true) : NULL;
}

struct error *node_new(struct node **result, const struct planned_node *planned)
{
	_cleanup_node_ struct node *node = node_alloc(planned->name);

	try(error_object(node_found(node, planned), planned->name));
	*result = steal_ptr(node);
	return NULL;
}

bool node_is_founded(const struct node *node)
{
	return node->namespace >= 0;
}

struct error *node_enter(const struct node *node)
{
	if (setns(node->namespace, CLONE_NEWNET) < 0)
		return error_errno(errno, "%s: its network namespace can't be entered",
				   node->name ?: "host");
	return NULL;
}

void node_free(struct node *node)
{
	if (!node)
		return;
	if (node->netlink.socket)
		netlink_deinit(&node->netlink);
	close_fd(&node->namespace);
	strv_free(node->originals);
	free(node->name);
	free(node);
}
