/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernels in the cache: their folders and the notes in them. */
#ifndef NETLAB_IMAGE_KERNELCACHE_H
#define NETLAB_IMAGE_KERNELCACHE_H

#include <jansson.h>

#include "image/kernel.h"

/** kernelcache_load() - the kernel in the folder @name of the cache; an error where there is
 * none that is whole. The note is hostile until read. */
must_use struct error *kernelcache_load(const char *name, struct kernel **kernel);

/** kernelcache_find() - the kernel made from the recipe of that key; NULL where there is none.
 * The caller owns it. */
struct kernel *kernelcache_find(const char *key);

/**
 * kernelcache_publish() - make the folder @part an entry, in the place of any of the same key
 * @part: a folder in kernels/ with everything in it; gone afterwards
 */
must_use struct error *kernelcache_publish(const char *part, const char *name,
					   const char *key);

/** kernelcache_directory() - the folder @name among the kernels; a new path. */
char *kernelcache_directory(const char *name);

#endif
