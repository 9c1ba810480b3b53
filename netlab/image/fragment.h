/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flavours of kernels: fragments of options, guest/kernel/FLAVOUR.config. A line
 * "# with: OTHER…" in one says that it builds on other flavours.
 */
#ifndef NETLAB_IMAGE_FRAGMENT_H
#define NETLAB_IMAGE_FRAGMENT_H

#include "util/error.h"

/**
 * fragment_read() - what options a flavour asks for
 * @text: a new string: the fragments of the flavours that it builds on, then its own. What a
 *        later line says of an option counts.
 * Return: an error for a flavour that netlab doesn't have, naming those it has.
 */
must_use struct error *fragment_read(const char *flavour, char **text);

/** fragment_with() - the names in the "# with:" lines of @text; a new vector, NULL: none. */
char **fragment_with(const char *text);

#endif
