// SPDX-License-Identifier: GPL-2.0-or-later
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define PORTS     "/sys/class/virtio-ports"
#define UART_TYPE "/sys/class/tty/" PORT_UART "/type"
#define UART_WAIT_MS \
	1000 /* for a virtio port to show up, where there is a UART as well */

void bytes_append(struct bytes *bytes, const void *data, size_t size)
{
	if (bytes->size + size > bytes->capacity) {
		bytes->capacity = 2 * (bytes->size + size);
		bytes->data = realloc(bytes->data, bytes->capacity);
		if (!bytes->data)
			abort();
	}
	if (size)
		memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

void bytes_consume(struct bytes *bytes, size_t size)
{
	bytes->size -= size;
	if (bytes->size)
		memmove(bytes->data, bytes->data + size, bytes->size);
}

void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){0};
}

/* The first line of a file in sysfs; "" where there is none. */
static void read_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "re");

	*line = '\0';
	if (!file)
		return;
	if (fgets(line, size, file))
		line[strcspn(line, "\n")] = '\0';
	fclose(file);
}

static int open_if_ours(const char *entry)
{
	char path[sizeof(PORTS "//name") + NAME_MAX], name[64];

	snprintf(path, sizeof(path), PORTS "/%s/name", entry);
	read_line(path, name, sizeof(name));
	if (strcmp(name, PORT_NAME) != 0)
		return -1;
	snprintf(path, sizeof(path), "/dev/%s", entry);
	return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static int open_virtio(void)
{
	DIR *ports = opendir(PORTS);
	struct dirent *entry;
	int fd = -1;

	while (ports && fd < 0 && (entry = readdir(ports)))
		if (*entry->d_name != '.')
			fd = open_if_ours(entry->d_name);
	if (ports)
		closedir(ports);
	return fd;
}

/* The driver makes nodes for UARTs that are not there, too; those have type 0. */
static bool has_uart(void)
{
	char type[16];

	read_line(UART_TYPE, type, sizeof(type));
	return atoi(type) != 0;
}

static int open_uart(void)
{
	int fd = open("/dev/" PORT_UART, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios settings;

	if (fd < 0 || tcgetattr(fd, &settings) < 0)
		return fd;
	cfmakeraw(&settings);
	cfsetspeed(&settings, B115200);
	settings.c_cflag |= CLOCAL;
	tcsetattr(fd, TCSANOW, &settings);
	return fd;
}

/* What the kernel tells udev: among other things that a port got its name. */
static int open_uevents(void)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK, .nl_groups = 1};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void drain(int fd)
{
	char event[4096];

	while (recv(fd, event, sizeof(event), 0) >= 0 || errno == ENOBUFS)
		;
}

/* A port gets its name some time after boot: listen first, then look, then wait. */
static int find_port(void)
{
	struct pollfd uevents = {.fd = open_uevents(), .events = POLLIN};
	int timeout = has_uart() ? UART_WAIT_MS : -1, fd;

	if (uevents.fd < 0)
		timeout = 0;
	while ((fd = open_virtio()) < 0) {
		if (poll(&uevents, 1, timeout) == 0)
			break;
		drain(uevents.fd);
	}
	if (uevents.fd >= 0)
		close(uevents.fd);
	return fd >= 0 ? fd : open_uart();
}

bool port_open(struct port *port, const char *path)
{
	struct epoll_event all = {.events = EPOLLIN | EPOLLOUT | EPOLLET};

	*port = (struct port){
		.fd = path ? open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
			   : find_port()};
	if (port->fd < 0)
		return false;
	port->changes = epoll_create1(EPOLL_CLOEXEC);
	return port->changes >= 0 &&
	       epoll_ctl(port->changes, EPOLL_CTL_ADD, port->fd, &all) == 0;
}

bool port_update(struct port *port)
{
	struct epoll_event event;
	int n = epoll_wait(port->changes, &event, 1, 0);

	if (n < 0 && errno != EINTR)
		return false;
	if (n <= 0)
		return true;
	if (event.events & EPOLLIN)
		port->readable = true;
	if (event.events & EPOLLOUT)
		port->writable = true;
	port->connected = !(event.events & EPOLLHUP);
	return !(event.events & EPOLLERR);
}

bool port_receive(struct port *port)
{
	char block[4096];

	while (port->readable && port->in.size <= LINE_LIMIT) {
		ssize_t n = read(port->fd, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return false;
		/* 0: the host's end is closed, which is a change that we'll hear of. */
		if (n <= 0)
			port->readable = false;
		else
			bytes_append(&port->in, block, n);
	}
	return true;
}

static void take_sent(struct port *port, size_t n)
{
	const char *rest = port->out.data + n, *end;
	bool at_start = rest[-1] == '\n';

	end = at_start ? NULL : memchr(rest, '\n', port->out.size - n);
	port->begun = end ? end + 1 - rest : 0;
	bytes_consume(&port->out, n);
}

bool port_flush(struct port *port)
{
	while (port->writable && port->out.size) {
		ssize_t n = write(port->fd, port->out.data, port->out.size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n <= 0)
			port->writable = false;
		else
			take_sent(port, n);
	}
	return true;
}

void port_forget(struct port *port)
{
	/* What its host said last may still wait to be read. */
	do
		bytes_free(&port->in);
	while (port_receive(port) && port->in.size);
	bytes_free(&port->in);
	bytes_free(&port->out);
	port->begun = 0;
	port->skipping = false;
}

void port_drop_output(struct port *port)
{
	port->out.size = port->begun;
}

bool port_has_room(const struct port *port)
{
	return port->out.size < OUT_LIMIT;
}

void port_say(struct port *port, json_t *event)
{
	char *line = event ? json_dumps(event, JSON_COMPACT) : NULL;

	if (line) {
		bytes_append(&port->out, line, strlen(line));
		bytes_append(&port->out, "\n", 1);
	}
	free(line);
	json_decref(event);
}

void port_say_error(struct port *port, json_int_t id, const char *format, ...)
{
	char message[512];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	port_say(port, json_pack("{s:s, s:I, s:s}", "event", "error", "id", id, "message",
				 message));
}
