/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files and folders. */
#ifndef NETLAB_UTIL_FILE_H
#define NETLAB_UTIL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/error.h"

/**
 * file_read() - a whole file in memory
 * @limit: most bytes that are accepted; a larger file is an error (EFBIG)
 * @text: a new NUL-terminated string, which the caller frees
 * @size: its length in bytes without that NUL; may be NULL
 */
must_use struct error *file_read(const char *path, size_t limit, char **text,
				 size_t *size);

/** file_write() - replace @path with @size bytes, whole or not at all (rename). */
must_use struct error *file_write(const char *path, const void *data, size_t size);

/** file_copy() - the contents and permissions of the file @from as @to, which must not exist;
 * links are followed. ENOSPC says that the disk is full. */
must_use struct error *file_copy(const char *from, const char *to);

/** file_copy_sparse() - as file_copy(), but what are holes in @from are holes in @to. */
must_use struct error *file_copy_sparse(const char *from, const char *to);

/** write_all() - all @n bytes to a blocking descriptor; EINTR is retried. */
must_use struct error *write_all(int fd, const void *data, size_t n);

/** make_directories() - @path and what is missing above it, with @mode; existing is fine. */
must_use struct error *make_directories(const char *path, mode_t mode);

/** remove_tree() - @path and all below it, following no link; missing is fine. */
must_use struct error *remove_tree(const char *path);

bool file_exists(const char *path);

/** lock_file() - open @path (made 0600 where missing) and take its lock without waiting
 * Return: EWOULDBLOCK in the error's code when someone else holds it. @fd: owned by the
 * caller; closing it gives the lock back. */
must_use struct error *lock_file(const char *path, int *fd);

/** lock_file_wait() - as lock_file(), waiting for whoever holds it. */
must_use struct error *lock_file_wait(const char *path, int *fd);

/** pipe_open() - both ends close-on-exec and the caller's. */
must_use struct error *pipe_open(int *reader, int *writer);

/** set_nonblocking() - O_NONBLOCK on @fd. */
must_use struct error *set_nonblocking(int fd);

#endif
