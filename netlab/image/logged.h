/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that take their time: what they say goes into a log, line by line, and Ctrl-C ends them. */
#ifndef NETLAB_IMAGE_LOGGED_H
#define NETLAB_IMAGE_LOGGED_H

#include "image/interrupt.h"

/* Everything is borrowed. */
struct logged {
	char *const *argv;
	char *const *environment; /* as process_spawn() takes it */
	const char *log;          /* path of the file that its output is added to */
	const int *
		held; /* a descriptor that it, and all that it starts, keep; NULL: none */
	int death_signal; /* as process_spawn() takes it */
	int grace_ms;     /* what it gets to clean up in before SIGKILL */
	void (*line)(const char *line,
		     void *userdata); /* one of its output; not printable */
	void *userdata;
	struct interrupt *interrupt; /* begun */
};

/**
 * logged_run() - run it to its end
 *
 * Its standard output and error are one. A signal ends it and all that it started: with SIGTERM,
 * so that it can clean up, and SIGKILL where that takes too long. Of its process group nothing is
 * left behind.
 * @status: of waitpid(); left alone where it did not come to that
 * Return: EINTR after a signal; an error where it can't be started, or the log not be written.
 */
must_use struct error *logged_run(const struct logged *logged, int *status);

#endif
