/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ownership, made visible: what a scope owns carries a _cleanup_ attribute, and where it
 * hands something over it says steal_*().
 */
#ifndef NETLAB_UTIL_CLEANUP_H
#define NETLAB_UTIL_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* DEFINE_CLEANUP(struct foo *, foo_free) gives foo_freep(), for _cleanup_(foo_freep). */
#define DEFINE_CLEANUP(type, func)          \
	static inline void func##p(type *p) \
	{                                   \
		if (*p)                     \
			func(*p);           \
	}                                   \
	struct eat_semicolon_

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose);
DEFINE_CLEANUP(DIR *, closedir);

#define _cleanup_free_     _cleanup_(freep)
#define _cleanup_close_    _cleanup_(closep)
#define _cleanup_fclose_   _cleanup_(fclosep)
#define _cleanup_closedir_ _cleanup_(closedirp)

/* Hands the pointer over: its old owner is left with NULL. */
#define steal_ptr(p)                     \
	({                               \
		typeof(p) stolen_ = (p); \
		(p) = NULL;              \
		stolen_;                 \
	})

/* Hands the descriptor over: its old owner is left with -1. */
#define steal_fd(fd)                \
	({                          \
		int stolen_ = (fd); \
		(fd) = -1;          \
		stolen_;            \
	})

/* Closes an owned descriptor and forgets it; -1 is fine. */
static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
