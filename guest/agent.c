// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's agent: runs commands for the host, which asks for them on a port of the virtio
 * console. The protocol is docs/agent-protocol.md. One thread, one poll() loop.
 *
 * agent [PORT]: without PORT, the virtio port of our name, else the second UART.
 */
#include "agent.h"
#include "modules.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/base64.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROTOCOL_VERSION 1
#define INIT_POWEROFF    SIGUSR2 /* as busybox's poweroff sends it to process 1 */

static uint64_t boot_ns; /* when this program started, since power-on */

/* What init says of modules that it could not load; NULL: nothing. */
static json_t *failed_modules(void)
{
	FILE *file = fopen(MODULES_FAILED, "re");
	json_t *lines = file ? json_array() : NULL;
	char line[1024];

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		json_array_append_new(lines, json_string(line));
	}
	if (file)
		fclose(file);
	return lines;
}

/* @id: of the host's request; 0: it did not ask, or gave none. */
static void say_hello(struct port *port, json_int_t id)
{
	struct utsname kernel;
	json_t *hello;

	uname(&kernel);
	hello = json_pack("{s:s, s:i, s:I, s:s, s:o*}", "event", "hello", "version",
			  PROTOCOL_VERSION, "boot_ns", (json_int_t)boot_ns, "kernel",
			  kernel.release, "modules_failed", failed_modules());
	if (id)
		json_object_set_new(hello, "id", json_integer(id));
	port_say(port, hello);
}

static void do_hello(struct port *port, json_int_t id, const json_t *request)
{
	(void)request;
	say_hello(port, id);
}

/* What waits for the host is an answer to someone else's requests. */
static void do_reset(struct port *port, json_int_t id, const json_t *request)
{
	(void)request;
	exec_kill_all();
	port_drop_output(port);
	say_hello(port, id);
}

static void do_exec(struct port *port, json_int_t id, const json_t *request)
{
	const json_t *words = json_object_get(request, "argv"), *word;
	char *argv[ARGV_MAX + 1] = {NULL};
	size_t i;

	if (json_array_size(words) < 1 || json_array_size(words) > ARGV_MAX) {
		port_say_error(port, id, "argv: 1 to %d words", ARGV_MAX);
		return;
	}
	json_array_foreach (words, i, word) {
		argv[i] = (char *)json_string_value(word);
		if (!argv[i]) {
			port_say_error(port, id, "argv[%zu] is no string", i);
			return;
		}
	}
	if (exec_find(id))
		port_say_error(port, id, "id %" JSON_INTEGER_FORMAT " is in use", id);
	else
		exec_start(port, id, argv);
}

static bool decode(const char *text, size_t length, uint8_t *data, size_t *size)
{
	struct base64_decode_ctx context;

	*size = BASE64_DECODE_LENGTH(length);
	base64_decode_init(&context);
	return base64_decode_update(&context, size, data, length, text) &&
	       base64_decode_final(&context);
}

/* To a command that ended meanwhile: not an error, the host could not know. */
static void do_input(struct port *port, json_int_t id, const json_t *request)
{
	const json_t *data = json_object_get(request, "data");
	static uint8_t decoded[BASE64_DECODE_LENGTH(LINE_LIMIT)];
	struct exec *exec = exec_find(id);
	size_t size = 0;

	if (data &&
	    (!json_is_string(data) ||
	     !decode(json_string_value(data), json_string_length(data), decoded, &size)))
		port_say_error(port, id, "data is not base64");
	else if (exec)
		exec_input(port, exec, data ? decoded : NULL, size);
}

static void do_kill(struct port *port, json_int_t id, const json_t *request)
{
	const struct exec *exec = exec_find(id);

	(void)port, (void)request;
	if (exec)
		exec_kill(exec);
}

static void do_poweroff(struct port *port, json_int_t id, const json_t *request)
{
	(void)request;
	if (kill(1, INIT_POWEROFF) < 0)
		port_say_error(port, id, "poweroff: %s", strerror(errno));
}

/*
 * The terminal that shows the console has this size: programs on it get SIGWINCH. A serial line
 * can't tell it, and nothing is typed into anyone's shell for it.
 */
static void do_resize(struct port *port, json_int_t id, const json_t *request)
{
	json_int_t rows = json_integer_value(json_object_get(request, "rows"));
	json_int_t columns = json_integer_value(json_object_get(request, "columns"));
	struct winsize size = {.ws_row = rows, .ws_col = columns};
	int fd;

	if (rows < 1 || rows > UINT16_MAX || columns < 1 || columns > UINT16_MAX) {
		port_say_error(port, id, "resize: rows and columns are 1 to %d",
			       UINT16_MAX);
		return;
	}
	fd = open("/dev/console", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TIOCSWINSZ, &size) < 0)
		port_say_error(port, id, "/dev/console: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

static const struct {
	const char *name;
	bool needs_id;
	void (*run)(struct port *port, json_int_t id, const json_t *request);
} requests[] = {
	{"exec", true, do_exec},      {"input", true, do_input},
	{"kill", true, do_kill},      {"poweroff", false, do_poweroff},
	{"hello", false, do_hello},   {"reset", false, do_reset},
	{"resize", false, do_resize},
};

static void take_request(struct port *port, const json_t *request)
{
	const char *what = json_string_value(json_object_get(request, "do"));
	json_int_t id = json_integer_value(json_object_get(request, "id"));

	for (size_t i = 0; what && i < sizeof(requests) / sizeof(*requests); i++) {
		if (strcmp(what, requests[i].name) != 0)
			continue;
		if (requests[i].needs_id && id < 1)
			port_say_error(port, 0, "%s: needs an id of 1 or more", what);
		else
			requests[i].run(port, id, request);
		return;
	}
	port_say_error(port, id > 0 ? id : 0, "not a request: do is %s",
		       what ?: "missing");
}

static void take_line(struct port *port, const char *line, size_t length)
{
	json_error_t error;
	json_t *request;

	if (length == 0)
		return;
	request = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	if (request)
		take_request(port, request);
	else
		port_say_error(port, 0, "not JSON: %s", error.text);
	json_decref(request);
}

/* Said once for each line that is too long, whose rest is dropped as it comes. */
static void reject_line(struct port *port)
{
	if (!port->skipping)
		port_say_error(port, 0, "a line of more than %d bytes", LINE_LIMIT);
	port->skipping = true;
}

/* Returns true where lines are left because the host doesn't take our answers. */
static bool take_lines(struct port *port)
{
	char *end;

	while (port_has_room(port) && port->in.size &&
	       (end = memchr(port->in.data, '\n', port->in.size))) {
		size_t length = end - port->in.data;

		if (length > LINE_LIMIT)
			reject_line(port);
		if (!port->skipping)
			take_line(port, port->in.data, length);
		port->skipping = false;
		bytes_consume(&port->in, length + 1);
	}
	if (!port_has_room(port))
		return true;
	if (port->in.size > LINE_LIMIT) {
		reject_line(port);
		bytes_consume(&port->in, port->in.size);
	}
	return false;
}

static void reap(struct port *port, int signals)
{
	struct signalfd_siginfo signal;
	int status;
	pid_t pid;

	if (read(signals, &signal, sizeof(signal)) < 0 && errno != EAGAIN)
		return;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		exec_ended(port, pid, status);
}

/* What a pollfd is about; the first two are the port's changes and SIGCHLD. */
struct watched {
	struct exec *exec;
	int stream; /* 0: its input; 1, 2: its outputs */
};

#define FIXED 2

static nfds_t watch(const struct port *port, struct pollfd *fds, struct watched *watched)
{
	nfds_t n = FIXED;

	for (struct exec *exec = execs; exec < execs + EXECS_MAX; exec++) {
		if (!exec->used)
			continue;
		if (exec->pending.size && exec->input >= 0) {
			watched[n] = (struct watched){exec, 0};
			fds[n++] = (struct pollfd){exec->input, POLLOUT, 0};
		}
		/* Not heard while the host is slow: the pipe fills up, the command waits. */
		for (int i = 0; i < 2 && port_has_room(port); i++) {
			if (exec->output[i] < 0)
				continue;
			watched[n] = (struct watched){exec, i + 1};
			fds[n++] = (struct pollfd){exec->output[i], POLLIN, 0};
		}
	}
	return n;
}

static void serve_commands(struct port *port, const struct pollfd *fds,
			   const struct watched *watched, nfds_t n)
{
	for (nfds_t i = FIXED; i < n; i++) {
		if (!fds[i].revents)
			continue;
		if (watched[i].stream == 0)
			exec_write(watched[i].exec);
		else if (port_has_room(port))
			exec_read(port, watched[i].exec, watched[i].stream);
	}
}

/*
 * The host's end was opened or closed. Closed and opened again at once it may look as if nothing
 * had happened: a host that wants to be sure begins with "reset".
 */
static void take_connection(struct port *port, bool was_connected)
{
	if (port->connected == was_connected)
		return;
	if (port->connected) {
		say_hello(port, 0);
	} else {
		port_forget(port);
		exec_kill_all();
	}
}

static bool serve_port(struct port *port)
{
	bool was_connected = port->connected, lines_left;

	if (!port_update(port))
		return false;
	take_connection(port, was_connected);
	do {
		if (!port_receive(port))
			return false;
		lines_left = take_lines(port);
		if (!port_flush(port))
			return false;
	} while (port_has_room(port) && (port->readable || lines_left));
	return true;
}

static void serve(struct port *port, int signals)
{
	struct watched watched[FIXED + 3 * EXECS_MAX];
	struct pollfd fds[FIXED + 3 * EXECS_MAX] = {
		{.fd = port->changes, .events = POLLIN},
		{.fd = signals, .events = POLLIN},
	};

	while (serve_port(port)) {
		nfds_t n = watch(port, fds, watched);

		if (poll(fds, n, -1) < 0)
			continue;
		serve_commands(port, fds, watched, n);
		if (fds[1].revents)
			reap(port, signals);
	}
}

static int open_signals(void)
{
	sigset_t child;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv)
{
	int signals = open_signals();
	struct timespec now;
	struct port port;

	clock_gettime(CLOCK_BOOTTIME, &now);
	boot_ns = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	if (!port_open(&port, argc > 1 ? argv[1] : NULL)) {
		fprintf(stderr, "agent: no port to the host: %s\n", strerror(errno));
		return 1;
	}
	serve(&port, signals);
	fprintf(stderr, "agent: the port is gone: %s\n", strerror(errno));
	return 1;
}
