/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lies among the images of the cache. */
#ifndef NETLAB_IMAGE_IMAGES_H
#define NETLAB_IMAGE_IMAGES_H

#include <time.h>

#include "util/error.h"

enum image_kind {
	IMAGE_INITRAMFS, /* the one that guests share, of one version of netlab */
	IMAGE_DISK,
};

#define IMAGE_KINDS (IMAGE_DISK + 1)

struct image {
	char *path; /* absolute */
	enum image_kind kind;
	struct timespec written;
};

const char *image_kind_name(enum image_kind kind); /* "initramfs", "disk" */

/** images_list() - all of them, newest first; the caller gives both to images_free(). */
must_use struct error *images_list(struct image **images, size_t *n);
void images_free(struct image *images, size_t n);

#endif
