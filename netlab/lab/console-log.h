/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that a guest's console leaves: PATH, the bytes as they came, and PATH.log, a line
 * for each line:
 *
 *	2026-11-21T14:33:01.123456Z 1.234567 LEVEL TEXT
 *
 * the time at which it began, by the host's clock (UTC) and in seconds since the boot began,
 * and the kernel's level of it; "-" for what other programs said, "qemu" for QEMU itself. Those
 * of earlier boots are PATH.1 and PATH.1.log, the boot before that PATH.2, and so on.
 */
#ifndef NETLAB_LAB_CONSOLE_LOG_H
#define NETLAB_LAB_CONSOLE_LOG_H

#include <stdint.h>
#include <time.h>

#include "util/error.h"

/* Bytes after which a file ends: a guest that never stops to talk fills no disk. */
#define CONSOLE_LOG_LIMIT (64ull << 20)
#define CONSOLE_LOGS_KEPT 3 /* of earlier boots */

struct console_log {
	struct log_file {
		int fd;           /* -1: it has ended */
		uint64_t written; /* bytes */
	} raw, lines;
	struct timespec began; /* CLOCK_MONOTONIC */
};

#define CONSOLE_LOG_NONE                     \
	{                                    \
		.raw.fd = -1, .lines.fd = -1 \
	}

/* A moment, by both clocks. */
struct log_time {
	struct timespec real;
	struct timespec monotonic;
};

/**
 * console_log_open() - begin the files of a boot
 * @path: of the raw one. What earlier boots left is renamed; a boot that said nothing is not
 * kept.
 */
must_use struct error *console_log_open(struct console_log *log, const char *path);

/** console_log_raw() - @n bytes more. A full disk ends the file, and is said once. */
void console_log_raw(struct console_log *log, const void *data, size_t n);

/** console_log_line() - one more line; @level: a word. */
void console_log_line(struct console_log *log, const struct log_time *time,
		      const char *level, const char *line);

void log_time_now(struct log_time *time);
void console_log_close(struct console_log *log);

#endif
