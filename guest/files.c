// SPDX-License-Identifier: GPL-2.0-or-later
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS 16
#define BLOCK_SIZE  65536

/* nftw() takes no argument for its callback. */
static const char *from_folder, *to_folder;
static void (*say_it)(const char *format, ...);

static bool place_folder(const char *to, const struct stat *st)
{
	if (mkdir(to, 0755) == 0)
		return chmod(to, st->st_mode & 07777) == 0;
	return errno == EEXIST;
}

static bool place_link(const char *from, const char *to)
{
	char target[PATH_MAX];
	ssize_t n = readlink(from, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	return (unlink(to) == 0 || errno == ENOENT) && symlink(target, to) == 0;
}

static bool copy_bytes(int in, int out)
{
	static char block[BLOCK_SIZE];
	ssize_t n;

	while ((n = read(in, block, sizeof(block))) > 0)
		for (ssize_t done = 0; done < n;) {
			ssize_t written = write(out, block + done, n - done);

			if (written < 0)
				return false;
			done += written;
		}
	return n == 0;
}

static bool copy_file(const char *from, const char *to, const struct stat *st)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool done = out >= 0 && copy_bytes(in, out) &&
		    fchmod(out, st->st_mode & 07777) == 0;
	int code = errno;

	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	errno = code;
	return done;
}

/* Within one file system nothing is copied. */
static bool place_file(const char *from, const char *to, const struct stat *st)
{
	if (rename(from, to) == 0)
		return true;
	if (errno != EXDEV)
		return false;
	return (unlink(to) == 0 || errno == ENOENT) && copy_file(from, to, st);
}

static int place_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char to[PATH_MAX];
	bool placed;

	if (ftw->level == 0)
		return 0;
	snprintf(to, sizeof(to), "%s%s", to_folder, path + strlen(from_folder));
	if (type == FTW_D)
		placed = place_folder(to, st);
	else if (type == FTW_SL)
		placed = place_link(path, to);
	else
		placed = place_file(path, to, st);
	if (!placed)
		say_it("the file %s can't be placed: %s", to, strerror(errno));
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	remove(path);
	return 0;
}

void files_place(const char *from, const char *to, void (*say)(const char *format, ...))
{
	if (access(from, F_OK) < 0)
		return;
	from_folder = from;
	to_folder = to;
	say_it = say;
	nftw(from, place_one, DESCRIPTORS, FTW_PHYS);
	nftw(from, remove_one, DESCRIPTORS, FTW_PHYS | FTW_DEPTH);
}
