/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Newline-delimited JSON objects over a connected UNIX stream socket, on the event loop: QMP,
 * the guest's agent and the lab's control socket. Every peer is hostile: lines, queues and the
 * work done for each wake-up are bounded.
 */
#ifndef NETLAB_UTIL_CHANNEL_H
#define NETLAB_UTIL_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <systemd/sd-event.h>

#include "util/error.h"

struct channel;

struct channel_limits {
	size_t line;  /* longest line that is accepted, in bytes without its newline */
	size_t queue; /* most bytes that wait for a peer that doesn't read */
};

/* Each of them may free the channel, send, or drain. */
struct channel_handlers {
	/* A message came; borrowed. */
	void (*message)(struct channel *channel, json_t *message, void *userdata);
	/* A line came that is no JSON object, or too long; @error is owned by the callee, and
	 * the channel goes on behind that line. NULL: the channel ends with that error. */
	void (*garbage)(struct channel *channel, struct error *error, void *userdata);
	/* All that waited for the peer is sent: there is room again. May be NULL. */
	void (*drained)(struct channel *channel, void *userdata);
	/* The connection ended (@error NULL: the peer closed it, or all was drained) or broke
	 * (@error is owned by the callee). Called once, from the event loop only, as the
	 * last of all. */
	void (*closed)(struct channel *channel, struct error *error, void *userdata);
};

/* Most descriptors that may have come and wait for channel_take_fd(). */
#define CHANNEL_MAX_FDS 4

/**
 * channel_new() - speak over @fd
 * @fd: owned from here on, on error too; it may be a blocking one
 * @handlers: copied
 */
must_use struct error *channel_new(struct channel **channel, sd_event *event, int fd,
				   const struct channel_limits *limits,
				   const struct channel_handlers *handlers,
				   void *userdata);

/** channel_free() - close at once, closed() is not called; allowed in every handler. */
void channel_free(struct channel *channel);
DEFINE_CLEANUP(struct channel *, channel_free);
#define _cleanup_channel_ _cleanup_(channel_freep)

/**
 * channel_send() - send one message, now or when the peer reads again
 * @message: stolen; of NULL (a json_pack() that failed on bytes that are not UTF-8) EILSEQ
 * Return: ENOBUFS where the queue's limit doesn't allow it, ENOTCONN behind the end. A peer
 * that is gone is not an error here: closed() follows from the event loop.
 */
must_use struct error *channel_send(struct channel *channel, json_t *message);

/**
 * channel_send_fd() - as channel_send(), with a descriptor (SCM_RIGHTS)
 * @fd: duplicated, the caller keeps its own
 *
 * Descriptors arrive in order, but the kernel doesn't tie them to a message: the message itself
 * must say that one comes with it.
 */
must_use struct error *channel_send_fd(struct channel *channel, json_t *message, int fd);

/**
 * channel_take_fd() - the descriptor that came with a message which says that one did
 * Return: the oldest that was not yet taken, owned by the caller, close-on-exec; -1: none.
 */
int channel_take_fd(struct channel *channel);

/**
 * channel_drain() - read nothing any more, and end (closed()) when the queue is sent
 * @timeout: microseconds after which it ends with ETIMEDOUT if the peer didn't read
 */
void channel_drain(struct channel *channel, uint64_t timeout);

/**
 * channel_hold() - stop (or go on) reading, for a receiver that can't keep up: the peer's
 * write() then waits. Its end goes unnoticed until then, too.
 */
void channel_hold(struct channel *channel, bool hold);

/** channel_queued() - bytes that wait for the peer; 0: the kernel has taken all. */
size_t channel_queued(const struct channel *channel);

#endif
