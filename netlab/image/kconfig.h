/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel's configuration against the fragment that it was made from. Pure. */
#ifndef NETLAB_IMAGE_KCONFIG_H
#define NETLAB_IMAGE_KCONFIG_H

#include "util/error.h"

/**
 * kconfig_check() - did every option of @fragment take?
 * @fragment: lines "CONFIG_X=value" and "# CONFIG_X is not set"; other comments don't count;
 *            of two lines on the same option, the later one counts
 * @config: the text of the .config that the kernel's build system made
 * Return: an error naming every option that did not take, with what it became.
 */
must_use struct error *kconfig_check(const char *fragment, const char *config);

#endif
