/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel modules of the user's own: built against a kernel, out of their tree, into the cache. */
#ifndef NETLAB_IMAGE_MODULE_H
#define NETLAB_IMAGE_MODULE_H

#include "image/kernel.h"

/* Modules that were built from one folder; each string is owned. */
struct module_build {
	char *directory; /* of the cache, absolute; holds the files */
	char **files;    /* names in it: "oops.ko"; sorted */
};

void module_build_deinit(struct module_build *build);

/**
 * module_build() - the modules of the folder @source, which has a Kbuild file, for @kernel
 *
 * It is copied, and the copy is built; a folder $XDG_CACHE_HOME/netlab/modules/NAME-KEY/ has
 * the modules, KEY being over the folder's files and the kernel. The debug information names
 * the files in @source. What is there already is only looked up.
 * Return: an error for a kernel that modules can't be built against, a folder without a Kbuild
 * or Makefile or with too much in it, and the compiler's errors.
 */
must_use struct error *module_build(const struct kernel *kernel, const char *source,
				    progress_fn progress, void *userdata,
				    struct module_build *build);

#endif
