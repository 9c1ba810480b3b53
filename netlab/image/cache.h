/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cache as a whole: what it has, what of it is in use, and how it is cleared.
 *
 * An entry is a file or folder $XDG_CACHE_HOME/netlab/KIND/NAME. Whoever uses it holds a shared
 * flock(2) on it, which ends with its holder, be it killed; and the time of the last use is the
 * mtime of a folder and the atime of a file, whose mtime says when it was written. What is being
 * made is in use as well: by the locks that builds hold (NAME.lock beside an entry).
 */
#ifndef NETLAB_IMAGE_CACHE_H
#define NETLAB_IMAGE_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "image/kernel.h"
#include "image/overlay.h"

enum cache_kind {
	CACHE_KERNELS,
	CACHE_IMAGES,
	CACHE_MODULES, /* of people's own, built for a kernel */
	CACHE_SOURCES, /* unpacked */
	CACHE_BUILDS,  /* the objects of trees that are built out of tree */
	CACHE_LOGS,    /* of the builds */
	CACHE_KINDS,
};

const char *cache_kind_name(enum cache_kind kind); /* its folder: "kernels" */

struct cache_entry {
	char *path;    /* absolute */
	uint64_t size; /* bytes on the disk, of all that is in it */
	time_t used;
	bool in_use;
};

/** cache_list() - the entries of one kind, by name; none where there is no cache yet. */
must_use struct error *cache_list(enum cache_kind kind, struct cache_entry **entries,
				  size_t *n);
void cache_entries_free(struct cache_entry *entries, size_t n);

/**
 * cache_remove() - what is left of it where that fails is no entry for anyone else
 * Return: EBUSY where it is in use.
 */
must_use struct error *cache_remove(enum cache_kind kind, const char *path);

/* What is held, until cache_holds_deinit(). Zero-initialised it is empty. */
struct cache_holds {
	int *fds;
	size_t n;
};

/**
 * cache_hold() - use the entry that @path is, or lies in, and mark the time
 *
 * What doesn't lie in the cache is nobody's to clear.
 * Return: ENOENT where it was cleared just now.
 */
must_use struct error *cache_hold(struct cache_holds *holds, const char *path);

/** cache_hold_guest() - all that a guest with this kernel and image is made of. */
must_use struct error *cache_hold_guest(struct cache_holds *holds,
					const struct kernel *kernel,
					const struct guest_image *image);

void cache_holds_deinit(struct cache_holds *holds);
#define _cleanup_holds_ _cleanup_(cache_holds_deinit)

#endif
