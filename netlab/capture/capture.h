/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libpcap on links of one or several network namespaces, into one pcapng file.
 *
 * What was captured is written within 50 ms or so, in the order of its stamps across all
 * links. A netlab that is killed leaves a readable file: no block crosses from one page
 * of it into the next (blocks that readers skip fill the gaps), as far as blocks aren't
 * larger than a page. The links are up, and each is promiscuous while it is captured: a
 * bridge shows what its ports say to each other.
 *
 * A capture that is told of the lab's halts stamps frames with lab time (capture/labtime.h), and
 * has an interface "halts" with a row for each (capture/haltrows.h). As a halt is told a
 * little after it began, all is written CAPTURE_LATE_NS later.
 */
#ifndef NETLAB_CAPTURE_CAPTURE_H
#define NETLAB_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "capture/haltrows.h"
#include "topology/topology.h"
#include "util/error.h"

struct capture;

struct capture_link {
	const char *name;  /* the link's, in its namespace */
	const char *label; /* what the file calls it: "h1/eth0"; NULL: @name */
	int namespace; /* descriptor of its network namespace; -1: the process's. It is
			* needed by capture_new() alone */
	const char *
		description; /* for people: "bridge br0", "tap of server, e1000"; NULL: none */
};

struct capture_options {
	const struct capture_link *links;
	size_t n_links;     /* at least 1 */
	uint32_t snaplen;   /* bytes of each frame; 0: all, up to 262144 */
	const char *filter; /* pcap-filter(7); NULL: none */
	size_t ring_bytes;  /* kernel ring of each link; 0: 8 MiB */
	const char *
		comment; /* for the section header: what this is a capture of; NULL: none */
	bool halts;      /* capture_halt() will tell of them */
	enum capture_clock clock; /* of the stamps, where halts are told */
	uint64_t halted_ns; /* how long the lab stood still before this capture began */
	char *const
		*consoles; /* further interfaces, for capture_add_line(); NULL: none */
};

/* How late a halt may be told, so that what came behind it is stamped right. */
#define CAPTURE_LATE_NS (20ull * 1000000)

/* What a link's capture has seen so far, in frames. */
struct capture_statistics {
	uint64_t received; /* that passed the filter, those dropped included */
	uint64_t dropped;  /* by the kernel for want of room in the ring */
	uint64_t written;  /* into the file */
};

/**
 * capture_failed_fn - the file can't be written (a full disk), or a link is gone
 * @error: owned by the callee; its code is EPIPE where the reader of a pipe has gone
 *
 * The capture has stopped and its file is closed, with whole blocks in it; the callee may
 * free it. Called at most once, from the event loop.
 */
typedef void (*capture_failed_fn)(struct capture *capture, struct error *error,
				  void *userdata);

/**
 * capture_new() - open the links and begin; on return every frame from now on is seen
 * @fd: where to write, blocking: a file or a pipe (SIGPIPE is ignored by the caller);
 *      owned by the capture from here on, on error too
 * Return: an error about a link: it doesn't exist, is down, may not be captured on; or
 * about the filter, in libpcap's words.
 */
must_use struct error *capture_new(struct capture **capture, sd_event *event, int fd,
				   const struct capture_options *options,
				   capture_failed_fn failed, void *userdata);

/**
 * capture_finish() - drain the rings, write all, then the statistics blocks, and close
 * the file
 *
 * Takes one block timeout of the kernel's (12 ms), 100 ms at the most. The statistics
 * remain.
 *
 * Return: an error when the file could not be written whole.
 */
must_use struct error *capture_finish(struct capture *capture);

/**
 * capture_halt() - the lab stands still
 * @guest: that stopped it
 * @cause: why, in words; "": its debugger did, which may say where
 * @wall: since when: ns since 1970-01-01 UTC
 */
void capture_halt(struct capture *capture, const char *guest, const char *cause,
		  uint64_t wall);

/** capture_tell() - a debugger says where a guest of the halted lab stands */
void capture_tell(struct capture *capture, const struct halt_place *place);

/** capture_resume() - the lab goes on since @wall (as of capture_halt()) */
void capture_resume(struct capture *capture, uint64_t wall);

/**
 * capture_add_line() - a row of a text's own
 * @console: position in the options
 * @wall: when it came: ns since 1970-01-01 UTC
 * @priority: as of capture/row.h
 * @text: one line of UTF-8; an empty one is left out
 */
void capture_add_line(struct capture *capture, size_t console, uint64_t wall,
		      int priority, const char *text);

struct capture_flush;

/**
 * capture_flushed_fn - what was captured before capture_flush() is in the file
 * @packets: in the file, from its beginning
 * @error: why it is not; owned by the callee
 *
 * Called once, from the event loop or capture_finish(); the capture_flush is gone then.
 */
typedef void (*capture_flushed_fn)(uint64_t packets, struct error *error, void *userdata);

/** capture_flush() - be told; a halt's row waits for no debugger. It takes some 50 ms. */
struct capture_flush *capture_flush(struct capture *capture, capture_flushed_fn flushed,
				    void *userdata);

/** capture_flush_cancel() - not to be told any more; NULL is fine. */
void capture_flush_cancel(struct capture_flush *flush);

/** capture_get_statistics() - of the link at @index in the options; false: no such
 * link. */
bool capture_get_statistics(struct capture *capture, size_t index,
			    struct capture_statistics *statistics);

/** capture_free() - finishes first where that was not done; NULL is fine. */
void capture_free(struct capture *capture);
DEFINE_CLEANUP(struct capture *, capture_free);
#define _cleanup_capture_ _cleanup_(capture_freep)

#endif
