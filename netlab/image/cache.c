// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/cache.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "util/file.h"
#include "util/paths.h"
#include "util/string.h"

#define LOCK_SUFFIX ".lock"
#define PART_SUFFIX ".part" /* what is not whole: not yet, or no more */

static const char *const kind_names[] = {
	[CACHE_KERNELS] = "kernels", [CACHE_IMAGES] = "images",
	[CACHE_MODULES] = "modules", [CACHE_SOURCES] = "sources",
	[CACHE_BUILDS] = "builds",   [CACHE_LOGS] = "logs",
};
static_assert(ARRAY_SIZE(kind_names) == CACHE_KINDS, "one name for each kind");

const char *cache_kind_name(enum cache_kind kind)
{
	return kind_names[kind];
}

/* --- holding ------------------------------------------------------------------------------- */

/* "CACHE/KIND/NAME" of a path that is this or lies below; NULL: it lies elsewhere. */
static char *entry_of(const char *path)
{
	_cleanup_free_ char *cache = path_cache(""), *root = realpath(cache, NULL);
	_cleanup_free_ char *real = realpath(path, NULL);
	const char *below = root && real ? string_after(real, root) : NULL;
	const char *name = below && *below == '/' ? strchr(below + 1, '/') : NULL;

	if (!name)
		return NULL;
	return xstrndup(real, name + 1 + strcspn(name + 1, "/") - real);
}

static void mark_used(int fd)
{
	struct timespec times[] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		times[1].tv_nsec = UTIME_NOW;
	/* Of a cache that isn't ours to write, no time is kept. */
	if (futimens(fd, times) < 0)
		errno = 0;
}

static struct error *gone(const char *path)
{
	return error_hint(
		error_new(ENOENT, "%s was cleared from the cache just now", path),
		"try again");
}

static bool is_still_there(int fd, const char *path)
{
	struct stat held, now;

	return fstat(fd, &held) == 0 && stat(path, &now) == 0 &&
	       held.st_dev == now.st_dev && held.st_ino == now.st_ino;
}

struct error *cache_hold(struct cache_holds *holds, const char *path)
{
	_cleanup_free_ char *entry = entry_of(path);
	_cleanup_close_ int fd = -1;

	if (!entry)
		return NULL;
	fd = open(entry, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? gone(entry) : error_errno(errno, "%s", entry);
	while (flock(fd, LOCK_SH) < 0)
		if (errno != EINTR)
			return error_errno(errno, "%s: lock", entry);
	if (!is_still_there(fd, entry))
		return gone(entry);
	mark_used(fd);
	grow(holds->fds, holds->n);
	holds->fds[holds->n++] = steal_fd(fd);
	return NULL;
}

struct error *cache_hold_guest(struct cache_holds *holds, const struct kernel *kernel,
			       const struct guest_image *image)
{
	try(cache_hold(holds, kernel->directory));
	if (kernel->source)
		try(cache_hold(holds, kernel->source));
	if (image->initrd)
		try(cache_hold(holds, image->initrd));
	if (image->disk)
		try(cache_hold(holds, image->disk));
	strv_foreach (folder, image->modules)
		try(cache_hold(holds, *folder));
	return NULL;
}

void cache_holds_deinit(struct cache_holds *holds)
{
	for (size_t i = 0; i < holds->n; i++)
		close_fd(&holds->fds[i]);
	free(holds->fds);
	*holds = (struct cache_holds){0};
}

/* --- what is in use ------------------------------------------------------------------------ */

/* Alone with it; -1: someone else holds it, or it can't be opened. */
static int lock_alone(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	return steal_fd(fd);
}

static bool is_lock_held(const char *path)
{
	_cleanup_close_ int fd = lock_alone(path);

	return fd < 0 && file_exists(path);
}

/* What it makes use of, and what it puts into the cache, is known to a build alone. */
static bool a_build_runs(void)
{
	_cleanup_free_ char *folder = path_cache(kind_names[CACHE_BUILDS]);
	_cleanup_closedir_ DIR *dir = opendir(folder);
	struct dirent *file;

	while (dir && (file = readdir(dir))) {
		_cleanup_free_ char *path = xasprintf("%s/%s", folder, file->d_name);

		if (ends_with(file->d_name, LOCK_SUFFIX) && is_lock_held(path))
			return true;
	}
	return false;
}

/* "logs/FLAVOUR-KEY.log" is that of builds/KEY, "logs/disk-SUITE-KEY.log" that of all of it. */
static char *log_lock(const char *path)
{
	const char *name = strrchr(path, '/') + 1, *dash = strrchr(name, '-');
	_cleanup_free_ char *below = NULL;

	if (dash && !string_after(name, "disk-"))
		name = dash + 1;
	below = xasprintf("builds/%.*s" LOCK_SUFFIX, (int)strcspn(name, "."), name);
	return path_cache(below);
}

/* The lock of whoever makes the entry: of ".NAME.part" and "NAME.part", too, it is NAME.lock. */
static char *maker_lock(enum cache_kind kind, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	size_t length;

	if (kind == CACHE_LOGS)
		return log_lock(path);
	name += *name == '.';
	length = strlen(name) - (ends_with(name, PART_SUFFIX) ? strlen(PART_SUFFIX) : 0);
	return xasprintf("%.*s/%.*s" LOCK_SUFFIX, (int)(strrchr(path, '/') - path), path,
			 (int)length, name);
}

/* "busybox-0123.cpio.PID.part", which that process writes. */
static bool has_writer(const char *path)
{
	_cleanup_free_ char *name = xstrndup(path, strlen(path) - strlen(PART_SUFFIX));
	const char *dot = strrchr(name, '.');
	long pid = dot ? strtol(dot + 1, NULL, 10) : 0;

	return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

static bool has_maker(enum cache_kind kind, const char *path)
{
	_cleanup_free_ char *lock = maker_lock(kind, path);
	bool is_part = ends_with(path, PART_SUFFIX);

	switch (kind) {
	case CACHE_KERNELS:
		return is_part && a_build_runs();
	case CACHE_IMAGES:
		return is_part && has_writer(path);
	case CACHE_MODULES:
	case CACHE_BUILDS:
	case CACHE_LOGS:
		return is_lock_held(lock);
	case CACHE_SOURCES:
		return is_lock_held(lock) || a_build_runs();
	case CACHE_KINDS:
		break;
	}
	return false;
}

/* --- listing ------------------------------------------------------------------------------- */

static _Thread_local uint64_t tree_size; /* nftw() takes no argument for us */

static int add_size(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path, (void)type, (void)ftw;
	tree_size += (uint64_t)st->st_blocks * 512;
	return 0;
}

static uint64_t size_of(const char *path)
{
	tree_size = 0;
	if (nftw(path, add_size, 16, FTW_PHYS) < 0)
		return 0;
	return tree_size;
}

static bool fill_entry(enum cache_kind kind, char *path, struct cache_entry *entry)
{
	_cleanup_free_ char *owned = path;
	struct stat st;

	if (lstat(path, &st) < 0)
		return false;
	*entry = (struct cache_entry){
		.size = size_of(path),
		.used = st.st_mtime,
		.in_use = is_lock_held(path) || has_maker(kind, path),
		.path = steal_ptr(owned),
	};
	if (!S_ISDIR(st.st_mode) && st.st_atime > st.st_mtime)
		entry->used = st.st_atime;
	return true;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct cache_entry *)a)->path,
		      ((const struct cache_entry *)b)->path);
}

struct error *cache_list(enum cache_kind kind, struct cache_entry **entries, size_t *n)
{
	_cleanup_free_ char *folder = path_cache(kind_names[kind]);
	_cleanup_closedir_ DIR *dir = opendir(folder);
	struct cache_entry entry;
	struct dirent *file;

	*entries = NULL;
	*n = 0;
	if (!dir)
		return errno == ENOENT ? NULL : error_errno(errno, "%s", folder);
	while ((file = readdir(dir))) {
		if (streq(file->d_name, ".") || streq(file->d_name, "..") ||
		    ends_with(file->d_name, LOCK_SUFFIX) ||
		    !fill_entry(kind, xasprintf("%s/%s", folder, file->d_name), &entry))
			continue;
		grow(*entries, *n);
		(*entries)[(*n)++] = entry;
	}
	if (*n)
		qsort(*entries, *n, sizeof(**entries), by_path);
	return NULL;
}

void cache_entries_free(struct cache_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(entries[i].path);
	free(entries);
}

/* --- removing ------------------------------------------------------------------------------ */

static struct error *busy(const char *path)
{
	return error_new(EBUSY, "%s is in use", path);
}

/* Under a name that nothing takes for an entry: a folder goes in many steps. */
static struct error *set_aside(const char *path, char **aside)
{
	const char *name = strrchr(path, '/') + 1;

	*aside = *name == '.' ? xstrdup(path)
			      : xasprintf("%.*s.%s" PART_SUFFIX, (int)(name - path), path,
					  name);
	if (streq(*aside, path))
		return NULL;
	try(remove_tree(*aside));
	return rename(path, *aside) < 0 ? error_errno(errno, "%s", path) : NULL;
}

struct error *cache_remove(enum cache_kind kind, const char *path)
{
	_cleanup_free_ char *lock = maker_lock(kind, path), *aside = NULL;
	_cleanup_close_ int entry = lock_alone(path), maker = -1;

	if (entry < 0 || has_maker(kind, path))
		return busy(path);
	/* Nobody shall begin to make it meanwhile. */
	if (file_exists(lock)) {
		maker = lock_alone(lock);
		if (maker < 0)
			return busy(path);
	}
	try(set_aside(path, &aside));
	return remove_tree(aside);
}
