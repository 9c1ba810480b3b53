/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running make on a kernel tree, so that nothing of it survives us. */
#ifndef NETLAB_IMAGE_MAKE_H
#define NETLAB_IMAGE_MAKE_H

#include "image/kernel.h"

/* Everything is borrowed. */
struct make {
	const char *source;    /* the kernel tree; absolute */
	const char *build;     /* a folder of netlab's for this build; absolute, exists */
	const char *output;    /* where make's output goes; NULL: into the tree itself */
	const char *allconfig; /* fragment that allnoconfig starts from */
	const char *flags;     /* optimize_flags()'s; NULL: none */
	const char *log;       /* file that gets all that make says, appended */
	int lock; /* descriptor of the build's lock: whatever make starts holds it,
				  so that the lock is free only once the last compiler is gone */
	unsigned jobs;
	char ***files;     /* gets the first files that were compiled; NULL: not wanted */
	const char *what;  /* what progress calls it */
	unsigned estimate; /* files that will be compiled; 0: unknown, or none */
	progress_fn progress;
	void *userdata;
};

/**
 * make_run() - make @targets, by logged_run()
 * @compiled: how many files were compiled; may be NULL
 * Return: EINTR after SIGINT, SIGTERM or SIGHUP, ENOSPC where the disk filled up; otherwise
 * the message has the compiler's errors.
 */
must_use struct error *make_run(const struct make *make, char *const *targets,
				unsigned *compiled);

/**
 * make_was_cut_off() - did a make in @build end without a chance to clean up (SIGKILL, power)?
 * What it was writing then looks finished to the next one.
 */
bool make_was_cut_off(const char *build);

/**
 * make_check_programs() - are all the programs there that a kernel's build runs?
 * Return: an error naming the missing ones, with their Debian packages as the hint.
 */
must_use struct error *make_check_programs(void);

/** compiler_version() - the first line of what gcc says of itself; a new string. */
must_use struct error *compiler_version(char **version);

#endif
