// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses of links: usable from the moment they are there. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <netlink/errno.h>
#include <string.h>

#include "link/build.h"
#include "topology/address.h"
#include "util/log.h"
#include "util/string.h"

struct nl_addr *address_to_abstract(const struct address *address)
{
	bool v4 = address->family == AF_INET;
	struct nl_addr *abstract = nl_addr_build(
		address->family, v4 ? (void *)&address->v4 : (void *)&address->v6,
		v4 ? sizeof(address->v4) : sizeof(address->v6));

	if (abstract)
		nl_addr_set_prefixlen(abstract, address->prefix);
	return abstract;
}

/* The network's last address; a network of one or two hosts has none (RFC 3021). */
static int set_broadcast(struct rtnl_addr *request, const struct address *address)
{
	_cleanup_abstract_address_ struct nl_addr *abstract = NULL;
	struct address broadcast = *address;

	if (address->family != AF_INET || address->prefix > 30)
		return 0;
	broadcast.v4.s_addr |= htonl(UINT32_MAX >> address->prefix);
	broadcast.prefix = 32;
	abstract = address_to_abstract(&broadcast);
	return abstract ? rtnl_addr_set_broadcast(request, abstract) : -NLE_NOMEM;
}

static int describe(const struct address *address, int index, struct rtnl_addr *request)
{
	_cleanup_abstract_address_ struct nl_addr *local = address_to_abstract(address);
	int code;

	if (!local)
		return -NLE_NOMEM;
	rtnl_addr_set_ifindex(request, index);
	if (address->family == AF_INET6)
		rtnl_addr_set_flags(request, IFA_F_NODAD);
	code = rtnl_addr_set_local(request, local);
	return code < 0 ? code : set_broadcast(request, address);
}

typedef int (*build_fn)(struct rtnl_addr *request, int flags, struct nl_msg **message);

static struct error *change_address(struct netlink *netlink, int index,
				    const struct address *address, build_fn build,
				    int flags, const char *failure)
{
	_cleanup_route_address_ struct rtnl_addr *request = rtnl_addr_alloc();
	_cleanup_message_ struct nl_msg *message = NULL;
	char text[ADDRESS_TEXT_SIZE];
	int code = request ? describe(address, index, request) : -NLE_NOMEM;

	if (code >= 0)
		code = build(request, flags, &message);
	if (code < 0)
		return netlink_unbuilt(code);
	return error_prefix(netlink_request(netlink, message, failure), "address %s",
			    address_format(address, text));
}

struct error *link_add_address(struct netlink *netlink, int index,
			       const struct address *address)
{
	return change_address(netlink, index, address, rtnl_addr_build_add_request,
			      NLM_F_CREATE | NLM_F_EXCL, "can't be added");
}

struct error *link_delete_address(struct netlink *netlink, int index,
				  const struct address *address)
{
	return change_address(netlink, index, address, rtnl_addr_build_delete_request, 0,
			      "can't be deleted");
}

struct error *link_add_addresses(const struct link_job *job)
{
	for (size_t i = 0; i < job->planned->n_addresses; i++)
		try(link_add_address(&job->node->netlink, job->made->index,
				     &job->planned->addresses[i]));
	return NULL;
}

/* FNV-1a, 64 bits. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
	return hash;
}

void link_mac(const char *lab, const char *node, const char *name, uint8_t mac[6])
{
	uint64_t hash = 0xcbf29ce484222325;

	if (lab)
		hash = hash_text(hash_text(hash, lab), "/");
	if (node)
		hash = hash_text(hash_text(hash, node), "/");
	hash = hash_text(hash, name);
	mac[0] = 0x02; /* locally administered, unicast */
	for (int i = 1; i < 6; i++, hash >>= 8)
		mac[i] = hash;
}

struct address link_local_address(const uint8_t mac[6])
{
	struct address address = {.family = AF_INET6, .prefix = 64};
	uint8_t *bytes = address.v6.s6_addr;

	bytes[0] = 0xfe;
	bytes[1] = 0x80;
	memcpy(bytes + 8, mac, 3);
	bytes[8] ^= 0x02;
	bytes[11] = 0xff;
	bytes[12] = 0xfe;
	memcpy(bytes + 13, mac + 3, 3);
	return address;
}

/*
 * A link-local address that becomes usable starts router solicitations, at once and every few
 * seconds (addrconf_dad_completed()). Netlink has no word against it; where /proc/sys is
 * read-only, as in some containers, they are noise on the wire and nothing worse.
 */
static void solicit_no_routers(const char *name)
{
	_cleanup_free_ char *setting =
		xasprintf("net/ipv6/conf/%s/router_solicitations=0", name);
	_cleanup_error_ struct error *error = sysctl_write(setting);

	if (error)
		log_warning("%s: the host will solicit routers there: %s", name,
			    error->message);
}

static bool is_given_one(const struct planned_link *planned)
{
	for (size_t i = 0; i < planned->n_addresses; i++)
		if (planned->addresses[i].family == AF_INET6 &&
		    IN6_IS_ADDR_LINKLOCAL(&planned->addresses[i].v6))
			return true;
	return false;
}

bool link_wants_link_local(const struct link_job *job)
{
	return is_spoken_on(job->planned) && !is_given_one(job->planned);
}

struct error *link_add_link_local(const struct link_job *job)
{
	struct address address = link_local_address(job->made->mac);
	struct error *error;

	if (!job->node->quiet && !job->node->name)
		solicit_no_routers(job->made->name);
	if (is_given_one(job->planned))
		return NULL;
	error = link_add_address(&job->node->netlink, job->made->index, &address);
	/* Refused where an administrator has switched IPv6 off. */
	if (error && error->code == EACCES) {
		log_debug("%s: no link-local address: %s", job->made->name,
			  error->message);
		error_ignore(steal_ptr(error));
	}
	return error;
}
