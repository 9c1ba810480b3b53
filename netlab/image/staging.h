/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a tar archive of a whole system to a file system on an image, without mounting. */
#ifndef NETLAB_IMAGE_STAGING_H
#define NETLAB_IMAGE_STAGING_H

#include "image/interrupt.h"
#include "util/error.h"

/**
 * staging_unpack() - unpack the archive into a folder; what is in /dev is left out
 * @owners: commands for debugfs(8) that give the files on an image of the folder their owners;
 *          NULL where they have them already, as whoever runs this is root. A new string.
 * Return: an error where the archive can't be read, the disk is full, or a signal came.
 */
must_use struct error *staging_unpack(const char *tarball, const char *folder,
				      struct interrupt *interrupt, char **owners);

#endif
