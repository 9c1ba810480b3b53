// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/console-log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "util/file.h"
#include "util/log.h"
#include "util/string.h"

static char *name_of(const char *path, unsigned boot, const char *suffix)
{
	return boot ? xasprintf("%s.%u%s", path, boot, suffix)
		    : xasprintf("%s%s", path, suffix);
}

static void rotate(const char *path, const char *suffix)
{
	for (unsigned boot = CONSOLE_LOGS_KEPT; boot > 0; boot--) {
		_cleanup_free_ char *to = name_of(path, boot, suffix);
		_cleanup_free_ char *from = name_of(path, boot - 1, suffix);

		if (rename(from, to) < 0 && errno != ENOENT)
			log_warning("%s: %s", from, strerror(errno));
	}
}

static bool has_content(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static struct error *begin(struct log_file *file, const char *path)
{
	file->written = 0;
	file->fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	return file->fd < 0 ? error_errno(errno, "%s", path) : NULL;
}

struct error *console_log_open(struct console_log *log, const char *path)
{
	_cleanup_free_ char *lines = name_of(path, 0, ".log");

	if (has_content(path) || has_content(lines)) {
		rotate(path, "");
		rotate(path, ".log");
	}
	clock_gettime(CLOCK_MONOTONIC, &log->began);
	try(begin(&log->raw, path));
	return begin(&log->lines, lines);
}

/* The log is for people; a full disk must not end the lab, but is said once. */
static void end_log(struct log_file *file, const char *why)
{
	log_warning("console log: %s; it ends here", why);
	close_fd(&file->fd);
}

static void append(struct log_file *file, const void *data, size_t n)
{
	_cleanup_error_ struct error *error = NULL;

	if (file->fd < 0)
		return;
	error = write_all(file->fd, data, n);
	file->written += n;
	if (error)
		end_log(file, error->message);
	else if (file->written >= CONSOLE_LOG_LIMIT)
		end_log(file, "the guest filled it");
}

void console_log_raw(struct console_log *log, const void *data, size_t n)
{
	append(&log->raw, data, n);
}

void log_time_now(struct log_time *time)
{
	clock_gettime(CLOCK_REALTIME, &time->real);
	clock_gettime(CLOCK_MONOTONIC, &time->monotonic);
}

static double seconds_between(const struct timespec *from, const struct timespec *to)
{
	return (to->tv_sec - from->tv_sec) + (to->tv_nsec - from->tv_nsec) / 1e9;
}

void console_log_line(struct console_log *log, const struct log_time *time,
		      const char *level, const char *line)
{
	_cleanup_free_ char *text = NULL;
	char date[32];
	struct tm utc;

	gmtime_r(&time->real.tv_sec, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	text = xasprintf("%s.%06ldZ %.6f %s %s\n", date, time->real.tv_nsec / 1000,
			 seconds_between(&log->began, &time->monotonic), level, line);
	append(&log->lines, text, strlen(text));
}

void console_log_close(struct console_log *log)
{
	close_fd(&log->raw.fd);
	close_fd(&log->lines.fd);
}
