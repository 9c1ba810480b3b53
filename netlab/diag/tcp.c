// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/tcp.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>

#include "util/string.h"

struct diag {
	struct mnl_socket *socket;
	uint32_t sequence;
};

struct request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

struct error *diag_open(struct diag **diag)
{
	_cleanup_diag_ struct diag *new = xcalloc(1, sizeof(*new));

	new->socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	if (!new->socket || mnl_socket_bind(new->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return error_errno(errno, "no sock_diag socket");
	*diag = steal_ptr(new);
	return NULL;
}

void diag_free(struct diag *diag)
{
	if (diag && diag->socket)
		mnl_socket_close(diag->socket);
	free(diag);
}

/* The kernel's names are in net/tcp_states.h, which it keeps to itself. */
const char *diag_tcp_state_name(unsigned state)
{
	static const char *const names[] = {
		[1] = "established", [2] = "syn-sent",   [3] = "syn-recv",
		[4] = "fin-wait-1",  [5] = "fin-wait-2", [6] = "time-wait",
		[7] = "closed",      [8] = "close-wait", [9] = "last-ack",
		[10] = "listening",  [11] = "closing",   [12] = "syn-recv",
	};

	return state < ARRAY_SIZE(names) && names[state] ? names[state] : "unknown";
}

static void set_end(const struct sockaddr *address, __be16 *port, __be32 host[4])
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	if (address->sa_family == AF_INET) {
		*port = v4->sin_port;
		memcpy(host, &v4->sin_addr, sizeof(v4->sin_addr));
	} else {
		*port = v6->sin6_port;
		memcpy(host, &v6->sin6_addr, sizeof(v6->sin6_addr));
	}
}

static struct error *check_families(const struct sockaddr *local,
				    const struct sockaddr *remote)
{
	if ((local->sa_family != AF_INET && local->sa_family != AF_INET6) ||
	    local->sa_family != remote->sa_family)
		return error_new(EAFNOSUPPORT, "not two addresses of IPv4 or of IPv6");
	return NULL;
}

static void fill_request(struct request *request, const struct sockaddr *local,
			 const struct sockaddr *remote)
{
	struct inet_diag_sockid *id = &request->body.id;

	request->header = (struct nlmsghdr){
		.nlmsg_len = sizeof(*request),
		.nlmsg_type = SOCK_DIAG_BY_FAMILY,
		.nlmsg_flags = NLM_F_REQUEST,
	};
	request->body.sdiag_family = local->sa_family;
	request->body.sdiag_protocol = IPPROTO_TCP;
	request->body.idiag_ext = 1 << (INET_DIAG_INFO - 1);
	request->body.idiag_states = UINT32_MAX;
	set_end(local, &id->idiag_sport, id->idiag_src);
	set_end(remote, &id->idiag_dport, id->idiag_dst);
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
}

static struct error *parse_refusal(const struct nlmsghdr *header)
{
	const struct nlmsgerr *refusal = mnl_nlmsg_get_payload(header);

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*refusal))
		return error_new(EBADMSG, "sock_diag's refusal is cut short");
	if (refusal->error == -ENOENT)
		return error_new(ENOENT, "there is no such connection");
	return error_errno(-refusal->error, "sock_diag refuses");
}

static void copy_info(const struct nlattr *attribute, struct tcp_info *info)
{
	size_t size = mnl_attr_get_payload_len(attribute);

	memset(info, 0, sizeof(*info));
	memcpy(info, mnl_attr_get_payload(attribute),
	       size < sizeof(*info) ? size : sizeof(*info));
}

/* The kernel answers with a listener where no connection fits. */
static bool same_ends(const struct inet_diag_sockid *a, const struct inet_diag_sockid *b)
{
	return a->idiag_sport == b->idiag_sport && a->idiag_dport == b->idiag_dport &&
	       memcmp(a->idiag_src, b->idiag_src, sizeof(a->idiag_src)) == 0 &&
	       memcmp(a->idiag_dst, b->idiag_dst, sizeof(a->idiag_dst)) == 0;
}

static struct error *parse_body(const struct nlmsghdr *header,
				const struct inet_diag_sockid *id, unsigned *state,
				struct tcp_info *info)
{
	const struct inet_diag_msg *body = mnl_nlmsg_get_payload(header);
	const struct nlattr *attribute;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*body))
		return error_new(EBADMSG, "sock_diag's answer is cut short");
	if (!same_ends(&body->id, id))
		return error_new(ENOENT, "there is no such connection");
	mnl_attr_for_each(attribute, header, sizeof(*body))
	{
		if (mnl_attr_get_type(attribute) != INET_DIAG_INFO)
			continue;
		*state = body->idiag_state;
		copy_info(attribute, info);
		return NULL;
	}
	return error_new(ENODATA, "the kernel has no TCP_INFO of it");
}

struct error *diag_tcp_parse(const void *message, size_t size,
			     const struct inet_diag_sockid *id, unsigned *state,
			     struct tcp_info *info)
{
	const struct nlmsghdr *header = message;

	/* libmnl rounds the length up to where a next message would begin. */
	if (size > INT32_MAX || !mnl_nlmsg_ok(header, size) ||
	    MNL_ALIGN(header->nlmsg_len) > size)
		return error_new(EBADMSG, "sock_diag's answer is cut short");
	if (header->nlmsg_type == NLMSG_ERROR)
		return parse_refusal(header);
	if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return error_new(EBADMSG, "sock_diag gives an answer of type %u",
				 header->nlmsg_type);
	return parse_body(header, id, state, info);
}

/* The kernel has answered when send() returns: there is nothing to wait for. Answers to
 * earlier questions (one of which may have been given up) are passed over. */
static struct error *receive(const struct diag *diag, void *answer, size_t *size)
{
	const struct nlmsghdr *header = answer;
	int fd = mnl_socket_get_fd(diag->socket);
	ssize_t n;

	do {
		n = recv(fd, answer, *size, MSG_DONTWAIT);
		if (n < 0)
			return error_errno(errno, "sock_diag does not answer");
	} while (n >= (ssize_t)sizeof(*header) && header->nlmsg_seq != diag->sequence);
	*size = n;
	return NULL;
}

struct error *diag_tcp_info(struct diag *diag, const struct sockaddr *local,
			    const struct sockaddr *remote, unsigned *state,
			    struct tcp_info *info)
{
	_Alignas(struct nlmsghdr) char answer[8192];
	struct request request = {0};
	size_t size = sizeof(answer);

	try(check_families(local, remote));
	fill_request(&request, local, remote);
	request.header.nlmsg_seq = ++diag->sequence;
	if (mnl_socket_sendto(diag->socket, &request, sizeof(request)) < 0)
		return error_errno(errno, "sock_diag can't be asked");
	try(receive(diag, answer, &size));
	return diag_tcp_parse(answer, size, &request.body.id, state, info);
}
