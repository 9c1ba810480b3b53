// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netlink/errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "util/log.h"
#include "util/string.h"

/*
 * The kernel puts the answer to a route request into the socket before sendmsg() returns, so
 * this is no estimate of how long a request may take, but an end to waiting for what was lost.
 */
#define ANSWER_TIMEOUT_S 10

/*
 * Sees every message before libnl, which turns errno values into fewer ones of its own. What
 * answers an earlier request, whose answer could not be received then, is passed over.
 */
static int hear_answer(struct nl_msg *message, void *userdata)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct netlink *netlink = userdata;

	if (netlink->sequence && header->nlmsg_seq != netlink->sequence)
		return NL_SKIP;
	if (extack_decode(header, header->nlmsg_len, &netlink->answer))
		netlink->answered = true;
	return NL_OK;
}

/* libnl forgets the errno value of a system call that failed, but doesn't overwrite it. */
static struct error *failure(int code, const char *what)
{
	if (errno == EAGAIN)
		return error_new(ETIMEDOUT, "%s: the kernel doesn't answer", what);
	if (errno)
		return error_errno(errno, "%s: netlink", what);
	return error_new(EIO, "%s: netlink: %s", what, nl_geterror(code));
}

static int set_option(int fd, int level, int option, const void *value, socklen_t size)
{
	return setsockopt(fd, level, option, value, size) < 0 ? errno : 0;
}

static int set_options(int fd)
{
	struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	int on = 1;

	return set_option(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) ?:
	       set_option(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) ?:
	       set_option(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
}

static struct error *open_socket(struct netlink *netlink, int protocol)
{
	int code;

	*netlink = (struct netlink){.socket = nl_socket_alloc()};
	if (!netlink->socket)
		return error_errno(ENOMEM, "netlink");
	errno = 0;
	code = nl_connect(netlink->socket, protocol);
	if (code < 0)
		return failure(code, "no socket");
	code = set_options(nl_socket_get_fd(netlink->socket));
	if (code)
		return error_errno(code, "netlink");
	/* libnl's own check would refuse all that follows a request which failed. */
	nl_socket_disable_seq_check(netlink->socket);
	nl_socket_modify_cb(netlink->socket, NL_CB_MSG_IN, NL_CB_CUSTOM, hear_answer,
			    netlink);
	return NULL;
}

struct error *netlink_init(struct netlink *netlink)
{
	return open_socket(netlink, NETLINK_ROUTE);
}

struct error *netlink_init_generic(struct netlink *netlink)
{
	return open_socket(netlink, NETLINK_GENERIC);
}

void netlink_deinit(struct netlink *netlink)
{
	nl_socket_free(netlink->socket);
	netlink->socket = NULL;
}

/* The answer to @message. @code: libnl's, of its sending. */
static struct error *hear(struct netlink *netlink, struct nl_msg *message, int code,
			  const char *what)
{
	const char *words = netlink->answer.text;

	netlink->answer = (struct extack){0};
	netlink->answered = false;
	netlink->sequence = nlmsg_hdr(message)->nlmsg_seq;
	/* It returns for each datagram: data may come in one of their own, before the answer. */
	while (code >= 0 && !netlink->answered)
		code = nl_wait_for_ack(netlink->socket);
	netlink->sequence = 0;
	if (netlink->answer.code)
		return error_extack(error_errno(netlink->answer.code, "%s", what),
				    *words ? words : NULL);
	if (code < 0)
		return failure(code, what);
	if (*words)
		log_debug("the kernel remarks: %s", words);
	return NULL;
}

struct error *netlink_request(struct netlink *netlink, struct nl_msg *message,
			      const char *what)
{
	nl_complete_msg(netlink->socket, message);
	errno = 0;
	return hear(netlink, message, nl_send(netlink->socket, message), what);
}

static int send_both(struct nl_sock *socket, struct nl_msg *first, struct nl_msg *second)
{
	struct iovec parts[2];

	nl_complete_msg(socket, first);
	nl_complete_msg(socket, second);
	errno = 0;
	parts[0] = (struct iovec){nlmsg_hdr(first), nlmsg_hdr(first)->nlmsg_len};
	parts[1] = (struct iovec){nlmsg_hdr(second), nlmsg_hdr(second)->nlmsg_len};
	return nl_send_iovec(socket, first, parts, ARRAY_SIZE(parts));
}

struct error *netlink_request_both(struct netlink *netlink, struct nl_msg *first,
				   struct nl_msg *second, const char *what)
{
	int code = send_both(netlink->socket, first, second);
	struct error *error = hear(netlink, first, code, what), *other;

	if (code < 0)
		return error;
	other = hear(netlink, second, 0, what);
	if (!error)
		return other;
	error_ignore(other);
	return error;
}

struct error *netlink_query(struct netlink *netlink, struct nl_msg *message,
			    nl_recvmsg_msg_cb_t take, void *userdata, const char *what)
{
	struct error *error;

	nl_socket_modify_cb(netlink->socket, NL_CB_VALID, NL_CB_CUSTOM, take, userdata);
	error = netlink_request(netlink, message, what);
	nl_socket_modify_cb(netlink->socket, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
	return error;
}

static struct error *end_dump(const struct netlink *netlink, int code, const char *what)
{
	if (netlink->answer.code)
		return error_extack(error_errno(netlink->answer.code, "%s", what),
				    *netlink->answer.text ? netlink->answer.text : NULL);
	if (code == -NLE_DUMP_INTR)
		return error_errno(EAGAIN, "%s", what);
	if (code < 0)
		return failure(code, what);
	return NULL;
}

struct error *netlink_dump(struct netlink *netlink, struct nl_msg *message,
			   nl_recvmsg_msg_cb_t take, void *userdata, const char *what)
{
	int code;

	netlink->answer = (struct extack){0};
	nl_complete_msg(netlink->socket, message);
	netlink->sequence = nlmsg_hdr(message)->nlmsg_seq;
	nl_socket_modify_cb(netlink->socket, NL_CB_VALID, NL_CB_CUSTOM, take, userdata);
	errno = 0;
	code = nl_send(netlink->socket, message);
	if (code >= 0)
		code = nl_recvmsgs_default(netlink->socket);
	nl_socket_modify_cb(netlink->socket, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
	netlink->sequence = 0;
	return end_dump(netlink, code, what);
}

/* Any socket takes this ioctl, and answers for the namespace that it was made in. */
struct error *netlink_find_index(const struct netlink *netlink, const char *name,
				 const char *what, int *index)
{
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(nl_socket_get_fd(netlink->socket), SIOCGIFINDEX, &request) < 0)
		return error_errno(errno, "%s", what);
	*index = request.ifr_ifindex;
	return NULL;
}

struct error *netlink_read_links(struct netlink *netlink, struct nl_cache **cache)
{
	int code = rtnl_link_alloc_cache(netlink->socket, AF_UNSPEC, cache);

	if (code < 0)
		return error_new(EIO, "the links can't be listed: %s", nl_geterror(code));
	return NULL;
}

struct error *netlink_unbuilt(int code)
{
	return error_new(EIO, "netlink message: %s", nl_geterror(code));
}
