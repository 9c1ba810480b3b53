/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An initramfs of the user's own. */
#ifndef NETLAB_IMAGE_GIVEN_H
#define NETLAB_IMAGE_GIVEN_H

#include <stddef.h>

#include "util/error.h"

/**
 * given_read() - the cpio archive in the file @path, uncompressed
 *
 * gzip, bzip2, xz, lzma, lz4 and zstd are undone here, so that the guest's kernel need not know
 * them. Behind it another archive may stand (Documentation/driver-api/early-userspace/
 * buffer-format.rst of Linux): zeros fill it up to where that may begin.
 * @data: a new buffer of @size bytes, which the caller frees
 * Return: an error for what is no archive in the format newc, the kernel's only one.
 */
must_use struct error *given_read(const char *path, char **data, size_t *size);

#endif
