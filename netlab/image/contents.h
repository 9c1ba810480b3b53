/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an archive is to hold, in memory, and the cpio archive made of it. */
#ifndef NETLAB_IMAGE_CONTENTS_H
#define NETLAB_IMAGE_CONTENTS_H

#include <stddef.h>
#include <sys/types.h>

#include "image/key.h"
#include "util/error.h"

/* A file, folder, symbolic link or character device, owned by root. */
struct content {
	char *path;  /* without a slash before it */
	mode_t mode; /* with its type */
	dev_t device;
	char *data; /* of a file; where a link leads, with a NUL */
	size_t size;
};

/* Zero-initialised it is empty and valid. Folders stand before what is in them. */
struct contents {
	struct content *contents;
	size_t n;
};

void contents_deinit(struct contents *contents);
#define _cleanup_contents_ _cleanup_(contents_deinit)

void contents_add_folder(struct contents *contents, const char *path, mode_t permissions);
void contents_add_text(struct contents *contents, const char *path, const char *text);
void contents_add_link(struct contents *contents, const char *path, const char *target);
void contents_add_device(struct contents *contents, const char *path, mode_t permissions,
			 unsigned major, unsigned minor);

/** contents_add_file() - the file @file as @path. */
must_use struct error *contents_add_file(struct contents *contents, const char *path,
					 const char *file, mode_t permissions);

/** contents_add_program() - the executable @file as @path. */
must_use struct error *contents_add_program(struct contents *contents, const char *path,
					    const char *file);

/** contents_key() - a key over everything that is in them. */
char *contents_key(const struct contents *contents, char text[KEY_SIZE]);

/**
 * contents_write() - write them to @fd as a cpio archive, "newc", uncompressed
 *
 * The same contents give the same bytes: times are 0, inode numbers count up.
 */
must_use struct error *contents_write(const struct contents *contents, int fd);

#endif
