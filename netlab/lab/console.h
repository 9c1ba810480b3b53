/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's serial console: everything it says goes into a log file, to whoever is attached,
 * and, its end, into memory for error messages. Hostile input.
 */
#ifndef NETLAB_LAB_CONSOLE_H
#define NETLAB_LAB_CONSOLE_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "lab/levels.h"
#include "util/error.h"

struct console;

/* A whole line that the guest or QEMU wrote. */
struct console_line {
	const char *text;  /* printable, without newline; borrowed */
	uint64_t began_ns; /* when: since 1970-01-01 UTC */
	enum level level;  /* LEVEL_NONE: not the kernel's */
};

typedef void (*console_line_fn)(struct console *console, const struct console_line *line,
				void *userdata);

/**
 * console_new() - read from @fd, the near end of QEMU's serial socket
 * @fd: owned from here on, on error too; becomes non-blocking
 * @log: path of its log, see lab/console-log.h
 */
must_use struct error *console_new(struct console **console, sd_event *event, int fd,
				   const char *log, console_line_fn line, void *userdata);

/**
 * console_add_errors() - show what QEMU itself has to say between the guest's lines
 * @fd: the reading end of its standard error; owned from here on, on error too
 */
must_use struct error *console_add_errors(struct console *console, int fd);

/**
 * console_attach() - a new client: what the guest says goes to @fd, what comes from it to the
 * guest's keyboard
 * @fd: owned from here on, on error too. A client that doesn't read loses output, not others.
 */
must_use struct error *console_attach(struct console *console, int fd);

/** console_tail() - the last @lines lines, joined by newlines; the caller frees it. */
char *console_tail(const struct console *console, unsigned lines);

/** console_is_silent() - has nothing come from the guest yet? */
bool console_is_silent(const struct console *console);

/** console_drain() - read what is there now, without waiting. */
void console_drain(struct console *console);

void console_free(struct console *console);
DEFINE_CLEANUP(struct console *, console_free);
#define _cleanup_console_ _cleanup_(console_freep)

#endif
