// SPDX-License-Identifier: GPL-2.0-or-later
/* A batch session of gdb: its process, what it reports, how it ends. */
#include "debug/debug.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "debug/check.h"
#include "util/file.h"
#include "util/lines.h"
#include "util/log.h"
#include "util/process.h"
#include "util/string.h"

#define REPORT_LINE_LIMIT (4u << 20) /* bytes: 256 frames, twice, with their arguments */
#define OUTPUT_KEPT       2048u      /* bytes of gdb's output that an error may show */
#define WORDS_LIMIT       512u       /* bytes of a reported error */
#define ARMED_SECONDS     60
#define LEAVE_MS          2000
#define OTHER_DEBUGGER    "is another debugger attached to it?"

struct debug_session {
	struct debug_handlers handlers;
	void *userdata;
	char *guest;
	char *vmlinux;
	char *gdb_socket;
	bool done;           /* "done" was reported */
	struct error *error; /* what the session failed with, as far as known; owned */

	pid_t pid; /* of gdb; 0: none, or reaped */
	int pidfd;
	int report; /* where gdb reports */
	int output; /* gdb's stdout and stderr */
	int lock;   /* no other debugger may come */
	struct lines lines;
	struct buffer tail; /* the end of its output */

	sd_event_source *on_report;
	sd_event_source *on_output;
	sd_event_source *on_exit;
	sd_event_source *on_deadline;
};

static void fail_session(struct debug_session *session, struct error *error)
{
	if (session->error)
		error_ignore(error);
	else
		session->error = error;
}

/* --- what gdb reports --------------------------------------------------------------- */

static const char *string_member(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static struct error *reported_error(const struct debug_session *session,
				    const json_t *event)
{
	const char *code = string_member(event, "code");
	_cleanup_free_ char *words = NULL;
	struct error *error;

	if (streq(code, "no-function"))
		try(debug_check_location(session->vmlinux,
					 string_member(event, "function")));
	words = printable(string_member(event, "message"), WORDS_LIMIT);
	error = error_new(0, "gdb: %s", words);
	if (streq(code, "no-connection"))
		return error_hint(error, OTHER_DEBUGGER);
	return error;
}

static void dispatch(struct debug_session *session, const json_t *event)
{
	const char *name = string_member(event, "event");

	if (streq(name, "error")) {
		fail_session(session, reported_error(session, event));
		return;
	}
	if (streq(name, "armed"))
		session->on_deadline = sd_event_source_unref(session->on_deadline);
	session->done = session->done || streq(name, "done");
	session->handlers.event(session, event, session->userdata);
}

/* Not a report: something else in gdb writes to our descriptor. */
static void give_up(struct debug_session *session, struct error *error)
{
	fail_session(session, error_prefix(error, "gdb's report"));
	session->on_report = sd_event_source_unref(session->on_report);
	if (session->pid > 0)
		kill(session->pid, SIGTERM);
}

static void take_lines(struct debug_session *session)
{
	for (;;) {
		_cleanup_json_ json_t *event = NULL;
		struct error *error = lines_next_json(&session->lines, &event);

		if (error) {
			give_up(session, error);
			return;
		}
		if (!event)
			return;
		dispatch(session, event);
	}
}

/* Returns false when there is nothing more to read at the moment, or ever. */
static bool read_some(int fd, sd_event_source **source, void *data, size_t size,
		      ssize_t *n)
{
	do
		*n = read(fd, data, size);
	while (*n < 0 && errno == EINTR);
	if (*n == 0)
		*source = sd_event_source_unref(*source);
	return *n > 0;
}

static void read_report(struct debug_session *session)
{
	char data[16384];
	ssize_t n;

	while (session->on_report &&
	       read_some(session->report, &session->on_report, data, sizeof(data), &n)) {
		lines_feed(&session->lines, data, n);
		take_lines(session);
	}
}

static void read_output(struct debug_session *session)
{
	char data[4096];
	ssize_t n;

	while (session->on_output &&
	       read_some(session->output, &session->on_output, data, sizeof(data), &n)) {
		buffer_append(&session->tail, data, n);
		if (session->tail.size > OUTPUT_KEPT)
			buffer_consume(&session->tail, session->tail.size - OUTPUT_KEPT);
	}
}

static int report_readable(sd_event_source *source, int fd, uint32_t revents,
			   void *userdata)
{
	(void)source, (void)fd, (void)revents;
	read_report(userdata);
	return 0;
}

static int output_readable(sd_event_source *source, int fd, uint32_t revents,
			   void *userdata)
{
	(void)source, (void)fd, (void)revents;
	read_output(userdata);
	return 0;
}

/* --- how it ends -------------------------------------------------------------------- */

/* gdb may have died with its breakpoints in the guest. */
static void leave_guest_running(const struct debug_session *session, int status)
{
	_cleanup_error_ struct error *error = NULL;
	_cleanup_free_ char *text = NULL;

	if (!WIFSIGNALED(status))
		return;
	error = debug_release(session->gdb_socket);
	text = error ? error_text(error) : NULL;
	if (text)
		log_debug("%s: gdb is gone and the guest doesn't answer: %s",
			  session->guest, text);
}

static struct error *unexpected_end(const struct debug_session *session, int status)
{
	_cleanup_free_ char *how = process_status_text(status);
	_cleanup_free_ char *tail =
		xstrndup((const char *)session->tail.data ?: "", session->tail.size);
	_cleanup_strv_ char **lines = NULL;
	_cleanup_free_ char *said = NULL;
	char *rest = tail, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			strv_push(&lines, printable(line, WORDS_LIMIT));
	said = strv_join(lines, "\n");
	return error_new(0, "gdb: %s%s%s", how, lines ? ": " : "", said);
}

static int gdb_exited(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct debug_session *session = userdata;
	struct error *error;
	int status = 0;

	(void)source, (void)fd, (void)revents;
	session->on_exit = sd_event_source_unref(session->on_exit);
	session->on_deadline = sd_event_source_unref(session->on_deadline);
	error_ignore(process_wait(session->pid, &status));
	session->pid = 0;
	read_report(session);
	read_output(session);
	leave_guest_running(session, status);
	close_fd(&session->lock);
	error = steal_ptr(session->error);
	if (!error && !session->done)
		error = unexpected_end(session, status);
	session->handlers.ended(session, error_object(error, session->guest),
				session->userdata);
	return 0;
}

static int deadline_passed(sd_event_source *source, uint64_t now, void *userdata)
{
	struct debug_session *session = userdata;

	(void)source, (void)now;
	fail_session(session,
		     error_hint(error_new(ETIMEDOUT,
					  "gdb did not get hold of the guest in %d s",
					  ARMED_SECONDS),
				OTHER_DEBUGGER));
	kill(session->pid, SIGKILL);
	return 0;
}

static void terminate(struct debug_session *session)
{
	struct pollfd gone = {.fd = session->pidfd, .events = POLLIN};
	int status = 0;

	kill(session->pid, SIGTERM);
	if (poll(&gone, 1, LEAVE_MS) != 1)
		kill(session->pid, SIGKILL);
	error_ignore(process_wait(session->pid, &status));
	leave_guest_running(session, status);
}

void debug_free(struct debug_session *session)
{
	if (!session)
		return;
	sd_event_source_unref(session->on_report);
	sd_event_source_unref(session->on_output);
	sd_event_source_unref(session->on_exit);
	sd_event_source_unref(session->on_deadline);
	if (session->pid > 0)
		terminate(session);
	close_fd(&session->pidfd);
	close_fd(&session->report);
	close_fd(&session->output);
	close_fd(&session->lock);
	lines_deinit(&session->lines);
	buffer_deinit(&session->tail);
	error_free(session->error);
	free(session->guest);
	free(session->vmlinux);
	free(session->gdb_socket);
	free(session);
}

/* --- how it begins ------------------------------------------------------------------ */

static struct debug_session *session_new(const struct debug_options *options,
					 const struct debug_handlers *handlers,
					 void *userdata)
{
	struct debug_session *session = xcalloc(1, sizeof(*session));

	session->handlers = *handlers;
	session->userdata = userdata;
	session->guest = xstrdup(options->guest);
	session->vmlinux = xstrdup(options->vmlinux);
	session->gdb_socket = xstrdup(options->gdb_socket);
	session->pidfd = session->report = session->output = session->lock = -1;
	lines_init(&session->lines, REPORT_LINE_LIMIT);
	return session;
}

static struct error *spawn(struct debug_session *session,
			   const struct debug_options *options)
{
	_cleanup_close_ int report = -1, output = -1;
	_cleanup_strv_ char **argv = gdb_argv(options, NULL), **environment = NULL;

	if (!argv)
		return error_new(EILSEQ, "%s: not UTF-8", options->gdb_socket);
	try(pipe_open(&session->report, &report));
	try(pipe_open(&session->output, &output));
	try(set_nonblocking(session->report));
	try(set_nonblocking(session->output));
	strv_pushf(&environment, "NETLAB_GDB_REPORT=%d", report);
	strv_push(&environment, xstrdup("LC_ALL=C.UTF-8"));
	return process_spawn(
		&(struct process_options){
			.argv = argv,
			.environment = environment,
			.input = -1,
			.output = output,
			.errors = output,
			.inherited = &report,
			.n_inherited = 1,
			.own_group = true,
		},
		&session->pid);
}

static struct error *watch(struct debug_session *session, sd_event *loop)
{
	int r;

	session->pidfd = pidfd_open(session->pid, 0);
	if (session->pidfd < 0)
		return error_errno(errno, "pidfd_open");
	r = sd_event_add_io(loop, &session->on_report, session->report, EPOLLIN,
			    report_readable, session);
	if (r >= 0)
		r = sd_event_add_io(loop, &session->on_output, session->output, EPOLLIN,
				    output_readable, session);
	if (r >= 0)
		r = sd_event_add_io(loop, &session->on_exit, session->pidfd, EPOLLIN,
				    gdb_exited, session);
	if (r >= 0)
		r = sd_event_add_time_relative(
			loop, &session->on_deadline, CLOCK_MONOTONIC,
			ARMED_SECONDS * UINT64_C(1000000), 0, deadline_passed, session);
	return r < 0 ? error_errno(-r, "event loop") : NULL;
}

struct error *debug_start(struct debug_session **result, sd_event *loop,
			  const struct debug_options *options,
			  const struct debug_handlers *handlers, void *userdata)
{
	_cleanup_debug_ struct debug_session *session =
		session_new(options, handlers, userdata);

	try(error_object(debug_lock(options->gdb_socket, &session->lock),
			 options->guest));
	try(error_object(spawn(session, options), options->guest));
	try(error_object(watch(session, loop), options->guest));
	*result = steal_ptr(session);
	return NULL;
}
