// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/sink.h"

#include <errno.h>
#include <sys/types.h>

#include "capture/pages.h"
#include "capture/pcapng.h"
#include "util/log.h"

/* Writes all of @data; @done says how far it came. Returns 0 or an errno value. */
static int write_whole(int fd, const uint8_t *data, size_t size, size_t *done)
{
	for (*done = 0; *done < size;) {
		ssize_t n = write(fd, data + *done, size - *done);

		if (n < 0 && errno != EINTR)
			return errno;
		*done += n > 0 ? n : 0;
	}
	return 0;
}

/* Takes back what stands behind the last whole block of the @done bytes at @data. */
static void cut_back(int fd, off_t position, const uint8_t *data, size_t done)
{
	size_t whole = pcapng_whole_blocks(data, done);

	if (whole < done && ftruncate(fd, position + whole) < 0)
		log_warning("the capture file ends in the middle of a block");
}

/* To a regular file: page by page. */
static int write_pages(int fd, off_t position, const struct buffer *batch)
{
	_cleanup_buffer_ struct buffer pages = {0};
	size_t size, done;
	int code;

	pages_lay_out(&pages, position, batch);
	for (size_t at = 0; at < pages.size; at += size, position += size) {
		size = pages_next_write(pages.data + at, pages.size - at, position);
		code = write_whole(fd, pages.data + at, size, &done);
		if (code) {
			cut_back(fd, position, pages.data + at, done);
			return code;
		}
	}
	return 0;
}

static int write_batch(const struct sink *sink)
{
	off_t position = lseek(sink->fd, 0, SEEK_CUR);
	size_t done;

	if (position >= 0)
		return write_pages(sink->fd, position, &sink->batch);
	return write_whole(sink->fd, sink->batch.data, sink->batch.size, &done);
}

struct error *sink_write(struct sink *sink)
{
	if (!sink->code)
		sink->code = write_batch(sink);
	buffer_clear(&sink->batch);
	if (sink->code == EPIPE)
		return error_new(EPIPE, "the reader of the capture has gone");
	return sink->code ? error_errno(sink->code, "the capture can't be written")
			  : NULL;
}

struct error *sink_close(struct sink *sink)
{
	int fd = steal_fd(sink->fd);

	if (fd >= 0 && close(fd) < 0 && errno != EINTR)
		return error_errno(errno, "the capture can't be written");
	return NULL;
}
