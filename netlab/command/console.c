// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <termios.h>
#include <unistd.h>

#include "command/command.h"
#include "command/node.h"
#include "util/file.h"
#include "util/string.h"

#define ESCAPE_KEY 0x1d /* Ctrl-] */

struct session {
	int fd; /* the console */
	bool ended;
};

static int on_keys(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct session *session = userdata;
	char data[4096];
	ssize_t n = read(fd, data, sizeof(data));
	char *escape = n > 0 ? memchr(data, ESCAPE_KEY, n) : NULL;

	(void)events;
	if (n <= 0)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (escape)
		n = escape - data;
	if (n > 0)
		error_ignore(write_all(session->fd, data, n));
	if (escape)
		session->ended = true;
	return 0;
}

static int on_console(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct session *session = userdata;
	char data[4096];
	ssize_t n = read(fd, data, sizeof(data));

	(void)source, (void)events;
	if (n <= 0)
		session->ended = true;
	else
		error_ignore(write_all(STDOUT_FILENO, data, n));
	return 0;
}

static void terminal_raw(struct termios *before)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, before) < 0)
		return;
	raw = *before;
	cfmakeraw(&raw);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static struct error *pump(struct client *client, struct session *session)
{
	_cleanup_(sd_event_source_unrefp) sd_event_source *keys = NULL, *console = NULL;
	sd_event *event = client_event(client);

	if (sd_event_add_io(event, &keys, STDIN_FILENO, EPOLLIN, on_keys, session) < 0)
		return error_new(EINVAL, "standard input is neither terminal nor pipe");
	if (sd_event_add_io(event, &console, session->fd, EPOLLIN, on_console, session) <
	    0)
		return error_new(EIO, "console");
	return client_wait(client, &session->ended, 0);
}

static struct error *console(const struct node *node)
{
	_cleanup_client_ struct client *client = NULL;
	_cleanup_close_ int fd = -1;
	struct session session = {0};
	struct termios before;
	struct error *error;

	try(client_connect(&client, node->lab));
	try(client_call(
		client,
		json_pack("{s:s, s:s}", "request", "console", "guest", node->name), NULL,
		NULL, NULL));
	fd = session.fd = client_take_fd(client);
	if (fd < 0)
		return error_new(EPROTO, "the supervisor sent no console");
	if (isatty(STDIN_FILENO)) {
		fprintf(stderr, "netlab: console of %s; leave with Ctrl-]\n", node->name);
		terminal_raw(&before);
	}
	error = pump(client, &session);
	if (isatty(STDIN_FILENO)) {
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
		fprintf(stderr, "\n");
	}
	/* The lab's end is the console's, too. */
	if (error && error->code == ENOTCONN)
		error_ignore(steal_ptr(error));
	return error;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	const struct option_spec specs[] = {{0}};
	_cleanup_node_ struct node node = {0};
	int status = options_parse(verb, specs, &argc, &argv);

	if (status >= 0)
		return status;
	if (argc != 1)
		return misuse(verb, "one GUEST is wanted");
	node_parse(argv[0], &node);
	return finish(console(&node));
}

const struct verb verb_console = {
	.name = "console",
	.usage = "[LAB/]GUEST",
	.summary = "The guest's serial console; leave with Ctrl-].",
	.run = run,
};
