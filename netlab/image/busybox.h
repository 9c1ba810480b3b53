/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The distribution's static busybox. */
#ifndef NETLAB_IMAGE_BUSYBOX_H
#define NETLAB_IMAGE_BUSYBOX_H

#include <stddef.h>

#include "util/error.h"

/** busybox_find() - the path of a static busybox, a new string; the error names the package
 * that brings it. */
must_use struct error *busybox_find(char **path);

/**
 * busybox_applets() - the names that it answers to, read from its bytes without running it
 *
 * Links made when the image is written cost a guest far less than `busybox --install` at each
 * boot. busybox keeps its names (include/applet_tables.c) as one run of sorted, NUL-terminated
 * strings, which begins with "[" and "[[".
 * Return: a new vector; NULL where no such run was found.
 */
char **busybox_applets(const char *program, size_t size);

#endif
