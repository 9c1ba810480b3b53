/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libpcap on links of one or several network namespaces, into one pcapng file.
 *
 * What was captured is written within 50 ms or so, in the order of its stamps across all
 * links. A netlab that is killed leaves a readable file: no block crosses from one page
 * of it into the next (blocks that readers skip fill the gaps), as far as blocks aren't
 * larger than a page. The links are up, and each is promiscuous while it is captured: a
 * bridge shows what its ports say to each other.
 */
#ifndef NETLAB_CAPTURE_CAPTURE_H
#define NETLAB_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

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
};

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

/** capture_get_statistics() - of the link at @index in the options; false: no such
 * link. */
bool capture_get_statistics(struct capture *capture, size_t index,
			    struct capture_statistics *statistics);

/** capture_free() - finishes first where that was not done; NULL is fine. */
void capture_free(struct capture *capture);
DEFINE_CLEANUP(struct capture *, capture_free);
#define _cleanup_capture_ _cleanup_(capture_freep)

#endif
