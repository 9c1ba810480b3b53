/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's initramfs: init, agent, epoll-echo and busybox, as a cpio archive (libarchive). */
#ifndef NETLAB_IMAGE_INITRAMFS_H
#define NETLAB_IMAGE_INITRAMFS_H

#include <stdbool.h>

#include "image/contents.h"
#include "util/error.h"

/**
 * initramfs_build() - find the image in the cache, or write it there
 * @path: where it lies, $XDG_CACHE_HOME/netlab/images/busybox-KEY.cpio, KEY over all that is in
 *        it; a new string
 * @built: whether it was written now; may be NULL
 */
must_use struct error *initramfs_build(char **path, bool *built);

/** initramfs_find() - as initramfs_build(), but ENOENT, with the command that writes it as the
 * hint, where the cache hasn't got it. */
must_use struct error *initramfs_find(char **path);

/** initramfs_add_programs() - init, agent, epoll-echo and a shell in @folder, and the console's
 * device: what a guest needs to have beside an initramfs of the user's own. */
must_use struct error *initramfs_add_programs(struct contents *contents,
					      const char *folder);

/** initramfs_list() - the images of the cache, newest first; the caller frees the vector. */
must_use struct error *initramfs_list(char ***paths);

#endif
