// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "util/buffer.h"
#include "util/file.h"
#include "util/lines.h"
#include "util/process.h"
#include "util/string.h"

#define LINE_LIMIT   (1u << 16)
#define OUTPUT_LIMIT (1u << 20)
#define GRACE_MS     20000 /* what it gets to clean up before SIGKILL */
#define KEPT_LINES   12

/* A running program. */
struct running {
	const struct tool *tool;
	pid_t pid;
	int output;
	int log;
	struct error *interrupted; /* why it is being ended; NULL: it isn't */
	struct lines lines;
	char *kept[KEPT_LINES]; /* the last lines, in a ring */
	size_t said;
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
	for (size_t i = 0; i < KEPT_LINES; i++)
		free(running->kept[i]);
}

static struct error *spawn(struct running *running)
{
	_cleanup_free_ char *path = search_path();
	_cleanup_free_ char *path_variable = xasprintf("PATH=%s", path);
	char *environment[] = {(char *)"LC_ALL=C", path_variable, NULL};
	_cleanup_close_ int writer = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(errno, "pipe");
	running->output = ends[0];
	writer = ends[1];
	return process_spawn(&(struct process_options){.argv = running->tool->argv,
						       .environment = environment,
						       .input = -1,
						       .output = writer,
						       .errors = writer,
						       .own_group = true,
						       .death_signal = SIGTERM},
			     &running->pid);
}

/* "I: running apt-get update...": what stands behind the mark, without the dots. */
static void report(const struct running *running, const char *line)
{
	const struct tool *tool = running->tool;
	const char *what = tool->progress_mark ? string_after(line, tool->progress_mark)
					       : NULL;
	_cleanup_free_ char *text = what ? printable(what, 100) : NULL;
	size_t length = text ? strlen(text) : 0;

	while (length && text[length - 1] == '.')
		text[--length] = '\0';
	if (length && tool->progress)
		tool->progress(text, 0, 0, tool->userdata);
}

static void take_line(struct running *running, const char *line)
{
	char **kept = &running->kept[running->said++ % KEPT_LINES];

	free(*kept);
	*kept = printable(line, 200);
	report(running, line);
}

static void take_lines(struct running *running)
{
	_cleanup_error_ struct error *error = NULL;
	char *line = NULL;

	while (!(error = lines_next(&running->lines, &line, NULL)) && line)
		take_line(running, line);
	if (error) {
		/* Too long for a line: it is in the log, and no more. */
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
	return error_object(write_all(running->log, block, n), running->tool->log);
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
	_cleanup_close_ int process = pidfd_open(running->pid, 0);
	struct pollfd fds[] = {{.fd = running->output, .events = POLLIN},
			       {.fd = running->tool->interrupt->fd, .events = POLLIN},
			       {.fd = process, .events = POLLIN}};
	bool ended = false;

	if (process < 0)
		return error_errno(errno, "pidfd_open");
	while (!ended) {
		bool is_gone = fds[2].fd < 0;
		int n = poll(fds, ARRAY_SIZE(fds),
			     running->interrupted ? GRACE_MS
			     : is_gone            ? 0
						  : -1);

		if (n < 0 && errno != EINTR)
			return error_errno(errno, "poll");
		if (n == 0)
			kill(-running->pid, SIGKILL);
		if (n == 0 && is_gone)
			return NULL;
		if (n > 0 && fds[1].revents)
			terminate(running, interrupt_check(running->tool->interrupt));
		if (running->interrupted)
			fds[1].fd = -1;
		if (n > 0 && fds[2].revents)
			fds[2].fd = -1;
		if (n > 0 && fds[0].revents)
			try(take_output(running, &ended));
	}
	return NULL;
}

static char *last_lines(const struct running *running)
{
	_cleanup_strv_ char **lines = NULL;

	for (size_t i = 0; i < KEPT_LINES; i++) {
		const char *line = running->kept[(running->said + i) % KEPT_LINES];

		if (line)
			strv_push(&lines, xstrdup(line));
	}
	return strv_join(lines, "\n");
}

static struct error *verdict(const struct running *running, int status)
{
	_cleanup_free_ char *how = process_status_text(status);
	_cleanup_free_ char *said = last_lines(running);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return NULL;
	return error_hint(error_new(0, "%s failed (%s)%s%s", running->tool->argv[0], how,
				    *said ? ":\n" : "", said),
			  "%s%sthe whole log is %s", running->tool->advice ?: "",
			  running->tool->advice ? "; " : "", running->tool->log);
}

struct error *tool_run(const struct tool *tool)
{
	_cleanup_(running_deinit) struct running running = {
		.tool = tool, .output = -1, .log = -1};
	int status;

	lines_init(&running.lines, LINE_LIMIT);
	running.log = open(tool->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (running.log < 0)
		return error_errno(errno, "%s", tool->log);
	try(spawn(&running));
	try(watch(&running));
	try(process_wait(running.pid, &status));
	running.pid = 0;
	if (running.interrupted)
		return steal_ptr(running.interrupted);
	return verdict(&running, status);
}

static struct error *read_output(int fd, struct buffer *output)
{
	char block[4096];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno != EINTR)
			return error_errno(errno, "its output");
		if (n > 0 && output->size + n > OUTPUT_LIMIT)
			return error_new(EFBIG, "it says more than %u bytes",
					 OUTPUT_LIMIT);
		if (n > 0)
			buffer_append(output, block, n);
	}
	buffer_append(output, "", 1);
	return NULL;
}

struct error *tool_output(char *const *argv, char **text)
{
	char *environment[] = {(char *)"LC_ALL=C", NULL};
	_cleanup_close_ int reader = -1, writer = -1;
	_cleanup_buffer_ struct buffer output = {0};
	_cleanup_error_ struct error *error = NULL;
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(errno, "pipe");
	reader = ends[0];
	writer = ends[1];
	try(process_spawn(&(struct process_options){.argv = argv,
						    .environment = environment,
						    .input = -1,
						    .output = writer,
						    .errors = -1},
			  &pid));
	close_fd(&writer);
	error = read_output(reader, &output);
	close_fd(&reader);
	try(process_wait(pid, &status));
	if (error)
		return error_prefix(steal_ptr(error), "%s", argv[0]);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		_cleanup_free_ char *how = process_status_text(status);

		return error_new(0, "%s: %s", argv[0], how);
	}
	*text = (char *)steal_ptr(output.data);
	return NULL;
}
