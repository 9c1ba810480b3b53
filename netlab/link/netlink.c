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

/* Sees every message before libnl, which turns errno values into fewer ones of its own. */
static int hear_answer(struct nl_msg *message, void *userdata)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct netlink *netlink = userdata;

	if (extack_decode(header, header->nlmsg_len, &netlink->answer))
		netlink->answered = true;
	return NL_OK;
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
	code = nl_connect(netlink->socket, protocol);
	if (code < 0)
		return error_new(EIO, "netlink: %s", nl_geterror(code));
	code = set_options(nl_socket_get_fd(netlink->socket));
	if (code)
		return error_errno(code, "netlink");
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

struct error *netlink_request(struct netlink *netlink, struct nl_msg *message,
			      const char *what)
{
	const char *words = netlink->answer.text;
	int code;

	netlink->answer = (struct extack){0};
	netlink->answered = false;
	code = nl_send_auto(netlink->socket, message);
	/* It returns for each datagram: data may come in one of their own, before the answer. */
	while (code >= 0 && !netlink->answered)
		code = nl_wait_for_ack(netlink->socket);
	if (netlink->answer.code)
		return error_extack(error_errno(netlink->answer.code, "%s", what),
				    *words ? words : NULL);
	if (code < 0)
		return error_new(EIO, "%s: netlink: %s", what, nl_geterror(code));
	if (*words)
		log_debug("the kernel remarks: %s", words);
	return NULL;
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
		return error_new(EIO, "%s: netlink: %s", what, nl_geterror(code));
	return NULL;
}

struct error *netlink_dump(struct netlink *netlink, struct nl_msg *message,
			   nl_recvmsg_msg_cb_t take, void *userdata, const char *what)
{
	int code;

	netlink->answer = (struct extack){0};
	nl_socket_modify_cb(netlink->socket, NL_CB_VALID, NL_CB_CUSTOM, take, userdata);
	code = nl_send_auto(netlink->socket, message);
	if (code >= 0)
		code = nl_recvmsgs_default(netlink->socket);
	nl_socket_modify_cb(netlink->socket, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
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

struct error *netlink_unbuilt(int code)
{
	return error_new(EIO, "netlink message: %s", nl_geterror(code));
}
