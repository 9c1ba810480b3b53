/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel's source out of a distribution's tarball (libarchive). */
#ifndef NETLAB_IMAGE_SOURCE_H
#define NETLAB_IMAGE_SOURCE_H

#include "image/kernel.h"

#define DEBIAN_SOURCE_VERSION "6.1" /* where none is asked for */

#define SOURCE_SPACE (1600ull << 20) /* bytes on the disk, unpacked */

/**
 * source_tarball() - the path of Debian's linux-source-@version, a new string
 * @version: "6.12"; NULL: DEBIAN_SOURCE_VERSION
 * Return: an error for what is no version. The file may not be there.
 */
must_use struct error *source_tarball(const char *version, char **tarball);

/** source_directory() - where @tarball is unpacked, or will be: a new path in the cache.
 * ENOENT, naming the package, where there is no such tarball. */
must_use struct error *source_directory(const char *tarball, char **directory);

/**
 * source_unpack() - unpack @tarball, less the folder that it is all in, as @directory
 *
 * It appears by rename, whole or not at all; what is there already is left alone. It stays:
 * the kernel's debug information names its files. EINTR after SIGINT, SIGTERM or SIGHUP.
 */
must_use struct error *source_unpack(const char *tarball, const char *directory,
				     progress_fn progress, void *userdata);

#endif
