// SPDX-License-Identifier: GPL-2.0-or-later
#include "debug/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/file.h"
#include "util/string.h"

#define CHUNK 16384 /* bytes; a packet of the GDB remote protocol is smaller */

struct error *debug_connect(const char *gdb_socket, int *result)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (strlen(gdb_socket) >= sizeof(address.sun_path))
		return error_new(ENAMETOOLONG, "%s: too long for a socket", gdb_socket);
	strcpy(address.sun_path, gdb_socket);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_errno(errno, "socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(errno, "%s", gdb_socket);
	*result = steal_fd(fd);
	return NULL;
}

struct error *debug_listen(uint16_t *port, int *listener)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(*port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	_cleanup_close_ int fd =
		socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		return error_errno(errno, "socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 4) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return error_errno(errno, "127.0.0.1:%u", *port);
	*port = ntohs(address.sin_port);
	*listener = steal_fd(fd);
	return NULL;
}

/* What one of them says goes to the other; false: it has hung up, or the other has. */
static bool carry(int from, int to)
{
	char data[CHUNK];
	_cleanup_error_ struct error *error = NULL;
	ssize_t n = read(from, data, sizeof(data));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;
	error = write_all(to, data, n);
	return !error;
}

/* Who comes when this one goes isn't a second one: it waits to be accepted. */
static bool is_leaving(const struct pollfd *debugger)
{
	return debugger->revents & (POLLRDHUP | POLLHUP | POLLERR);
}

static void hang_up_on_next(int listener)
{
	_cleanup_close_ int second = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

struct error *debug_forward(const char *gdb_socket, const struct debug_forward *forward)
{
	_cleanup_close_ int guest = -1;
	struct pollfd fds[4] = {{.events = POLLIN},
				{.fd = forward->input, .events = POLLIN | POLLRDHUP},
				{.fd = forward->stop, .events = POLLIN},
				{.fd = forward->listener, .events = POLLIN}};
	bool goes_on = true;

	try(debug_connect(gdb_socket, &guest));
	fds[0].fd = guest;
	while (goes_on) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return error_errno(errno, "poll");
		if (fds[0].revents)
			goes_on = carry(guest, forward->output);
		if (goes_on && fds[1].revents)
			goes_on = carry(forward->input, guest);
		if (fds[3].revents && !is_leaving(&fds[1]))
			hang_up_on_next(forward->listener);
		goes_on = goes_on && !fds[2].revents;
	}
	return NULL;
}
