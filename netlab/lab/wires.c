// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/wires.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/cleanup.h"

void wires_close(struct wires *wires)
{
	for (int i = 0; i < 2; i++) {
		close_fd(&wires->serial[i]);
		close_fd(&wires->qmp[i]);
		close_fd(&wires->agent[i]);
		close_fd(&wires->errors[i]);
	}
	close_fd(&wires->debuggers);
	close_fd(&wires->stub);
}

static struct error *listen_at(const char *path, int *fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0)
		return error_errno(errno, "socket");
	if (strlen(path) >= sizeof(address.sun_path))
		return error_hint(
			error_new(ENAMETOOLONG, "%s: too long for a socket's path", path),
			"set NETLAB_RUNTIME_DIR to a shorter one");
	strcpy(address.sun_path, path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_errno(errno, "%s", path);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 8) < 0)
		return error_errno(errno, "%s", path);
	*fd = steal_fd(listener);
	return NULL;
}

struct error *wires_open(struct wires *wires, const char *gdb, const char *stub)
{
	int type = SOCK_STREAM | SOCK_CLOEXEC;

	if (socketpair(AF_UNIX, type, 0, wires->serial) < 0 ||
	    socketpair(AF_UNIX, type, 0, wires->qmp) < 0 ||
	    socketpair(AF_UNIX, type, 0, wires->agent) < 0)
		return error_errno(errno, "socketpair");
	if (pipe2(wires->errors, O_CLOEXEC) < 0)
		return error_errno(errno, "pipe");
	try(listen_at(gdb, &wires->debuggers));
	return listen_at(stub, &wires->stub);
}
