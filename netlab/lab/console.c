// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/console.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "lab/console-log.h"
#include "util/buffer.h"
#include "util/file.h"
#include "util/log.h"
#include "util/string.h"

#define TAIL_LINES  100
#define LINE_LIMIT  1000 /* bytes of a line that are kept */
#define READ_SIZE   4096
#define CLIENTS_MAX 16

/* Someone who is attached. What the guest didn't take yet waits in @pending, and nothing more
 * is read from the client until it has. */
struct client {
	struct console *console;
	int fd;
	sd_event_source *source;
	struct buffer pending;
};

/* Where text comes from. */
struct input {
	struct console *console;
	int fd;
	sd_event_source *source;
	bool spoke;
	struct levels levels;
	char line[LINE_LIMIT + 1]; /* the line that is being written */
	size_t length;
	struct log_time began; /* that line */
	enum level level;      /* that line's */
};

struct console {
	struct input serial; /* the guest */
	struct input errors; /* QEMU's standard error */
	struct levels shown; /* of what the clients see */
	struct console_log log;
	sd_event *event;
	struct client *clients[CLIENTS_MAX];
	char *tail[TAIL_LINES]; /* a ring; @n_lines counts all lines ever */
	unsigned long n_lines;
	console_line_fn line_handler;
	void *userdata;
};

static void client_free(struct client *client)
{
	sd_event_source_disable_unref(client->source);
	close_fd(&client->fd);
	buffer_deinit(&client->pending);
	free(client);
}

static void client_detach(struct client *client)
{
	struct console *console = client->console;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (console->clients[i] == client)
			console->clients[i] = NULL;
	client_free(client);
}

static const char *word_of(const struct input *input)
{
	return input == &input->console->errors ? "qemu" : level_name(input->level);
}

static void tell_line(struct console *console, const struct input *input,
		      const char *text)
{
	const struct timespec *began = &input->began.real;

	if (console->line_handler)
		console->line_handler(console,
				      &(struct console_line){
					      .text = text,
					      .began_ns = began->tv_sec * 1000000000ull +
							  began->tv_nsec,
					      .level = input->level,
				      },
				      console->userdata);
}

static void keep_line(struct input *input)
{
	struct console *console = input->console;
	char **slot = &console->tail[console->n_lines++ % TAIL_LINES];

	if (!input->length)
		log_time_now(&input->began);
	free(*slot);
	*slot = xstrndup(input->line, input->length);
	console_log_line(&console->log, &input->began, word_of(input), *slot);
	input->length = 0;
	tell_line(console, input, *slot);
	input->level = LEVEL_NONE;
}

static void scan(struct input *input, const char *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = data[i];

		if (c == '\n') {
			keep_line(input);
		} else if (c != '\r' && input->length < LINE_LIMIT) {
			if (!input->length)
				log_time_now(&input->began);
			input->line[input->length++] = c < ' ' || c >= 127 ? '?' : c;
		}
	}
}

/* A message of the kernel's ends the line that it falls into, a prompt for example. */
static void take_text(struct input *input, enum level level, const char *data, size_t n)
{
	if (level != LEVEL_NONE) {
		if (input->length)
			keep_line(input);
		input->level = level;
	}
	console_log_raw(&input->console->log, data, n);
	scan(input, data, n);
}

static void tell_clients(struct console *console, const void *data, size_t n)
{
	if (!n)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = console->clients[i];

		if (client &&
		    send(client->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
		    errno != EAGAIN)
			client_detach(client);
	}
}

static void take_serial(struct input *input, const char *data, size_t n)
{
	char text[READ_SIZE + LEVELS_OUT_MAX];
	size_t length = 0;
	enum level level, current = LEVEL_NONE;

	for (size_t i = 0; i < n; i++) {
		char out[LEVELS_OUT_MAX];
		size_t taken = levels_take(&input->levels, data[i], out, &level);

		if (level != LEVEL_NONE) {
			take_text(input, current, text, length);
			current = level;
			length = 0;
		}
		memcpy(text + length, out, taken);
		length += taken;
	}
	take_text(input, current, text, length);
}

static void show(struct console *console, const char *data, size_t n)
{
	char text[READ_SIZE + 2 * LEVELS_OUT_MAX];
	size_t length = 0;
	enum level level;

	for (size_t i = 0; i < n; i++)
		length += levels_take(&console->shown, data[i], text + length, &level);
	length += levels_flush_typed(&console->shown, text + length);
	tell_clients(console, text, length);
}

/* Returns false when there was nothing to read, or never will be again. */
static bool read_once(struct input *input)
{
	struct console *console = input->console;
	char data[READ_SIZE];
	ssize_t n = read(input->fd, data, sizeof(data));

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			sd_event_source_set_enabled(input->source, SD_EVENT_OFF);
		return false;
	}
	input->spoke = true;
	if (input == &console->serial) {
		show(console, data, n);
		take_serial(input, data, n);
	} else {
		tell_clients(console, data, n);
		take_text(input, LEVEL_NONE, data, n);
	}
	return true;
}

static void client_flush(struct client *client);

static int on_serial(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct console *console = userdata;

	(void)fd;
	if (events & EPOLLOUT) {
		sd_event_source_set_io_events(source, EPOLLIN);
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			if (console->clients[i])
				client_flush(console->clients[i]);
	}
	read_once(&console->serial);
	return 0;
}

static int on_errors(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct console *console = userdata;

	(void)source, (void)fd, (void)events;
	read_once(&console->errors);
	return 0;
}

static void client_flush(struct client *client)
{
	struct console *console = client->console;
	struct buffer *pending = &client->pending;
	ssize_t n = send(console->serial.fd, pending->data, pending->size,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		buffer_consume(pending, n);
	if (pending->size)
		sd_event_source_set_io_events(console->serial.source, EPOLLIN | EPOLLOUT);
	sd_event_source_set_io_events(client->source, pending->size ? 0 : EPOLLIN);
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct client *client = userdata;
	char data[READ_SIZE];
	ssize_t n;

	(void)source, (void)events;
	n = read(fd, data, sizeof(data));
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		client_detach(client);
		return 0;
	}
	if (n > 0) {
		buffer_append(&client->pending, data, n);
		client_flush(client);
	}
	return 0;
}

static struct client **free_slot(struct console *console)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (!console->clients[i])
			return &console->clients[i];
	return NULL;
}

struct error *console_attach(struct console *console, int fd)
{
	struct client **slot = free_slot(console), *client;
	int r;

	if (!slot) {
		close(fd);
		return error_new(EBUSY, "%d are attached to this console already",
				 CLIENTS_MAX);
	}
	client = *slot = xcalloc(1, sizeof(*client));
	*client = (struct client){.console = console, .fd = fd};
	r = sd_event_add_io(console->event, &client->source, fd, EPOLLIN, on_client,
			    client);
	if (r < 0) {
		client_detach(client);
		return error_errno(-r, "console client");
	}
	return set_nonblocking(fd);
}

struct error *console_new(struct console **result, sd_event *event, int fd,
			  const char *log, console_line_fn line, void *userdata)
{
	_cleanup_console_ struct console *console = xcalloc(1, sizeof(*console));
	int r;

	console->serial =
		(struct input){.console = console, .fd = fd, .level = LEVEL_NONE};
	console->errors =
		(struct input){.console = console, .fd = -1, .level = LEVEL_NONE};
	console->log = (struct console_log)CONSOLE_LOG_NONE;
	console->event = sd_event_ref(event);
	console->line_handler = line;
	console->userdata = userdata;
	try(console_log_open(&console->log, log));
	try(set_nonblocking(fd));
	r = sd_event_add_io(event, &console->serial.source, fd, EPOLLIN, on_serial,
			    console);
	if (r < 0)
		return error_errno(-r, "console");
	*result = steal_ptr(console);
	return NULL;
}

struct error *console_add_errors(struct console *console, int fd)
{
	int r;

	close_fd(&console->errors.fd);
	console->errors.fd = fd;
	try(set_nonblocking(fd));
	r = sd_event_add_io(console->event, &console->errors.source, fd, EPOLLIN,
			    on_errors, console);
	return r < 0 ? error_errno(-r, "console") : NULL;
}

static void push_unfinished(char ***strv, const struct input *input)
{
	if (input->length)
		strv_push(strv, xstrndup(input->line, input->length));
}

char *console_tail(const struct console *console, unsigned lines)
{
	unsigned long kept = console->n_lines < TAIL_LINES ? console->n_lines
							   : TAIL_LINES;
	unsigned long n = lines < kept ? lines : kept;
	_cleanup_strv_ char **strv = NULL;

	for (unsigned long i = console->n_lines - n; i < console->n_lines; i++)
		strv_push(&strv, xstrdup(console->tail[i % TAIL_LINES]));
	push_unfinished(&strv, &console->serial);
	push_unfinished(&strv, &console->errors);
	return strv_join(strv, "\n");
}

bool console_is_silent(const struct console *console)
{
	return !console->serial.spoke;
}

void console_drain(struct console *console)
{
	for (int i = 0; i < 256 && read_once(&console->serial); i++)
		;
	for (int i = 0; i < 256 && console->errors.fd >= 0 && read_once(&console->errors);
	     i++)
		;
}

/* What was being written when the guest ended: a prompt, mostly. */
static void end_line(const struct input *input)
{
	_cleanup_free_ char *line = xstrndup(input->line, input->length);

	if (input->length)
		console_log_line(&input->console->log, &input->began, word_of(input),
				 line);
}

void console_free(struct console *console)
{
	if (!console)
		return;
	end_line(&console->serial);
	end_line(&console->errors);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (console->clients[i])
			client_free(console->clients[i]);
	for (size_t i = 0; i < TAIL_LINES; i++)
		free(console->tail[i]);
	sd_event_source_disable_unref(console->serial.source);
	sd_event_source_disable_unref(console->errors.source);
	sd_event_unref(console->event);
	close_fd(&console->serial.fd);
	close_fd(&console->errors.fd);
	console_log_close(&console->log);
	free(console);
}
