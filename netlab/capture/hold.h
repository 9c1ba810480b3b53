/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames that wait until all that may have come before them is known. Rings are read one
 * after the other, and a frame stays in the kernel's open block for a while: what is read
 * first isn't always what came first. Pure: blocks in, blocks in the order of their
 * stamps out.
 */
#ifndef NETLAB_CAPTURE_HOLD_H
#define NETLAB_CAPTURE_HOLD_H

#include <stdbool.h>

#include "capture/pcapng.h"

#define HOLD_LIMIT \
	(64u << 20) /* bytes held back at the most; then the oldest half goes */

struct held_block {
	uint64_t stamp;     /* ns since 1970-01-01 UTC */
	size_t offset;      /* of the block in hold->blocks */
	size_t size;        /* its bytes */
	uint32_t interface; /* the frame's */
};

/* Zero-initialised it is empty and valid. */
struct hold {
	struct buffer
		blocks; /* Enhanced Packet Blocks; those that are gone stay a while */
	struct held_block *index;
	size_t first, n; /* elements of @index: from @first on they are held, up to @n */
	size_t capacity; /* elements allocated for @index */
	size_t held;     /* bytes held */
	bool unsorted;   /* the index is not in the order of stamps */
};

/** hold_add() - keep a frame; it is copied */
void hold_add(struct hold *hold, const struct pcapng_frame *frame);

/* A block that is released; @block is borrowed and may be changed. */
typedef void (*hold_release_fn)(const struct held_block *entry, uint8_t *block,
				void *userdata);

/**
 * hold_release() - give @release, oldest first, the blocks with stamps of at most @until
 *
 * Blocks of one stamp stay in the order of arrival. Where more than HOLD_LIMIT bytes are
 * held, the older half of them goes as well.
 */
void hold_release(struct hold *hold, uint64_t until, hold_release_fn release,
		  void *userdata);

/** hold_count() - how many frames of that interface are held */
uint64_t hold_count(const struct hold *hold, uint32_t interface);

/** hold_is_empty() - is nothing held? */
bool hold_is_empty(const struct hold *hold);

void hold_deinit(struct hold *hold);

#endif
