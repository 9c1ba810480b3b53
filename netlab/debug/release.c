// SPDX-License-Identifier: GPL-2.0-or-later
/* Just enough of the GDB remote protocol to leave a guest behind in good order. */
#include "debug/debug.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "debug/port.h"
#include "util/file.h"
#include "util/string.h"

#define REPLY_SECONDS   2
#define PACKET_LIMIT    512 /* bytes; a stop reply is far shorter */
#define PACKETS_LIMIT   8
#define CHECKSUM_DIGITS 2

static struct error *connect_in_time(const char *path, int *result)
{
	struct timeval deadline = {.tv_sec = REPLY_SECONDS};
	_cleanup_close_ int fd = -1;

	try(debug_connect(path, &fd));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline)) < 0)
		return error_errno(errno, "a deadline on %s", path);
	*result = steal_fd(fd);
	return NULL;
}

/* The next packet, "$DATA#CHECKSUM", without what stands before its '$'. */
static struct error *read_packet(int fd, char *packet, size_t size)
{
	size_t length = 0, end = size;

	while (length < end && length < size - 1) {
		errno = 0;
		if (read(fd, packet + length, 1) != 1)
			return error_errno(errno ?: ECONNRESET, "no answer from QEMU");
		if (!length && *packet != '$')
			continue;
		if (packet[length++] == '#' && end == size)
			end = length + CHECKSUM_DIGITS;
	}
	packet[length] = '\0';
	return length == end ? NULL : error_new(EPROTO, "QEMU's answer has no end");
}

/*
 * Ask, and wait for an answer that begins with @wanted; stop replies may come before it. Of a guest
 * that runs again nothing is acknowledged: for each byte but one QEMU would stop it (7.2,
 * gdb_read_byte()).
 */
static struct error *ask(int fd, const char *request, const char *wanted,
			 bool acknowledge)
{
	char packet[PACKET_LIMIT];

	try(write_all(fd, request, strlen(request)));
	for (int i = 0; i < PACKETS_LIMIT; i++) {
		try(read_packet(fd, packet, sizeof(packet)));
		if (acknowledge)
			try(write_all(fd, "+", 1));
		if (string_after(packet, wanted))
			return NULL;
	}
	return error_new(EPROTO, "QEMU doesn't answer '%s'", request);
}

struct error *debug_release(const char *gdb_socket)
{
	_cleanup_close_ int fd = -1;

	try(connect_in_time(gdb_socket, &fd));
	/*
	 * QEMU forgets the breakpoints at '?' (7.2, gdbstub.c). Its answer to that is T05, and
	 * where the old debugger had let the guest run, T02 comes before, when it stops for
	 * the new one; the relay gives one of the two. So another answer is waited for, that
	 * comes behind both. The old one may have agreed on process IDs: D alone is refused
	 * then.
	 */
	try(ask(fd, "$?#3f$qAttached#8f", "$1#", true));
	return ask(fd, "$D;1#b0", "$OK#", false);
}
