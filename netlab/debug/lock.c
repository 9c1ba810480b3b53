// SPDX-License-Identifier: GPL-2.0-or-later
/* One debugger at a time: QEMU takes a second one only when the first has gone. */
#include "debug/debug.h"

#include <errno.h>

#include "util/file.h"
#include "util/string.h"

#define HOLDER_SIZE 32 /* bytes: "12345\n" */

/* Who holds the lock says so in the file; 0: not known. */
static long holder_of(const char *path)
{
	_cleanup_error_ struct error *error = NULL;
	_cleanup_free_ char *text = NULL;

	error = file_read(path, HOLDER_SIZE, &text, NULL);
	return error ? 0 : strtol(text, NULL, 10);
}

static struct error *someone_else(const char *path)
{
	long pid = holder_of(path);
	_cleanup_free_ char *who = pid > 0 ? xasprintf(" (process %ld)", pid)
					   : xstrdup("");

	return error_hint(error_new(EBUSY, "a debugger is attached already%s", who),
			  "a guest takes one at a time: leave that one first");
}

static struct error *write_holder(int fd)
{
	_cleanup_free_ char *text = xasprintf("%d\n", getpid());

	if (ftruncate(fd, 0) < 0)
		return error_errno(errno, "truncate");
	return write_all(fd, text, strlen(text));
}

struct error *debug_lock(const char *gdb_socket, int *lock)
{
	_cleanup_free_ char *path = xasprintf("%s.lock", gdb_socket);
	_cleanup_close_ int fd = -1;
	struct error *error = lock_file(path, &fd);

	if (error && error->code == EWOULDBLOCK) {
		error_ignore(error);
		return someone_else(path);
	}
	try(error);
	try(error_object(write_holder(fd), path));
	*lock = steal_fd(fd);
	return NULL;
}
