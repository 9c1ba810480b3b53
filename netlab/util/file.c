// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "util/buffer.h"
#include "util/string.h"

struct error *file_read(const char *path, size_t limit, char **text, size_t *size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_buffer_ struct buffer buffer = {0};
	char block[16384];
	ssize_t n;

	if (fd < 0)
		return error_errno(errno, "%s", path);
	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(errno, "%s", path);
		if (buffer.size + n > limit)
			return error_new(EFBIG, "%s: larger than %zu bytes", path, limit);
		buffer_append(&buffer, block, n);
	}
	buffer_append(&buffer, "", 1);
	if (size)
		*size = buffer.size - 1;
	*text = (char *)steal_ptr(buffer.data);
	return NULL;
}

struct error *write_all(int fd, const void *data, size_t n)
{
	const char *at = data;

	while (n) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return error_errno(errno, "write");
		at += done;
		n -= done;
	}
	return NULL;
}

static struct error *write_temporary(const char *path, const void *data, size_t size)
{
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return error_errno(errno, "%s", path);
	return error_object(write_all(fd, data, size), path);
}

struct error *file_write(const char *path, const void *data, size_t size)
{
	_cleanup_free_ char *temporary = xasprintf("%s.%d.part", path, getpid());
	struct error *error = write_temporary(temporary, data, size);

	if (!error && rename(temporary, path) < 0)
		error = error_errno(errno, "%s", path);
	if (error)
		unlink(temporary);
	return error;
}

static struct error *copy_failure(const char *path)
{
	return errno == ENOSPC ? error_new(ENOSPC, "the disk is full: %s", path)
			       : error_errno(errno, "%s", path);
}

static struct error *copy_all(int in, int out, const char *path)
{
	ssize_t n;

	while ((n = copy_file_range(in, NULL, out, NULL, SSIZE_MAX, 0)) != 0)
		if (n < 0 && errno != EINTR)
			return copy_failure(path);
	return NULL;
}

static struct error *copy_range(int in, int out, off_t begin, off_t end, const char *path)
{
	off_t from = begin, to = begin;

	while (from < end) {
		ssize_t n = copy_file_range(in, &from, out, &to, end - from, 0);

		if (n == 0)
			return error_new(EIO, "%s: the file became shorter", path);
		if (n < 0 && errno != EINTR)
			return copy_failure(path);
	}
	return NULL;
}

static struct error *copy_data(int in, int out, off_t size, const char *path)
{
	off_t begin, end = 0;

	if (ftruncate(out, size) < 0)
		return copy_failure(path);
	while ((begin = lseek(in, end, SEEK_DATA)) >= 0) {
		end = lseek(in, begin, SEEK_HOLE);
		if (end < 0)
			return error_errno(errno, "%s", path);
		try(copy_range(in, out, begin, end, path));
	}
	/* No more data. */
	return errno == ENXIO ? NULL : error_errno(errno, "%s", path);
}

static struct error *copy(const char *from, const char *to, bool sparse)
{
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
	struct stat st;

	if (in < 0 || fstat(in, &st) < 0)
		return error_errno(errno, "%s", from);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 0755);
	if (out < 0)
		return error_errno(errno, "%s", to);
	return sparse ? copy_data(in, out, st.st_size, to) : copy_all(in, out, to);
}

struct error *file_copy(const char *from, const char *to)
{
	return copy(from, to, false);
}

struct error *file_copy_sparse(const char *from, const char *to)
{
	return copy(from, to, true);
}

struct error *make_directories(const char *path, mode_t mode)
{
	_cleanup_free_ char *partial = xstrdup(path);

	for (char *slash = partial + 1;; slash++) {
		char kept = *slash;

		if (kept != '/' && kept != '\0')
			continue;
		*slash = '\0';
		if (mkdir(partial, mode) < 0 && errno != EEXIST)
			return error_errno(errno, "%s", partial);
		if (kept == '\0')
			return NULL;
		*slash = kept;
	}
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

struct error *remove_tree(const char *path)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		return error_errno(errno, "%s: can't be removed", path);
	return NULL;
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static struct error *lock_with(const char *path, int operation, int *fd)
{
	_cleanup_close_ int lock =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (lock < 0)
		return error_errno(errno, "%s", path);
	while (flock(lock, operation) < 0)
		if (errno != EINTR)
			return error_errno(errno, "%s: lock", path);
	*fd = steal_fd(lock);
	return NULL;
}

struct error *lock_file(const char *path, int *fd)
{
	return lock_with(path, LOCK_EX | LOCK_NB, fd);
}

struct error *lock_file_wait(const char *path, int *fd)
{
	return lock_with(path, LOCK_EX, fd);
}

struct error *pipe_open(int *reader, int *writer)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(errno, "pipe");
	*reader = ends[0];
	*writer = ends[1];
	return NULL;
}

struct error *set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return error_errno(errno, "O_NONBLOCK");
	return NULL;
}
