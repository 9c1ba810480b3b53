/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a tar archive of a whole system to a file system on an image, without mounting. */
#ifndef NETLAB_IMAGE_STAGING_H
#define NETLAB_IMAGE_STAGING_H

#include "image/interrupt.h"
#include "util/error.h"

/**
 * staging_unpack() - unpack the archive into a folder; what is in /dev is left out
 * @commands: for debugfs(8), to give the files on an image of the folder what they can't have in
 *            it: their extended attributes, and, where it isn't root who runs this, their owners.
 *            They name files that are made beside the archive, as ARCHIVE.attributeN. A new
 *            string; none is "".
 * Return: an error where the archive can't be read, the disk is full, or a signal came.
 */
must_use struct error *staging_unpack(const char *tarball, const char *folder,
				      struct interrupt *interrupt, char **commands);

#endif
