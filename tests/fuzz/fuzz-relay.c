// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A debugger and QEMU's stub that say what they like to the relay between them. Each step of the
 * input is two bytes, what is done and a length, and that many bytes: sent as they are or as a
 * packet, by either; and the lab's calls between them.
 */
#include <stdbool.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"
#include "peer.h"
#include "util/buffer.h"
#include "util/string.h"
#include "vm/relay.h"
#include "vm/rsp.h"

enum {
	BY_STUB = 1,
	AS_PACKET = 2,
	RUN = 4,
	CONCEAL = 8,
	READ = 16,
	HANG_UP = 32,
};

struct lab {
	sd_event *event;
	struct relay *relay;
	char folder[32];
	char *gdb, *stub;
	int listener, debugger, qemu;
};

static void on_event(struct relay *relay, void *userdata)
{
	(void)relay, (void)userdata;
}

/* A lab that stands still now and then lets it run at once. */
static void on_continued(struct relay *relay, bool step, void *userdata)
{
	(void)userdata;
	if (step)
		relay_run(relay);
}

static const struct relay_handlers handlers = {on_event, on_continued, on_event,
					       on_event};

static int open_socket(const char *path, bool listens)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, path);
	if (fd < 0 || (listens ? bind : connect)(fd, (struct sockaddr *)&address,
						 sizeof(address)) < 0)
		abort();
	if (listens && listen(fd, 4) < 0)
		abort();
	return fd;
}

static void settle(struct lab *lab)
{
	while (sd_event_run(lab->event, 0) > 0)
		;
}

static void begin(struct lab *lab)
{
	strcpy(lab->folder, "/tmp/fuzzrelayXXXXXX");
	if (!mkdtemp(lab->folder) || sd_event_new(&lab->event) < 0)
		abort();
	lab->gdb = xasprintf("%s/gdb", lab->folder);
	lab->stub = xasprintf("%s/stub", lab->folder);
	lab->listener = open_socket(lab->stub, true);
	if (relay_new(&lab->relay, lab->event, open_socket(lab->gdb, true), lab->stub,
		      &handlers, lab))
		abort();
	lab->debugger = open_socket(lab->gdb, false);
	settle(lab);
	lab->qemu = accept(lab->listener, NULL, NULL);
}

static void finish(struct lab *lab)
{
	settle(lab);
	relay_free(lab->relay);
	sd_event_unref(lab->event);
	close(lab->debugger);
	close(lab->qemu);
	close(lab->listener);
	unlink(lab->gdb);
	unlink(lab->stub);
	rmdir(lab->folder);
	free(lab->gdb);
	free(lab->stub);
}

static void say(int fd, bool packet, const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct buffer out = {0};
	char sink[4096];

	if (packet)
		rsp_append(&out, (const char *)data, size);
	else
		buffer_append(&out, data, size);
	if (send(fd, out.size ? (void *)out.data : sink, out.size,
		 MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
	while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
		;
}

static void step(struct lab *lab, uint8_t what, const uint8_t *data, size_t size)
{
	say(what & BY_STUB ? lab->qemu : lab->debugger, what & AS_PACKET, data, size);
	settle(lab);
	if (what & CONCEAL)
		relay_conceal(lab->relay);
	if (what & RUN)
		relay_run(lab->relay);
	if (what & READ)
		relay_read(lab->relay);
	if (what & HANG_UP)
		shutdown(what & BY_STUB ? lab->qemu : lab->debugger, SHUT_RDWR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lab lab = {0};

	begin(&lab);
	while (size >= 2) {
		size_t n = data[1] < size - 2 ? data[1] : size - 2;

		step(&lab, data[0], data + 2, n);
		data += 2 + n;
		size -= 2 + n;
	}
	finish(&lab);
	return 0;
}
