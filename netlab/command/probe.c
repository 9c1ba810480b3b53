// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/probe.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lab/protocol.h"
#include "util/buffer.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/lines.h"
#include "util/process.h"
#include "util/string.h"

#define DEADLINE_MS  20000
#define OUTPUT_LIMIT 65536
#define SAID_LIMIT   200 /* bytes of a program's words in an error */

static int64_t now_ms(void)
{
	return monotonic_now() / 1000000;
}

/* Whether @fd becomes readable before @deadline. */
static bool await_input(int fd, int64_t deadline)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	int64_t left;
	int n;

	do {
		left = deadline - now_ms();
		n = poll(&poller, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

/* Reads to the end, or to the limit; false where that takes longer than the deadline. */
static bool read_output(int fd, int64_t deadline, struct buffer *output)
{
	char block[4096];
	ssize_t n;

	while (output->size < OUTPUT_LIMIT) {
		if (!await_input(fd, deadline))
			return false;
		n = read(fd, block, sizeof(block));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return true;
		buffer_append(output, block, n);
	}
	return true;
}

static bool ended(pid_t pid, int64_t deadline)
{
	_cleanup_close_ int fd = pidfd_open(pid, 0);

	return fd >= 0 && await_input(fd, deadline);
}

/* Everything that @pid writes to @fd, until it ends; @pid is reaped in any case. */
static struct error *collect(pid_t pid, int *fd, struct buffer *output)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	bool read = read_output(*fd, deadline, output);
	int status;

	close_fd(fd); /* ends with SIGPIPE what goes on writing beyond the limit */
	if (!read || !ended(pid, deadline)) {
		process_kill(pid);
		return error_new(ETIMEDOUT, "no end within %d s", DEADLINE_MS / 1000);
	}
	buffer_append(output, "", 1);
	try(process_wait(pid, &status));
	if (status) {
		_cleanup_free_ char *text = process_status_text(status);

		return error_new(EIO, "%s", text);
	}
	return NULL;
}

/* The error's message with the first line of what the program said, made fit to print. */
static struct error *with_output(struct error *error, struct buffer *output)
{
	char *said = (char *)output->data;
	size_t n = output->size ? strcspn(said, "\n") : 0;

	if (!n || error->code == ETIMEDOUT)
		return error;
	if (n > SAID_LIMIT)
		n = SAID_LIMIT;
	for (size_t i = 0; i < n; i++)
		if (said[i] < ' ' || said[i] > '~')
			said[i] = '?';
	return error_prefix(error, "%.*s", (int)n, said);
}

struct error *probe_program(char *const *argv, char **text)
{
	struct process_options options = {.argv = argv, .input = -1, .own_group = true};
	_cleanup_buffer_ struct buffer output = {0};
	_cleanup_close_ int reader = -1, writer = -1;
	struct error *error;
	pid_t pid;

	try(pipe_open(&reader, &writer));
	options.output = options.errors = writer;
	try(process_spawn(&options, &pid));
	close_fd(&writer);
	error = collect(pid, &reader, &output);
	if (error)
		return error_object(with_output(error, &output), argv[0]);
	*text = (char *)steal_ptr(output.data);
	return NULL;
}

static void __attribute__((noreturn)) call_in_child(struct error *(*call)(void), int fd)
{
	struct error *error, *lost = NULL;
	_cleanup_json_ json_t *object = NULL;
	_cleanup_free_ char *line = NULL;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	error = call();
	object = error ? error_to_json(error) : json_object();
	line = json_line(object);
	lost = write_all(fd, line, strlen(line));
	_exit(lost ? 1 : 0);
}

struct error *probe_call(struct error *(*call)(void))
{
	_cleanup_buffer_ struct buffer output = {0};
	_cleanup_close_ int reader = -1, writer = -1;
	_cleanup_json_ json_t *object = NULL;
	pid_t pid;

	try(pipe_open(&reader, &writer));
	pid = fork();
	if (pid < 0)
		return error_errno(errno, "fork");
	if (pid == 0)
		call_in_child(call, writer);
	close_fd(&writer);
	try(collect(pid, &reader, &output));
	object = json_loads((char *)output.data, 0, NULL);
	if (!object)
		return error_new(EPROTO, "an answer that makes no sense");
	return json_object_size(object) ? error_from_json(object) : NULL;
}
