/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that tell of their progress, and what they end with. */
#ifndef NETLAB_IMAGE_TOOL_H
#define NETLAB_IMAGE_TOOL_H

#include "image/interrupt.h"
#include "image/kernel.h"

/* Everything is borrowed. */
struct tool {
	char *const *argv;
	const char *log; /* path of the file that its output is added to */
	const char
		*progress_mark; /* what a line begins with that is progress; NULL: none */
	progress_fn progress;   /* may be NULL */
	const char *advice;     /* where it fails; NULL: none */
	void *userdata;
	struct interrupt *interrupt; /* begun */
};

/**
 * tool_run() - run it to its end
 *
 * As logged_run(). It is looked up as find_program() does, and gets 20 s to clean up in.
 * Return: an error with the last lines that it said where it fails; EINTR after a signal.
 */
must_use struct error *tool_run(const struct tool *tool);

/** tool_output() - what a quick program says on its standard output, at most 1 MiB; a new string.
 * An error where it fails. */
must_use struct error *tool_output(char *const *argv, char **text);

#endif
