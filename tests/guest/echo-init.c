// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The only program of a guest for the debugger's tests: an address, and an echo server with
 * epoll on port 7777. With an argument it never sleeps, so that interrupts find a task.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void open_console(void)
{
	int fd;

	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	fd = open("/dev/console", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
}

static int raise_link(const char *address)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct ifreq request = {.ifr_name = "eth0"};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_aton(address, &in.sin_addr);
	memcpy(&request.ifr_addr, &in, sizeof(in));
	if (ioctl(fd, SIOCSIFADDR, &request) < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return -1;
	request.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request);
}

static void watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int serve(int epoll, int listener, int timeout)
{
	struct epoll_event event;
	char data[100];
	ssize_t n;

	if (epoll_wait(epoll, &event, 1, timeout) < 1)
		return 0;
	if (event.data.fd == listener) {
		watch(epoll, accept(listener, NULL, NULL));
		return 0;
	}
	n = read(event.data.fd, data, sizeof(data));
	if (n <= 0)
		return close(event.data.fd);
	return write(event.data.fd, data, n) == n ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(7777)};
	int listener, epoll;

	(void)argv;
	open_console();
	if (raise_link("192.168.100.224") < 0)
		perror("eth0");
	listener = socket(AF_INET, SOCK_STREAM, 0);
	epoll = epoll_create1(0);
	bind(listener, (struct sockaddr *)&any, sizeof(any));
	listen(listener, 16);
	watch(epoll, listener);
	puts("echo-init: ready");
	while (serve(epoll, listener, argc > 1 ? 0 : -1) == 0)
		;
	return 1;
}
