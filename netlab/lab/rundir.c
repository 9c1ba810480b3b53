// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "topology/topology.h"
#include "util/file.h"
#include "util/paths.h"
#include "util/string.h"

static char *lab_folder(const char *lab)
{
	return path_runtime(lab);
}

char *rundir_file(const char *lab, const char *name)
{
	_cleanup_free_ char *folder = lab_folder(lab);

	return xasprintf("%s/%s", folder, name);
}

/* The base may lie in /tmp: it must be ours, and no one else's to write in. */
static struct error *check_base(const char *base)
{
	struct stat st;

	if (lstat(base, &st) < 0)
		return error_errno(errno, "%s", base);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
		return error_hint(
			error_new(EPERM, "%s is not a folder of yours alone", base),
			"remove it, or set NETLAB_RUNTIME_DIR");
	return NULL;
}

static struct error *make_base(void)
{
	_cleanup_free_ char *base = path_runtime("");

	base[strlen(base) - 1] = '\0';
	try(make_directories(base, 0700));
	return check_base(base);
}

/* A lock taken on a file that its last owner has just removed is worth nothing. */
static bool is_current(int lock, const char *path)
{
	struct stat held, named;

	return fstat(lock, &held) == 0 && stat(path, &named) == 0 &&
	       held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

static struct error *clear_folder(const char *folder)
{
	_cleanup_closedir_ DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return error_errno(errno, "%s", folder);
	while ((entry = readdir(dir))) {
		_cleanup_free_ char *path = xasprintf("%s/%s", folder, entry->d_name);

		if (streq(entry->d_name, ".") || streq(entry->d_name, "..") ||
		    streq(entry->d_name, "lock"))
			continue;
		try(remove_tree(path));
	}
	return NULL;
}

static struct error *try_lock(const char *folder, int *lock)
{
	_cleanup_free_ char *path = xasprintf("%s/lock", folder);
	_cleanup_close_ int fd = -1;
	bool made = mkdir(folder, 0700) == 0;
	struct error *error;

	*lock = -1;
	if (!made && errno != EEXIST)
		return error_errno(errno, "%s", folder);
	error = lock_file(path, &fd);
	if (error) {
		if (made)
			rmdir(folder); /* not where someone has locked it meanwhile */
		return error;
	}
	if (is_current(fd, path))
		*lock = steal_fd(fd);
	return NULL;
}

static struct error *take_lock(const char *lab, const char *folder, int *lock)
{
	for (int attempt = 0; attempt < 100; attempt++) {
		struct error *error = try_lock(folder, lock);

		if (error && error->code == ENOENT) {
			error_ignore(error);
			continue;
		}
		if (error && error->code == EWOULDBLOCK) {
			error_ignore(error);
			return error_hint(
				error_new(EEXIST, "lab '%s' is up already", lab),
				"give this one another name with --name, or end that "
				"one with 'netlab down %s'",
				lab);
		}
		if (error || *lock >= 0)
			return error;
	}
	return error_new(EBUSY, "%s: others come and go in it", folder);
}

struct error *rundir_create(const char *lab, struct rundir *rundir)
{
	_cleanup_free_ char *folder = lab_folder(lab);
	struct error *error;

	try(make_base());
	try(take_lock(lab, folder, &rundir->lock));
	rundir->path = steal_ptr(folder);
	error = clear_folder(rundir->path);
	if (error)
		rundir_remove(rundir);
	return error;
}

void rundir_remove(struct rundir *rundir)
{
	if (rundir->path)
		error_ignore(remove_tree(rundir->path));
	close_fd(&rundir->lock);
	free(steal_ptr(rundir->path));
}

/* Is someone holding the lock? A folder that no one owns is removed. */
static bool is_up(const char *lab)
{
	_cleanup_free_ char *folder = lab_folder(lab);
	_cleanup_close_ int lock = -1;
	struct error *error = try_lock(folder, &lock);
	bool held = error && error->code == EWOULDBLOCK;

	error_ignore(error);
	if (lock >= 0)
		error_ignore(remove_tree(folder));
	return held;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct error *rundir_list(char ***labs)
{
	_cleanup_free_ char *base = path_runtime("");
	_cleanup_closedir_ DIR *dir = opendir(base);
	struct dirent *entry;
	char **found = NULL;

	if (!dir && errno != ENOENT)
		return error_errno(errno, "%s", base);
	while (dir && (entry = readdir(dir)))
		if (lab_name_valid(entry->d_name) && is_up(entry->d_name))
			strv_push(&found, xstrdup(entry->d_name));
	if (found)
		qsort(found, strv_length(found), sizeof(*found), compare_names);
	*labs = found;
	return NULL;
}
