// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "command/gdb.h"
#include "debug/port.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/string.h"

/* Readable when it is time to end, so that breakpoints can be taken back before. */
static struct error *watch_signals(int *fd)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	*fd = signalfd(-1, &set, SFD_CLOEXEC);
	return *fd < 0 ? error_errno(errno, "signalfd") : NULL;
}

static struct error *serve(const struct debug_options *options,
			   const struct debug_forward *forward)
{
	return error_object(debug_forward(options->gdb_socket, forward), options->guest);
}

struct error *gdb_stdio(const struct debug_options *options)
{
	_cleanup_close_ int lock = -1, stop = -1;
	struct debug_forward forward = {
		.input = STDIN_FILENO, .output = STDOUT_FILENO, .listener = -1};

	try(error_object(debug_lock(options->gdb_socket, &lock), options->guest));
	try(watch_signals(&stop));
	forward.stop = stop;
	return serve(options, &forward);
}

static struct error *parse_port(const char *text, uint16_t *port)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || value > UINT16_MAX)
		return error_new(EINVAL, "--port=%s: a port is from 1 to %d", text,
				 UINT16_MAX);
	*port = value;
	return NULL;
}

/* *@client: -1: it is time to end. */
static struct error *await_client(int listener, int stop, int *client)
{
	struct pollfd fds[] = {{.fd = listener, .events = POLLIN},
			       {.fd = stop, .events = POLLIN}};

	*client = -1;
	while (*client < 0 && !fds[1].revents) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return error_errno(errno, "poll");
		if (fds[0].revents)
			*client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	}
	return NULL;
}

struct error *gdb_port(const struct debug_options *options, const char *text)
{
	_cleanup_close_ int lock = -1, stop = -1, listener = -1;
	uint16_t port;

	try(parse_port(text, &port));
	try(error_object(debug_lock(options->gdb_socket, &lock), options->guest));
	try(watch_signals(&stop));
	try(debug_listen(&port, &listener));
	printf("target remote 127.0.0.1:%u\n", port);
	fflush(stdout);
	for (;;) {
		_cleanup_close_ int client = -1;

		try(await_client(listener, stop, &client));
		if (client < 0)
			return NULL;
		log_debug("%s: a debugger has come", options->guest);
		try(serve(options,
			  &(struct debug_forward){client, client, stop, listener}));
	}
}
