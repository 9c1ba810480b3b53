/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The levels of kernel messages on a console. With console_msg_format=syslog a kernel (4.16 and
 * later) puts "<N>" before the "[" of each line's time: N is facility * 8 + level. It is taken
 * out again, so that what people see is what it is without. Pure.
 *
 * The console and not /dev/kmsg, as it tells of a panic, of a halted guest and of the time
 * before the agent, too; what is below the kernel's console loglevel isn't there.
 */
#ifndef NETLAB_LAB_LEVELS_H
#define NETLAB_LAB_LEVELS_H

#include <stdbool.h>
#include <stddef.h>

#define LEVELS_OUT_MAX 8 /* bytes that one byte may let go */

/* Zero-initialised it is at the beginning of a line. */
struct levels {
	char held[LEVELS_OUT_MAX]; /* what may become "<N>[" */
	size_t n_held;
	bool inside; /* a line has begun */
};

/* Levels of syslog(3); LEVEL_NONE: not the kernel's. */
enum level {
	LEVEL_EMERG,
	LEVEL_ALERT,
	LEVEL_CRIT,
	LEVEL_ERR,
	LEVEL_WARNING,
	LEVEL_NOTICE,
	LEVEL_INFO,
	LEVEL_DEBUG,
	LEVEL_NONE,
};

/** level_name() - "emerg" to "debug"; "-" for LEVEL_NONE. */
const char *level_name(enum level level);

/** level_parse() - a name of level_name(), or "0" to "7"; false where it is none. */
bool level_parse(const char *text, enum level *level);

/**
 * levels_take() - one more byte of the console
 * @out: what is known to be the console's text now: LEVELS_OUT_MAX bytes at most
 * @level: that of the kernel message which begins with @out; LEVEL_NONE: none begins here
 * Return: bytes in @out.
 */
size_t levels_take(struct levels *levels, char c, char out[LEVELS_OUT_MAX],
		   enum level *level);

/** levels_flush() - what is held, given up to be text; as levels_take(). */
size_t levels_flush(struct levels *levels, char out[LEVELS_OUT_MAX]);

/**
 * levels_flush_typed() - as levels_flush(), but keeps what is at the beginning of a line, where
 * no one types: someone who sees the console wants to see a "<" of theirs at once
 */
size_t levels_flush_typed(struct levels *levels, char out[LEVELS_OUT_MAX]);

#endif
