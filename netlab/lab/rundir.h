/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lab's runtime folder: "/run/netlab/LAB" for root, else below $XDG_RUNTIME_DIR. Whoever
 * holds the lock in it owns the name; the lock dies with its holder, and the next netlab that
 * comes by clears what was left.
 */
#ifndef NETLAB_LAB_RUNDIR_H
#define NETLAB_LAB_RUNDIR_H

#include "util/error.h"

struct rundir {
	char *path; /* the folder; absolute */
	int lock;   /* the lock's descriptor; -1 where not held */
};

#define RUNDIR_INVALID     \
	{                  \
		.lock = -1 \
	}

/**
 * rundir_create() - take the name @lab
 * Return: EEXIST when a lab of that name is up. @rundir begins as RUNDIR_INVALID and is
 * released with rundir_remove().
 */
must_use struct error *rundir_create(const char *lab, struct rundir *rundir);

/** rundir_remove() - delete the folder and give the name back; fine on RUNDIR_INVALID. */
void rundir_remove(struct rundir *rundir);

/** rundir_file() - the path of a file in the folder of @lab; the caller frees it. */
char *rundir_file(const char *lab, const char *name);

/**
 * rundir_list() - the labs that are up, sorted by name; the caller frees the vector
 *
 * Folders whose owner died are removed on the way.
 */
must_use struct error *rundir_list(char ***labs);

#endif
