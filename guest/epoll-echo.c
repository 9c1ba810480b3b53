// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * epoll-echo --port N [--level] [--udp]: sends back what it gets, over TCP (and UDP), on IPv4
 * and IPv6.
 *
 * This is a program to single-step a kernel with: one thread, one epoll instance, and a
 * comment at each place where the kernel's side of the story is worth a breakpoint.
 *
 * Edge-triggered (the default): the kernel reports a change once. Each descriptor is registered
 * once for both directions, and after a report the program reads and writes until the kernel
 * says EAGAIN, because nothing else would wake it again.
 *
 * Level-triggered (--level): the kernel reports a state as long as it lasts. The program asks
 * only for what it can use now (room in the buffer: EPOLLIN; bytes in it: EPOLLOUT), because
 * it would be woken without end by the rest.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_SIZE  (64 * 1024)
#define DATAGRAM_MAX (64 * 1024)
#define EVENTS_MAX   64
#define BACKLOG      1024

/* What an event's data pointer points at: who to wake. */
struct source {
	int fd;
	void (*ready)(struct source *source, uint32_t events);
};

/*
 * One accepted TCP connection. Bytes [sent, received) of its buffer are to be sent back; it is
 * filled only when it is empty, so that what we can't send we don't read either: TCP's window
 * closes, and the client waits.
 */
struct connection {
	struct source source; /* first: a connection is a source */
	uint32_t interest;    /* what epoll was asked to report */
	size_t sent, received;
	char buffer[BUFFER_SIZE];
};

static int epoll_fd;
static bool level_triggered;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "epoll-echo: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void watch(struct source *source, int operation, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	/* Kernel: do_epoll_ctl() -> ep_insert(), which hangs ep_poll_callback() into the
	 * socket's wait queue. */
	if (epoll_ctl(epoll_fd, operation, source->fd, &event) < 0)
		die("epoll_ctl");
}

static bool would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK;
}

static bool is_empty(const struct connection *connection)
{
	return connection->sent == connection->received;
}

static void connection_close(struct connection *connection)
{
	/* The last descriptor of the socket: epoll forgets it by itself. */
	close(connection->source.fd);
	free(connection);
}

enum progress {
	MOVED,   /* bytes went through: try again */
	BLOCKED, /* the kernel has to call us back */
	OVER,    /* all is echoed, or the connection broke */
};

/* Kernel: tcp_recvmsg(). */
static enum progress connection_receive(struct connection *connection)
{
	ssize_t n = recv(connection->source.fd, connection->buffer, BUFFER_SIZE, 0);

	if (n < 0)
		return errno == EINTR ? MOVED : would_block() ? BLOCKED : OVER;
	/* The client's FIN. We read only when all before is sent, so this is the end. */
	if (n == 0)
		return OVER;
	connection->sent = 0;
	connection->received = n;
	return MOVED;
}

/* Kernel: tcp_sendmsg(). EAGAIN means that the send buffer is full: EPOLLOUT follows when the
 * client's ACKs have freed a third of it (sk_stream_write_space()). */
static enum progress connection_send(struct connection *connection)
{
	ssize_t n = send(connection->source.fd, connection->buffer + connection->sent,
			 connection->received - connection->sent, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EINTR ? MOVED : would_block() ? BLOCKED : OVER;
	connection->sent += n;
	return MOVED;
}

/* Ask for what can be used now; the kernel is told only of changes. */
static void connection_adjust(struct connection *connection)
{
	uint32_t wanted = is_empty(connection) ? EPOLLIN : EPOLLOUT;

	if (!level_triggered || wanted == connection->interest)
		return;
	watch(&connection->source, EPOLL_CTL_MOD, wanted);
	connection->interest = wanted;
}

static void connection_ready(struct source *source, uint32_t events)
{
	struct connection *connection = (struct connection *)source;
	enum progress progress;

	/* What happened is not looked at: recv() and send() will say. */
	(void)events;
	do
		progress = is_empty(connection) ? connection_receive(connection)
						: connection_send(connection);
	while (progress == MOVED);
	if (progress == OVER)
		connection_close(connection);
	else
		connection_adjust(connection);
}

static void connection_open(int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection) {
		close(fd);
		return;
	}
	connection->source = (struct source){fd, connection_ready};
	connection->interest = level_triggered ? EPOLLIN : EPOLLIN | EPOLLOUT | EPOLLET;
	/* Data that came before this call is reported at once: ep_insert() polls the socket. */
	watch(&connection->source, EPOLL_CTL_ADD, connection->interest);
}

/* Kernel: inet_csk_accept(). One report may stand for several connections. */
static void listener_ready(struct source *source, uint32_t events)
{
	static bool told; /* once: it may go on for long */
	int fd;

	(void)events;
	while ((fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		connection_open(fd);
	/* A client that was gone before we came (ECONNABORTED) is no reason to end; to be out
	 * of descriptors neither: others will close theirs, and we'll be called again. */
	if (!would_block() && !told) {
		fprintf(stderr, "epoll-echo: accept: %s\n", strerror(errno));
		told = true;
	}
}

/*
 * The answer must come from the address that was asked: on a host with several, routing might
 * choose another. IPV6_PKTINFO brings that address with the datagram and takes it back with
 * the answer, for IPv4 as well (as ::ffff:a.b.c.d).
 */
static void udp_ready(struct source *source, uint32_t events)
{
	static char data[DATAGRAM_MAX];
	char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct sockaddr_in6 peer;
	ssize_t n;

	(void)events;
	for (;;) {
		struct iovec part = {data, sizeof(data)};
		struct msghdr message = {&peer,   sizeof(peer),    &part, 1,
					 control, sizeof(control), 0};

		n = recvmsg(source->fd, &message, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		part.iov_len = n;
		message.msg_flags = 0;
		/* A full send buffer loses the answer, as a network may lose it, too. */
		if (sendmsg(source->fd, &message, MSG_NOSIGNAL) < 0 && !would_block())
			fprintf(stderr, "epoll-echo: sendmsg: %s\n", strerror(errno));
	}
}

static void set_option(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)) < 0)
		die("setsockopt");
}

/* An IPv6 socket without IPV6_V6ONLY serves IPv4 as well. */
static int bound_socket(int type, uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if (type == SOCK_STREAM)
		set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		die("bind");
	return fd;
}

static void serve_tcp(struct source *listener, uint16_t port)
{
	*listener = (struct source){bound_socket(SOCK_STREAM, port), listener_ready};
	if (listen(listener->fd, BACKLOG) < 0)
		die("listen");
	/* Level-triggered even by default: out of descriptors, it must be reported again. */
	watch(listener, EPOLL_CTL_ADD, EPOLLIN);
}

static void serve_udp(struct source *udp, uint16_t port)
{
	*udp = (struct source){bound_socket(SOCK_DGRAM, port), udp_ready};
	set_option(udp->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	watch(udp, EPOLL_CTL_ADD, level_triggered ? EPOLLIN : EPOLLIN | EPOLLET);
}

static _Noreturn void serve(void)
{
	struct epoll_event events[EVENTS_MAX];

	for (;;) {
		/* Kernel: ep_poll() sleeps until ep_poll_callback() puts a socket on the
		 * ready list and wakes us; ep_send_events() then fills in @events. */
		int n = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			struct source *source = events[i].data.ptr;

			source->ready(source, events[i].events);
		}
	}
}

static _Noreturn void usage(void)
{
	fprintf(stderr, "Usage: epoll-echo --port N [--level] [--udp]\n");
	exit(2);
}

static uint16_t parse_port(const char *text)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (*end || end == text || port < 1 || port > UINT16_MAX)
		usage();
	return port;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"port", required_argument, NULL, 'p'},
		{"level", no_argument, NULL, 'l'},
		{"udp", no_argument, NULL, 'u'},
		{0},
	};
	static struct source listener, udp;
	bool with_udp = false;
	uint16_t port = 0;
	int option;

	while ((option = getopt_long(argc, argv, "p:lu", options, NULL)) != -1) {
		if (option == 'p')
			port = parse_port(optarg);
		else if (option == 'l')
			level_triggered = true;
		else if (option == 'u')
			with_udp = true;
		else
			usage();
	}
	if (!port || optind != argc)
		usage();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll_create1");
	serve_tcp(&listener, port);
	if (with_udp)
		serve_udp(&udp, port);
	printf("epoll-echo: listening on port %u\n", port);
	fflush(stdout);
	serve();
}
