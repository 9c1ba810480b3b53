/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel's configuration against the fragment that it was made from. Pure. */
#ifndef NETLAB_IMAGE_KCONFIG_H
#define NETLAB_IMAGE_KCONFIG_H

#include <stdbool.h>

#include "util/error.h"

/**
 * kconfig_check() - did every option of @fragment take?
 * @fragment: lines "CONFIG_X=value" and "# CONFIG_X is not set"; other comments don't count;
 *            of two lines on the same option, the later one counts
 * @config: the text of the .config that the kernel's build system made
 * Return: an error naming every option that did not take, with what it became.
 */
must_use struct error *kconfig_check(const char *fragment, const char *config);

/** kconfig_refused() - the options that did not, as "CONFIG_X=m (it is n)"; a new vector, NULL:
 * none. */
char **kconfig_refused(const char *fragment, const char *config);

/** kconfig_is_on() - has the option a value other than n in @config? */
bool kconfig_is_on(const char *config, const char *name);

/** kconfig_diff() - "CONFIG_X n -> y" for each option on which the two differ, sorted; a new
 * vector, NULL: none. */
char **kconfig_diff(const char *from, const char *to);

#endif
