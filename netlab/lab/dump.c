// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/string.h"

#define PROGRESS_US 200000

/*
 * DUMP_NONE: dump_start() moves it to BEGINNING.
 * DUMP_BEGINNING: QEMU was asked. Its answer moves it to WRITING, its refusal to NONE.
 * DUMP_WRITING: QEMU is asked from time to time how far it is. When DUMP_COMPLETED came, and behind
 *	it RESUME where QEMU has stopped the guest for this, it is NONE again.
 * The end of QMP's connection moves it to NONE from anywhere.
 */
enum dump_state {
	DUMP_NONE,
	DUMP_BEGINNING,
	DUMP_WRITING,
};

struct dump {
	enum dump_state state;
	sd_event *event;
	sd_event_source *timer;
	bool asked;            /* whether QEMU has stopped the guest: not yet answered */
	bool stands;           /* it has, and will let it go on */
	bool written;          /* DUMP_COMPLETED came … */
	struct error *outcome; /* … with this */
	struct qmp *qmp;       /* while it isn't NONE */
	const struct dump_handlers *handlers; /* NULL: no one wants it any more */
	void *userdata;
	char *path;
	char *temporary; /* what QEMU writes, beside @path; NULL: there is none */
};

struct dump *dump_new(sd_event *event)
{
	struct dump *dump = xcalloc(1, sizeof(*dump));

	dump->event = sd_event_ref(event);
	return dump;
}

/* QEMU opens the file by its name, and makes it again where it was removed too soon. */
static void remove_temporary(struct dump *dump)
{
	if (dump->temporary)
		unlink(dump->temporary);
	free(steal_ptr(dump->temporary));
}

static struct error *make_temporary(struct dump *dump, const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return error_new(EEXIST, "%s: it is there, and no regular file", path);
	dump->temporary = xasprintf("%s.XXXXXX", path);
	fd = mkostemp(dump->temporary, O_CLOEXEC);
	if (fd < 0) {
		free(steal_ptr(dump->temporary));
		return error_errno(errno, "%s", path);
	}
	close(fd);
	free(dump->path);
	dump->path = xstrdup(path);
	return NULL;
}

static struct error *keep(struct dump *dump)
{
	if (rename(dump->temporary, dump->path) < 0)
		return error_errno(errno, "%s", dump->path);
	free(steal_ptr(dump->temporary));
	return NULL;
}

static void finish(struct dump *dump, struct error *error)
{
	const struct dump_handlers *handlers = steal_ptr(dump->handlers);

	if (handlers && !error)
		error = keep(dump);
	remove_temporary(dump);
	dump->timer = sd_event_source_disable_unref(dump->timer);
	dump->state = DUMP_NONE;
	dump->qmp = NULL;
	error_free(steal_ptr(dump->outcome));
	if (handlers)
		handlers->done(error, dump->userdata);
	else
		error_free(error);
}

static void on_query(struct qmp *qmp, const json_t *result, struct error *error,
		     void *userdata)
{
	struct dump *dump = userdata;

	(void)qmp;
	if (dump->state == DUMP_WRITING && error)
		return finish(dump, error);
	error_free(error);
	if (dump->state != DUMP_WRITING || !result)
		return;
	if (dump->handlers)
		dump->handlers->progress(
			json_integer_value(json_object_get(result, "completed")),
			json_integer_value(json_object_get(result, "total")),
			dump->userdata);
	sd_event_source_set_time_relative(dump->timer, PROGRESS_US);
	sd_event_source_set_enabled(dump->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct dump *dump = userdata;

	(void)source, (void)usec;
	qmp_execute(dump->qmp, "query-dump", NULL, on_query, dump);
	return 0;
}

/* QEMU lets the guest go on only when it has said that all is written. */
static void settle(struct dump *dump)
{
	if (dump->state == DUMP_WRITING && dump->written && !dump->asked && !dump->stands)
		finish(dump, steal_ptr(dump->outcome));
}

static void on_status(struct qmp *qmp, const json_t *result, struct error *error,
		      void *userdata)
{
	const char *status = json_string_value(json_object_get(result, "status"));
	struct dump *dump = userdata;

	(void)qmp;
	error_free(error);
	dump->asked = false;
	dump->stands = status && streq(status, "save-vm");
	settle(dump);
}

static void on_begun(struct qmp *qmp, const json_t *result, struct error *error,
		     void *userdata)
{
	struct dump *dump = userdata;

	(void)result;
	if (dump->state != DUMP_BEGINNING) {
		error_free(error);
		return;
	}
	if (error)
		return finish(dump, error);
	dump->state = DUMP_WRITING;
	dump->asked = true;
	qmp_execute(qmp, "query-status", NULL, on_status, dump);
	if (dump->state == DUMP_WRITING &&
	    sd_event_add_time_relative(dump->event, &dump->timer, CLOCK_MONOTONIC,
				       PROGRESS_US, 0, on_timer, dump) < 0)
		dump->timer = NULL; /* then without progress */
}

struct error *dump_start(struct dump *dump, struct qmp *qmp, const char *path,
			 const struct dump_handlers *handlers, void *userdata)
{
	_cleanup_free_ char *file = NULL;
	json_t *arguments;

	if (dump->state != DUMP_NONE)
		return error_new(EBUSY, "another dump of it is being written");
	try(make_temporary(dump, path));
	file = xasprintf("file:%s", dump->temporary);
	arguments = json_pack("{s:b, s:b, s:s}", "paging", true, "detach", true,
			      "protocol", file);
	if (!arguments) {
		remove_temporary(dump);
		return error_new(EILSEQ, "the file's path is not UTF-8");
	}
	dump->state = DUMP_BEGINNING;
	dump->asked = dump->stands = dump->written = false;
	dump->qmp = qmp;
	dump->handlers = handlers;
	dump->userdata = userdata;
	qmp_execute(qmp, "dump-guest-memory", arguments, on_begun, dump);
	return NULL;
}

bool dump_is_active(const struct dump *dump)
{
	return dump->state != DUMP_NONE;
}

void dump_completed(struct dump *dump, const json_t *data)
{
	const char *error = json_string_value(json_object_get(data, "error"));
	_cleanup_free_ char *words = error ? printable(error, strlen(error)) : NULL;

	if (dump->state == DUMP_NONE || dump->written)
		return;
	dump->written = true;
	dump->outcome = words ? error_new(EIO, "QEMU: %s", words) : NULL;
	settle(dump);
}

void dump_resumed(struct dump *dump)
{
	dump->stands = false;
	settle(dump);
}

void dump_lost(struct dump *dump)
{
	if (dump->state != DUMP_NONE)
		finish(dump, error_new(ENOTCONN, "QEMU has ended"));
}

void dump_cancel(struct dump *dump)
{
	if (!dump->handlers)
		return;
	dump->handlers = NULL;
	unlink(dump->temporary);
}

void dump_free(struct dump *dump)
{
	if (!dump)
		return;
	sd_event_source_disable_unref(dump->timer);
	sd_event_unref(dump->event);
	free(dump->path);
	free(dump->temporary);
	free(dump);
}
