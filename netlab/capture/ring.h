/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One link's capture: a libpcap handle on a TPACKET_V3 ring. */
#ifndef NETLAB_CAPTURE_RING_H
#define NETLAB_CAPTURE_RING_H

#include <pcap/pcap.h>

#include "capture/capture.h"
#include "capture/hold.h"

/* The kernel hands over a block of the ring when it is full, or after this time. */
#define RING_BLOCK_TIMEOUT_MS 10

struct ring {
	pcap_t *pcap;
	char *device;         /* the link's name in its namespace; owned */
	char *name;           /* what the file and messages call it; owned */
	uint32_t interface;   /* its position in the file */
	uint64_t known_until; /* ns: all frames with stamps up to here were read */
	uint64_t taken;       /* frames read out of the ring */
	uint64_t received;    /* frames that passed the filter, those dropped included */
	uint64_t dropped;     /* frames for which the ring had no room */
	struct pcap_stat
		last; /* libpcap's counters when they were last read; they wrap */
};

/**
 * ring_open() - begin to capture on @link
 * Return: an error about the link: it does not exist, is down, may not be captured on, or
 * the filter is wrong (in libpcap's words).
 */
must_use struct error *ring_open(struct ring *ring, const struct capture_link *link,
				 const struct capture_options *options);

/** ring_close() - a ring that was not opened, all zero, is fine */
void ring_close(struct ring *ring);

/** ring_fd() - becomes readable when a block is there */
int ring_fd(const struct ring *ring);

/** ring_link_type() - LINKTYPE_... of its frames */
uint16_t ring_link_type(const struct ring *ring);

/** ring_read() - move what the kernel has handed over into @hold, up to a bounded
 * number */
must_use struct error *ring_read(struct ring *ring, struct hold *hold);

/** ring_stop() - no further frame enters the ring; those in it stay readable */
void ring_stop(struct ring *ring);

/** ring_count() - bring ->received and ->dropped up to date */
void ring_count(struct ring *ring);

/** ring_is_empty() - was all that entered the ring, as of ring_count(), read? */
bool ring_is_empty(const struct ring *ring);

/** ring_needs_polling() - the link is down, and only reading tells when it is gone */
bool ring_needs_polling(const struct ring *ring);

#endif
