// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/extras.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <sys/stat.h>

#include "util/string.h"

#define PERMISSIONS 07777

DEFINE_CLEANUP(FTS *, fts_close);

static struct error *add_link(struct contents *contents, const FTSENT *entry,
			      const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(entry->fts_accpath, target, sizeof(target) - 1);

	if (n < 0)
		return error_errno(errno, "%s", entry->fts_path);
	target[n] = '\0';
	contents_add_link(contents, path, target);
	return NULL;
}

static struct error *add_entry(struct contents *contents, const FTSENT *entry,
			       const char *path)
{
	switch (entry->fts_info) {
	case FTS_D:
		contents_add_folder(contents, path,
				    entry->fts_statp->st_mode & PERMISSIONS);
		return NULL;
	case FTS_DP:
		return NULL;
	case FTS_F:
		return contents_add_file(contents, path, entry->fts_path,
					 entry->fts_statp->st_mode & PERMISSIONS);
	case FTS_SL:
	case FTS_SLNONE:
		return add_link(contents, entry, path);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return error_errno(entry->fts_errno, "%s", entry->fts_path);
	default:
		return error_new(EINVAL, "%s: neither a file, a folder nor a link",
				 entry->fts_path);
	}
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* The folders that @target lies in; init keeps those that the guest has. */
static void add_parents(struct contents *contents, const char *folder, const char *target)
{
	for (const char *at = target; (at = strchr(at, '/')); at++) {
		_cleanup_free_ char *path =
			xasprintf("%s%.*s", folder, (int)(at - target), target);

		contents_add_folder(contents, path, 0755);
	}
}

static struct error *add_tree(struct contents *contents, const char *folder,
			      const struct extra_file *file)
{
	char *paths[] = {file->source, NULL};
	_cleanup_(fts_closep) FTS *tree =
		fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	FTSENT *entry;

	if (!tree)
		return error_errno(errno, "%s", file->source);
	while ((entry = fts_read(tree))) {
		_cleanup_free_ char *path =
			xasprintf("%s%s%s", folder, file->target,
				  entry->fts_path + strlen(file->source));

		if (!*file->target && entry->fts_level == 0 && entry->fts_info != FTS_D &&
		    entry->fts_info != FTS_DP && entry->fts_info != FTS_NS)
			return error_new(ENOTDIR, "%s: it is to be '/', and is no folder",
					 file->source);
		try(add_entry(contents, entry, path));
	}
	return NULL;
}

struct error *extras_add(struct contents *contents, const struct guest *guest,
			 const char *folder)
{
	for (size_t i = 0; i < guest->n_files; i++) {
		const struct extra_file *file = &guest->files[i];

		add_parents(contents, folder, file->target);
		try(error_prefix(add_tree(contents, folder, file), "files"));
	}
	return NULL;
}
