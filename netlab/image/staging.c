// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/staging.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <sys/stat.h>

#include "image/unpack.h"
#include "util/buffer.h"
#include "util/file.h"
#include "util/string.h"

struct staging {
	const char *tarball;
	struct interrupt *interrupt;
	bool is_root; /* so that the folder's files can have their owners */
	size_t n_attributes;
	struct buffer commands;
};

static void staging_deinit(struct staging *staging)
{
	buffer_deinit(&staging->commands);
}

/* Without "./"; the root folder itself is ".". */
static const char *path_of(struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);

	while (path && path[0] == '.' && path[1] == '/')
		path += 2 + strspn(path + 2, "/");
	return path && *path ? path : ".";
}

/* devtmpfs covers /dev, and only root makes devices. */
static bool is_wanted(struct archive_entry *entry)
{
	const char *device = string_after(path_of(entry), "dev/");
	mode_t type = archive_entry_filetype(entry);

	return (!device || !*device) && type != AE_IFCHR && type != AE_IFBLK;
}

static void add_command(struct staging *staging, const char *command)
{
	buffer_append(&staging->commands, command, strlen(command));
}

/* debugfs takes a word in double quotes, and commands a line each. */
static struct error *check_words(const struct staging *staging, const char *const words[])
{
	for (; *words; words++)
		if (strpbrk(*words, "\"\n"))
			return error_new(EINVAL,
					 "%s: a name with a quote or a newline in it",
					 staging->tarball);
	return NULL;
}

static void add_owner(struct staging *staging, struct archive_entry *entry)
{
	const char *path = path_of(entry);
	mode_t mode = archive_entry_mode(entry);
	_cleanup_free_ char *lines = NULL, *more = NULL;

	/* A file that isn't its owner's yet may have lost these. */
	more = mode & (S_ISUID | S_ISGID)
		       ? xasprintf("sif \"/%s\" mode 0%o\n", path, mode)
		       : xstrdup("");
	lines = xasprintf("sif \"/%s\" uid %lld\nsif \"/%s\" gid %lld\n%s", path,
			  (long long)archive_entry_uid(entry), path,
			  (long long)archive_entry_gid(entry), more);
	add_command(staging, lines);
}

/* As capabilities(7) are: few file systems and users can give them to the folder's files. */
static struct error *add_attributes(struct staging *staging, struct archive_entry *entry)
{
	const char *path = path_of(entry), *name;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		_cleanup_free_ char *file = xasprintf("%s.attribute%zu", staging->tarball,
						      staging->n_attributes++);
		_cleanup_free_ char *line =
			xasprintf("ea_set -f \"%s\" \"/%s\" \"%s\"\n", file, path, name);

		try(check_words(staging, (const char *[]){name, file, NULL}));
		try(file_write(file, value, size));
		add_command(staging, line);
	}
	return NULL;
}

static struct error *add_commands(struct staging *staging, struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry))
		return NULL;
	try(check_words(staging, (const char *[]){path_of(entry), NULL}));
	if (!staging->is_root)
		add_owner(staging, entry);
	return add_attributes(staging, entry);
}

static struct error *take_entry(struct archive_entry *entry, uint64_t read, bool *wanted,
				void *userdata)
{
	struct staging *staging = userdata;

	(void)read;
	*wanted = is_wanted(entry);
	if (*wanted)
		try(add_commands(staging, entry));
	return interrupt_check(staging->interrupt);
}

struct error *staging_unpack(const char *tarball, const char *folder,
			     struct interrupt *interrupt, char **commands)
{
	_cleanup_(staging_deinit) struct staging staging = {
		.tarball = tarball,
		.interrupt = interrupt,
		.is_root = geteuid() == 0,
	};
	const struct unpack unpack = {
		.tarball = tarball,
		.flags = ARCHIVE_EXTRACT_PERM |
			 (staging.is_root ? ARCHIVE_EXTRACT_OWNER : 0),
		.entry = take_entry,
		.userdata = &staging,
	};

	try(unpack_into(&unpack, folder));
	buffer_append(&staging.commands, "", 1);
	*commands = (char *)steal_ptr(staging.commands.data);
	return NULL;
}
