/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the blocks go: a file, or a pipe into a reader. */
#ifndef NETLAB_CAPTURE_SINK_H
#define NETLAB_CAPTURE_SINK_H

#include "util/buffer.h"
#include "util/error.h"

struct sink {
	int fd;              /* owned; -1: closed */
	struct buffer batch; /* whole blocks that are not yet written */
	int code;            /* errno value of the write that failed; 0: none did */
};

/**
 * sink_write() - write the batch and empty it
 *
 * Into a regular file, so that a process that is killed leaves whole blocks
 * (capture/pages.h). Where it takes a part of a batch only (a full disk), it is cut back
 * to the last whole block. After a failure nothing more is written: each call fails
 * alike.
 *
 * Return: an error whose code is EPIPE where the reader has gone.
 */
must_use struct error *sink_write(struct sink *sink);

/** sink_close() - close the file; what close(2) reports (a full disk, over NFS) is
 * returned */
must_use struct error *sink_close(struct sink *sink);

#endif
