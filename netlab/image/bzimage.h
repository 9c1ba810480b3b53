/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in a bzImage: Documentation/x86/boot.rst, boot protocol 2.08 and later. */
#ifndef NETLAB_IMAGE_BZIMAGE_H
#define NETLAB_IMAGE_BZIMAGE_H

#include "util/error.h"

/**
 * bzimage_build_id() - the GNU build ID of the kernel that is packed in it
 * @build_id: hexadecimal, a new string; NULL where it can't be told: no build ID, or packed in
 *            a way that libarchive doesn't know
 * Return: an error for a file that is no bzImage. Every file is hostile until read.
 */
must_use struct error *bzimage_build_id(const char *path, char **build_id);

#endif
