/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where this machine's own apt gets its packages from. */
#ifndef NETLAB_IMAGE_APTSOURCES_H
#define NETLAB_IMAGE_APTSOURCES_H

#include "util/error.h"

/**
 * aptsources_find() - the sources of a suite, in the one-line format of sources.list(5)
 *
 * They are what apt is set up for: of the suite, of its updates and of its security updates.
 * A suite that apt isn't set up for is looked for where the first that it is set up for lies.
 * @lines: a new vector
 * Return: an error where apt has no sources at all.
 */
must_use struct error *aptsources_find(const char *suite, char ***lines);

/** aptsources_choose() - as aptsources_find(), out of "URI SUITE COMPONENT" lines. Pure; NULL
 * where there is none. */
char **aptsources_choose(const char *suite, const char *targets);

#endif
