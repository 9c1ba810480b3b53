// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "command/command.h"
#include "command/console-log.h"
#include "command/node.h"
#include "util/file.h"
#include "util/string.h"

#define ESCAPE_KEY 0x1d /* Ctrl-] */

struct session {
	struct client *client;
	const char *guest;
	int fd; /* the console */
	bool ended;
};

static json_t *resize_request(const char *guest)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
		return NULL;
	return json_pack("{s:s, s:s, s:i, s:i}", "request", "resize", "guest", guest,
			 "rows", size.ws_row, "columns", size.ws_col);
}

/* Its answer means nothing to anyone. */
static int on_resize(sd_event_source *source, const struct signalfd_siginfo *info,
		     void *userdata)
{
	struct session *session = userdata;
	json_t *request = resize_request(session->guest);

	(void)source, (void)info;
	if (request)
		error_ignore(client_send(session->client, request));
	return 0;
}

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
	_cleanup_(sd_event_source_unrefp) sd_event_source *keys = NULL, *console = NULL,
							  *size = NULL;
	sd_event *event = client_event(client);

	if (sd_event_add_io(event, &keys, STDIN_FILENO, EPOLLIN, on_keys, session) < 0)
		return error_new(EINVAL, "standard input is neither terminal nor pipe");
	if (sd_event_add_io(event, &console, session->fd, EPOLLIN, on_console, session) <
	    0)
		return error_new(EIO, "console");
	if (sd_event_add_signal(event, &size, SIGWINCH, on_resize, session) < 0)
		return error_new(EIO, "SIGWINCH");
	return client_wait(client, &session->ended, 0);
}

/* From here on SIGWINCH waits for the event loop, and what it tells is the newest. */
static struct error *take_size(struct client *client, const char *guest)
{
	sigset_t changes;
	json_t *request;

	sigemptyset(&changes);
	sigaddset(&changes, SIGWINCH);
	sigprocmask(SIG_BLOCK, &changes, NULL);
	request = resize_request(guest);
	return request ? client_call(client, request, NULL, NULL, NULL) : NULL;
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
	try(take_size(client, node->name));
	session.client = client;
	session.guest = node->name;
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

struct console_options {
	bool log, follow;
	const char *level, *boot;
	struct console_log_choice choice;
};

/* Returns the exit status where a word is wrong, else -1. */
static int read_log_options(const struct verb *verb, struct console_options *options)
{
	struct console_log_choice *choice = &options->choice;
	char *end = "";

	choice->follow = options->follow;
	choice->most = LEVEL_NONE;
	if (!options->log && (options->follow || options->level || options->boot))
		return misuse(verb, "--follow, --level and --boot are of --log");
	if (options->level && !level_parse(options->level, &choice->most))
		return misuse(
			verb,
			"--level %s: it is one of emerg, alert, crit, err, warning, "
			"notice, info, debug",
			options->level);
	if (options->boot)
		choice->boot = strtoul(options->boot, &end, 10);
	if (*end || (options->boot && !*options->boot))
		return misuse(verb, "--boot %s: it is how many boots ago; 0 is the last",
			      options->boot);
	return -1;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct console_options options = {0};
	const struct option_spec specs[] = {
		{OPTION_FLAG, "log", 'l', NULL, "print its log rather than attach",
		 &options.log},
		{OPTION_FLAG, "follow", 'f', NULL, "go on as the log grows",
		 &options.follow},
		{OPTION_STRING, "level", 0, "LEVEL",
		 "kernel messages that are as bad as LEVEL, or worse", &options.level},
		{OPTION_STRING, "boot", 0, "N", "of so many boots ago", &options.boot},
		{0},
	};
	_cleanup_node_ struct node node = {0};
	int status = options_parse(verb, specs, &argc, &argv);

	if (status >= 0)
		return status;
	if (argc != 1)
		return misuse(verb, "one GUEST is wanted");
	status = read_log_options(verb, &options);
	if (status >= 0)
		return status;
	node_parse(argv[0], &node);
	return finish(options.log ? console_log_print(&node, &options.choice)
				  : console(&node));
}

const struct verb verb_console = {
	.name = "console",
	.usage = "[LAB/]GUEST [--log [--follow] [--level LEVEL] [--boot N]]",
	.summary = "The guest's serial console; leave with Ctrl-].",
	.details = "With --log, what was said on it, each line with the time of day "
		   "(UTC), the "
		   "seconds\nsince the boot began, and the kernel's level of it: emerg, "
		   "alert, "
		   "crit, err, warning,\nnotice, info, debug; '-' for what is not the "
		   "kernel's, 'qemu' for QEMU itself.",
	.run = run,
};
