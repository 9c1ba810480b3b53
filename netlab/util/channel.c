// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/buffer.h"
#include "util/lines.h"
#include "util/string.h"

/* What one wake-up reads at the most: a flood must leave the loop to others. */
#define READ_SIZE 16384

/* A descriptor that leaves with the byte at @offset of the output. */
struct outgoing_fd {
	size_t offset;
	int fd;
};

struct channel {
	unsigned references; /* the owner's, and one for each handler that runs */
	int fd;
	sd_event *event;
	sd_event_source *io;
	sd_event_source *deadline; /* of channel_drain() */
	sd_event_source *backlog;  /* lines that were held back, once they may go on */
	sd_event_source *broken;   /* of channel_break() */
	struct lines lines;
	struct buffer output;
	size_t queue_limit;
	struct outgoing_fd *outgoing;
	size_t n_outgoing;
	int incoming[CHANNEL_MAX_FDS];
	size_t n_incoming;
	struct error *write_error;
	bool held; /* by channel_hold() */
	bool draining;
	bool ended; /* no handler is called from here on */
	struct channel_handlers handlers;
	void *userdata;
};

static void drop_output(struct channel *channel)
{
	for (size_t i = 0; i < channel->n_outgoing; i++)
		close(channel->outgoing[i].fd);
	channel->n_outgoing = 0;
	buffer_clear(&channel->output);
}

/* Lets go of the connection; what was received stays until the owner frees the channel. */
static void channel_disconnect(struct channel *channel)
{
	channel->ended = true;
	channel->io = sd_event_source_disable_unref(channel->io);
	channel->deadline = sd_event_source_disable_unref(channel->deadline);
	channel->backlog = sd_event_source_disable_unref(channel->backlog);
	channel->broken = sd_event_source_disable_unref(channel->broken);
	drop_output(channel);
	close_fd(&channel->fd);
}

static struct channel *channel_ref(struct channel *channel)
{
	channel->references++;
	return channel;
}

static void channel_unref(struct channel *channel)
{
	if (--channel->references)
		return;
	channel_disconnect(channel);
	for (size_t i = 0; i < channel->n_incoming; i++)
		close(channel->incoming[i]);
	sd_event_unref(channel->event);
	lines_deinit(&channel->lines);
	buffer_deinit(&channel->output);
	free(channel->outgoing);
	error_free(channel->write_error);
	free(channel);
}
DEFINE_CLEANUP(struct channel *, channel_unref);

static void channel_end(struct channel *channel, struct error *error)
{
	if (channel->ended) {
		error_free(error);
		return;
	}
	channel_disconnect(channel);
	channel->handlers.closed(channel, error, channel->userdata);
}

/* The peer closed its end, or what we wrote failed for a reason of its own. */
static void channel_end_of_input(struct channel *channel)
{
	channel_end(channel, steal_ptr(channel->write_error));
}

static bool peer_is_gone(int code)
{
	return code == EPIPE || code == ECONNRESET;
}

/*
 * What the peer said before it went is still worth reading (QEMU's last events): the end is
 * reported by the reader, which shutdown(2) makes come to it.
 */
static void channel_write_failed(struct channel *channel, int code)
{
	if (!peer_is_gone(code) && !channel->write_error)
		channel->write_error = error_errno(code, "send");
	drop_output(channel);
	shutdown(channel->fd, SHUT_RDWR);
}

/* Bytes that may leave in one sendmsg(): a descriptor goes with the first of its bytes. */
static size_t next_run(const struct channel *channel)
{
	for (size_t i = 0; i < channel->n_outgoing; i++)
		if (channel->outgoing[i].offset)
			return channel->outgoing[i].offset;
	return channel->output.size;
}

static void sent(struct channel *channel, size_t n, bool with_fd)
{
	buffer_consume(&channel->output, n);
	if (with_fd) {
		close(channel->outgoing[0].fd);
		channel->n_outgoing--;
		memmove(channel->outgoing, channel->outgoing + 1,
			channel->n_outgoing * sizeof(*channel->outgoing));
	}
	for (size_t i = 0; i < channel->n_outgoing; i++)
		channel->outgoing[i].offset -= n;
}

union fd_control {
	struct cmsghdr align;
	char room[CMSG_SPACE(CHANNEL_MAX_FDS * sizeof(int))];
};

static void attach_fd(struct msghdr *header, union fd_control *control, int fd)
{
	struct cmsghdr *cmsg;

	memset(control, 0, sizeof(*control));
	header->msg_control = control;
	header->msg_controllen = CMSG_SPACE(sizeof(fd));
	cmsg = CMSG_FIRSTHDR(header);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
}

/* Returns whether it makes sense to try again at once. */
static bool send_some(struct channel *channel)
{
	struct iovec vector = {channel->output.data, next_run(channel)};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
	bool with_fd = channel->n_outgoing && !channel->outgoing[0].offset;
	union fd_control control;
	ssize_t n;

	if (with_fd)
		attach_fd(&header, &control, channel->outgoing[0].fd);
	n = sendmsg(channel->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0)
		sent(channel, n, with_fd);
	else if (errno == EAGAIN)
		return false;
	else if (errno != EINTR)
		channel_write_failed(channel, errno);
	return true;
}

/* Is there someone to hear messages? */
static bool is_listening(const struct channel *channel)
{
	return !channel->ended && !channel->draining && !channel->held;
}

static int on_broken(sd_event_source *source, void *userdata)
{
	_cleanup_(channel_unrefp) struct channel *channel = channel_ref(userdata);

	(void)source;
	channel_end_of_input(channel);
	return 0;
}

/* The kernel won't tell what happens on the socket: the loop itself ends the connection. */
static void channel_break(struct channel *channel, int code)
{
	if (channel->broken)
		return;
	if (!channel->write_error)
		channel->write_error = error_errno(code, "event loop");
	sd_event_add_defer(channel->event, &channel->broken, on_broken, channel);
}

static void channel_flush(struct channel *channel)
{
	uint32_t events = is_listening(channel) ? EPOLLIN : 0;
	int r;

	while (channel->output.size)
		if (!send_some(channel))
			break;
	if (channel->output.size || channel->draining)
		events |= EPOLLOUT;
	r = sd_event_source_set_io_events(channel->io, events);
	/* A hangup is reported to the deaf too, and would keep the loop turning. */
	if (r >= 0)
		r = sd_event_source_set_enabled(channel->io,
						events ? SD_EVENT_ON : SD_EVENT_OFF);
	if (r < 0)
		channel_break(channel, -r);
}

/* Descriptors beyond what was agreed are closed: a peer can't fill our table. */
static struct error *keep_fds(struct channel *channel, const struct cmsghdr *cmsg)
{
	size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	bool too_many = false;

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
		if (channel->n_incoming < CHANNEL_MAX_FDS) {
			channel->incoming[channel->n_incoming++] = fd;
		} else {
			close(fd);
			too_many = true;
		}
	}
	return too_many ? error_new(EPROTO, "too many descriptors came") : NULL;
}

static struct error *take_control(struct channel *channel, struct msghdr *header)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(header); cmsg; cmsg = CMSG_NXTHDR(header, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS)
			try(keep_fds(channel, cmsg));
	if (header->msg_flags & MSG_CTRUNC)
		return error_new(EPROTO, "too many descriptors came");
	return NULL;
}

static void handle_garbage(struct channel *channel, struct error *error)
{
	if (channel->handlers.garbage)
		channel->handlers.garbage(channel, error, channel->userdata);
	else
		channel_end(channel, error);
}

static void handle_lines(struct channel *channel)
{
	while (is_listening(channel)) {
		_cleanup_json_ json_t *message = NULL;
		struct error *error = lines_next_json(&channel->lines, &message);

		if (error)
			handle_garbage(channel, error);
		else if (message)
			channel->handlers.message(channel, message, channel->userdata);
		else
			return;
	}
}

static void channel_receive(struct channel *channel)
{
	char block[READ_SIZE];
	union fd_control control;
	struct iovec vector = {block, sizeof(block)};
	struct msghdr header = {.msg_iov = &vector,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(channel->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct error *error;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0 || (n < 0 && peer_is_gone(errno))) {
		channel_end_of_input(channel);
		return;
	}
	error = n < 0 ? error_errno(errno, "receive") : take_control(channel, &header);
	if (error) {
		channel_end(channel, error);
		return;
	}
	lines_feed(&channel->lines, block, n);
	handle_lines(channel);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	_cleanup_(channel_unrefp) struct channel *channel = channel_ref(userdata);

	bool waited = channel->output.size;

	(void)source;
	(void)fd;
	if (channel->draining || (events & EPOLLOUT))
		channel_flush(channel);
	if (channel->draining && !channel->output.size)
		channel_end_of_input(channel);
	else if (waited && !channel->output.size && channel->handlers.drained)
		channel->handlers.drained(channel, channel->userdata);
	if (is_listening(channel) && (events & ~(uint32_t)EPOLLOUT))
		channel_receive(channel);
	return 0;
}

static int on_backlog(sd_event_source *source, void *userdata)
{
	_cleanup_(channel_unrefp) struct channel *channel = channel_ref(userdata);

	(void)source;
	channel->backlog = sd_event_source_disable_unref(channel->backlog);
	handle_lines(channel);
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	_cleanup_(channel_unrefp) struct channel *channel = channel_ref(userdata);

	(void)source;
	(void)usec;
	channel_end(channel, error_new(ETIMEDOUT, "the other side doesn't read"));
	return 0;
}

struct error *channel_new(struct channel **result, sd_event *event, int fd,
			  const struct channel_limits *limits,
			  const struct channel_handlers *handlers, void *userdata)
{
	_cleanup_channel_ struct channel *channel = xcalloc(1, sizeof(*channel));
	int r;

	channel->references = 1;
	channel->fd = fd;
	channel->event = sd_event_ref(event);
	channel->queue_limit = limits->queue;
	channel->handlers = *handlers;
	channel->userdata = userdata;
	lines_init(&channel->lines, limits->line);
	r = sd_event_add_io(event, &channel->io, fd, EPOLLIN, on_io, channel);
	if (r < 0)
		return error_errno(-r, "event loop");
	*result = steal_ptr(channel);
	return NULL;
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	channel_disconnect(channel);
	channel_unref(channel);
}

/* @fd: owned from here on; -1: none. */
static struct error *channel_queue(struct channel *channel, json_t *message, int fd)
{
	_cleanup_json_ json_t *owned = message;
	_cleanup_close_ int passed = fd;
	_cleanup_free_ char *line = NULL;
	size_t length;

	if (channel->ended || channel->draining)
		return error_new(ENOTCONN, "the connection is closed");
	if (!owned)
		return error_new(EILSEQ, "text that is not UTF-8");
	line = json_line(owned);
	length = strlen(line);
	if (length > channel->queue_limit - channel->output.size)
		return error_new(ENOBUFS, "the other side doesn't read");
	if (passed >= 0) {
		grow(channel->outgoing, channel->n_outgoing);
		channel->outgoing[channel->n_outgoing++] =
			(struct outgoing_fd){channel->output.size, steal_fd(passed)};
	}
	buffer_append(&channel->output, line, length);
	channel_flush(channel);
	return NULL;
}

struct error *channel_send(struct channel *channel, json_t *message)
{
	return channel_queue(channel, message, -1);
}

struct error *channel_send_fd(struct channel *channel, json_t *message, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0) {
		json_decref(message);
		return error_errno(errno, "descriptor %d", fd);
	}
	return channel_queue(channel, message, copy);
}

int channel_take_fd(struct channel *channel)
{
	int fd;

	if (!channel->n_incoming)
		return -1;
	fd = channel->incoming[0];
	channel->n_incoming--;
	memmove(channel->incoming, channel->incoming + 1,
		channel->n_incoming * sizeof(channel->incoming[0]));
	return fd;
}

void channel_drain(struct channel *channel, uint64_t timeout)
{
	if (channel->ended || channel->draining)
		return;
	channel->draining = true;
	sd_event_add_time_relative(channel->event, &channel->deadline, CLOCK_MONOTONIC,
				   timeout, 1000, on_deadline, channel);
	channel_flush(channel);
}

void channel_hold(struct channel *channel, bool hold)
{
	if (channel->ended || channel->held == hold)
		return;
	channel->held = hold;
	if (!hold && !channel->backlog)
		sd_event_add_defer(channel->event, &channel->backlog, on_backlog,
				   channel);
	channel_flush(channel);
}

size_t channel_queued(const struct channel *channel)
{
	return channel->output.size;
}
