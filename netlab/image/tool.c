// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/tool.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "image/logged.h"
#include "util/buffer.h"
#include "util/file.h"
#include "util/process.h"
#include "util/string.h"

#define OUTPUT_LIMIT (1u << 20)
#define GRACE_MS     20000 /* what it gets to clean up before SIGKILL */
#define KEPT_LINES   12

/* A running tool. */
struct running {
	const struct tool *tool;
	char *kept[KEPT_LINES]; /* the last lines, in a ring */
	size_t said;
};

static void running_deinit(struct running *running)
{
	for (size_t i = 0; i < KEPT_LINES; i++)
		free(running->kept[i]);
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

static void take_line(const char *line, void *userdata)
{
	struct running *running = userdata;
	char **kept = &running->kept[running->said++ % KEPT_LINES];

	free(*kept);
	*kept = printable(line, 200);
	report(running, line);
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
	_cleanup_free_ char *path = search_path();
	_cleanup_free_ char *path_variable = xasprintf("PATH=%s", path);
	char *environment[] = {(char *)"LC_ALL=C", path_variable, NULL};
	_cleanup_(running_deinit) struct running running = {.tool = tool};
	int status;

	try(logged_run(&(struct logged){.argv = tool->argv,
					.environment = environment,
					.log = tool->log,
					.death_signal = SIGTERM,
					.grace_ms = GRACE_MS,
					.line = take_line,
					.userdata = &running,
					.interrupt = tool->interrupt},
		       &status));
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
	int status;
	pid_t pid;

	try(pipe_open(&reader, &writer));
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
