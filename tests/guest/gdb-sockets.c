// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sockets and epoll instances to look at with gdb. It prints their descriptors, then accepts two
 * connections on port 9000: the first is watched and never read, the second closed at its first
 * byte. Further ones stay in the accept queue, datagrams on port 9001 in the receive queue. It
 * has opened a connection itself, to port 9002 of the host, and sent 9 bytes.
 *
 * The outer epoll instance watches, besides: a pipe whose one event was delivered (one shot), a
 * pipe that is ready (edge-triggered), and the inner instance, which watches an eventfd of 7.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_PORT  9000
#define UDP_PORT  9001
#define HOST      "192.168.100.50"
#define HOST_PORT 9002
#define BACKLOG   4

static int check(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
	return result;
}

static void watch(int epoll, int fd, unsigned int events, unsigned long long data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};

	check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static int bound(int type, int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = check(socket(AF_INET, type, 0), "socket");

	check(bind(fd, (struct sockaddr *)&address, sizeof(address)), "bind");
	return fd;
}

static int open_connection(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(HOST_PORT)};
	int fd = check(socket(AF_INET, SOCK_STREAM, 0), "socket");

	inet_aton(HOST, &address.sin_addr);
	check(connect(fd, (struct sockaddr *)&address, sizeof(address)), "connect");
	check(write(fd, "from here", 9), "write");
	return fd;
}

static int full_pipe(void)
{
	int ends[2];

	check(pipe(ends), "pipe");
	check(write(ends[1], "x", 1), "write");
	return ends[0];
}

int main(void)
{
	int outer = check(epoll_create1(0), "epoll_create1");
	int inner = check(epoll_create1(0), "epoll_create1");
	int listener = bound(SOCK_STREAM, TCP_PORT),
	    datagrams = bound(SOCK_DGRAM, UDP_PORT);
	struct epoll_event event;
	char byte;
	int fd;

	check(listen(listener, BACKLOG), "listen");
	watch(outer, full_pipe(), EPOLLIN | EPOLLONESHOT, 0x1057);
	check(epoll_wait(outer, &event, 1, -1), "epoll_wait");
	watch(outer, full_pipe(), EPOLLIN | EPOLLET, 0xed6e);
	watch(inner, eventfd(7, 0), EPOLLIN, 7);
	watch(outer, inner, EPOLLIN, 0x1221);
	open_connection();
	dprintf(1, "ready pid %d outer %d inner %d listener %d datagrams %d\n", getpid(),
		outer, inner, listener, datagrams);
	fd = check(accept(listener, NULL, NULL), "accept");
	watch(outer, fd, EPOLLOUT | EPOLLRDHUP | EPOLLET, fd);
	dprintf(1, "accepted %d\n", fd);
	fd = check(accept(listener, NULL, NULL), "accept");
	check(read(fd, &byte, 1), "read");
	close(fd);
	pause();
	return 0;
}
