/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a kernel's build has to stay so that modules can be built and loaded later. */
#ifndef NETLAB_IMAGE_BUILDTREE_H
#define NETLAB_IMAGE_BUILDTREE_H

#include <stdbool.h>

#include "util/error.h"

/** buildtree_has_modules() - is CONFIG_MODULES=y in the text of a .config? */
bool buildtree_has_modules(const char *config);

/**
 * buildtree_copy() - copy from @build, make's output, to @to what `make M=…` reads there:
 * configuration, generated headers, kbuild's programs, Module.symvers. (scripts/package/builddeb
 * of Linux 6.1 lists the same for Debian's linux-headers.)
 */
must_use struct error *buildtree_copy(const char *build, const char *to);

/**
 * buildtree_index() - write modules.dep and modules.alias beside installed modules
 * @root: holds lib/modules/@version
 *
 * With busybox's depmod, as busybox's modprobe reads them. What `make modules_install` linked
 * there, the paths of source and build, is taken away: they lead nowhere in a guest.
 */
must_use struct error *buildtree_index(const char *root, const char *version);

#endif
