// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/logged.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>

#include "util/file.h"
#include "util/lines.h"
#include "util/process.h"
#include "util/string.h"

#define LINE_LIMIT (1u << 16)

/* A running program. */
struct running {
	const struct logged *logged;
	pid_t pid;
	int output;
	int log;
	struct error *interrupted; /* why it is being ended; NULL: it isn't */
	struct lines lines;
};

static void running_deinit(struct running *running)
{
	if (running->pid > 0) {
		kill(-running->pid, SIGKILL);
		process_kill(running->pid);
	}
	close_fd(&running->output);
	close_fd(&running->log);
	error_free(running->interrupted);
	lines_deinit(&running->lines);
}

static struct error *open_log(struct running *running)
{
	const char *path = running->logged->log;

	running->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	return running->log < 0 ? error_errno(errno, "%s", path) : NULL;
}

static struct error *spawn(struct running *running)
{
	const struct logged *logged = running->logged;
	_cleanup_close_ int writer = -1;

	try(pipe_open(&running->output, &writer));
	return process_spawn(
		&(struct process_options){.argv = logged->argv,
					  .environment = logged->environment,
					  .input = -1,
					  .output = writer,
					  .errors = writer,
					  .inherited = logged->held,
					  .n_inherited = !!logged->held,
					  .own_group = true,
					  .death_signal = logged->death_signal},
		&running->pid);
}

static void take_lines(struct running *running)
{
	_cleanup_error_ struct error *error = NULL;
	char *line = NULL;

	while (!(error = lines_next(&running->lines, &line, NULL)) && line)
		running->logged->line(line, running->logged->userdata);
	if (error) {
		/* Beyond all bounds for a line: it is in the log, and no more. */
		lines_deinit(&running->lines);
		lines_init(&running->lines, LINE_LIMIT);
	}
}

/* What there is to read now; @ended once the last writer is gone. */
static struct error *take_output(struct running *running, bool *ended)
{
	char block[16384];
	ssize_t n = read(running->output, block, sizeof(block));

	if (n < 0)
		return errno == EINTR ? NULL : error_errno(errno, "its output");
	*ended = n == 0;
	lines_feed(&running->lines, block, n);
	take_lines(running);
	return error_object(write_all(running->log, block, n), running->logged->log);
}

static void terminate(struct running *running, struct error *why)
{
	running->interrupted = why;
	if (why)
		kill(-running->pid, SIGTERM);
}

/* Once it has ended, who still has its output open isn't waited for. */
static struct error *watch(struct running *running)
{
	const struct logged *logged = running->logged;
	_cleanup_close_ int process = pidfd_open(running->pid, 0);
	struct pollfd fds[] = {{.fd = running->output, .events = POLLIN},
			       {.fd = logged->interrupt->fd, .events = POLLIN},
			       {.fd = process, .events = POLLIN}};
	bool ended = false;

	if (process < 0)
		return error_errno(errno, "pidfd_open");
	while (!ended) {
		bool is_gone = fds[2].fd < 0;
		int n = poll(fds, ARRAY_SIZE(fds),
			     running->interrupted ? logged->grace_ms
			     : is_gone            ? 0
						  : -1);

		if (n < 0 && errno != EINTR)
			return error_errno(errno, "poll");
		if (n == 0)
			kill(-running->pid, SIGKILL);
		if (n == 0 && is_gone)
			return NULL;
		if (n > 0 && fds[1].revents)
			terminate(running, interrupt_check(logged->interrupt));
		if (running->interrupted)
			fds[1].fd = -1;
		if (n > 0 && fds[2].revents)
			fds[2].fd = -1;
		if (n > 0 && fds[0].revents)
			try(take_output(running, &ended));
	}
	return NULL;
}

struct error *logged_run(const struct logged *logged, int *status)
{
	_cleanup_(running_deinit) struct running running = {
		.logged = logged, .output = -1, .log = -1};

	lines_init(&running.lines, LINE_LIMIT);
	try(open_log(&running));
	try(spawn(&running));
	try(watch(&running));
	try(process_wait(running.pid, status));
	running.pid = 0;
	return steal_ptr(running.interrupted);
}
