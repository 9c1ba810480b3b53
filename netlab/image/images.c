// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/images.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/paths.h"
#include "util/string.h"

static const struct {
	const char *name, *prefix, *suffix;
} kinds[] = {
	[IMAGE_INITRAMFS] = {"initramfs", "busybox-", ".cpio"},
	[IMAGE_DISK] = {"disk", "disk-", ".ext4"},
};
static_assert(ARRAY_SIZE(kinds) == IMAGE_KINDS, "a kind without a name");

const char *image_kind_name(enum image_kind kind)
{
	return kinds[kind].name;
}

static int newest_first(const void *a, const void *b)
{
	const struct timespec *x = &((const struct image *)a)->written;
	const struct timespec *y = &((const struct image *)b)->written;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec > y->tv_sec ? -1 : 1;
	if (x->tv_nsec != y->tv_nsec)
		return x->tv_nsec > y->tv_nsec ? -1 : 1;
	return 0;
}

/* IMAGE_KINDS: none. */
static unsigned kind_of(const char *name)
{
	unsigned kind = 0;

	for (; kind < IMAGE_KINDS; kind++) {
		const char *suffix = strstr(name, kinds[kind].suffix);

		if (string_after(name, kinds[kind].prefix) && suffix &&
		    streq(suffix, kinds[kind].suffix))
			break;
	}
	return kind;
}

struct error *images_list(struct image **images, size_t *n)
{
	_cleanup_free_ char *folder = path_cache("images");
	_cleanup_closedir_ DIR *dir = opendir(folder);
	struct dirent *file;
	struct stat st;

	*images = NULL;
	*n = 0;
	if (!dir)
		return errno == ENOENT ? NULL : error_errno(errno, "%s", folder);
	while ((file = readdir(dir))) {
		unsigned kind = kind_of(file->d_name);

		if (kind == IMAGE_KINDS ||
		    fstatat(dirfd(dir), file->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		grow(*images, *n);
		(*images)[(*n)++] = (struct image){
			xasprintf("%s/%s", folder, file->d_name), kind, st.st_mtim};
	}
	if (*n)
		qsort(*images, *n, sizeof(**images), newest_first);
	return NULL;
}

void images_free(struct image *images, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(images[i].path);
	free(images);
}
