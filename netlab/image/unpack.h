/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Archives that are hostile until they are unpacked (libarchive): no way out of the folder. */
#ifndef NETLAB_IMAGE_UNPACK_H
#define NETLAB_IMAGE_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

struct archive_entry;

/* Everything is borrowed. */
struct unpack {
	const char *tarball; /* of any compression */
	int flags;           /* ARCHIVE_EXTRACT_*, beside that files keep their times */
	/*
	 * Before an entry is made: its place and mode may be changed. @read: bytes of the
	 * tarball so far. @wanted: true; false leaves it out. An error ends it all.
	 */
	struct error *(*entry)(struct archive_entry *entry, uint64_t read, bool *wanted,
			       void *userdata);
	void *userdata;
};

/**
 * unpack_into() - unpack into a folder, which is made where it isn't there
 *
 * The working directory is another one meanwhile: only below it libarchive is safe against links
 * and absolute names, and it would take exception to a link in the way to the folder, too.
 * Return: an error where the archive can't be read or the disk is full; what was unpacked stays.
 */
must_use struct error *unpack_into(const struct unpack *unpack, const char *folder);

#endif
