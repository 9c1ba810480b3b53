/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock of a lab: the wall clock, without the time that the lab stood still. What happens
 * while it does, happens at the moment at which it stopped. Pure: no clock is looked at.
 *
 * All times are in ns; those of the wall clock since 1970-01-01 UTC. As a function of the wall
 * clock, lab time never goes back, whatever is told of halts: of what was asked before, only
 * times behind a halt's beginning become others.
 */
#ifndef NETLAB_CAPTURE_LABTIME_H
#define NETLAB_CAPTURE_LABTIME_H

#include <stdbool.h>
#include <stdint.h>

/* Halts of which the times are known; of earlier ones, only how long they were together. */
#define LABTIME_HALTS 64u

struct labtime_halt {
	uint64_t begin, end; /* wall clock; the end of one that lasts: UINT64_MAX */
	uint64_t before;     /* ns halted before it */
};

/* Zero-initialised it is the clock of a lab that never stood still. */
struct labtime {
	struct labtime_halt halts[LABTIME_HALTS]; /* in their order, and apart */
	unsigned n;
	uint64_t before; /* ns halted before the first of those */
};

/**
 * labtime_halt() - the lab stands still from then on
 *
 * One that begins within the halt before (a wall clock that was set back) begins at its end. Where
 * the lab stands still already, nothing comes of it.
 */
void labtime_halt(struct labtime *time, uint64_t wall);

/** labtime_resume() - it goes on; before the halt's beginning means at it. */
void labtime_resume(struct labtime *time, uint64_t wall);

bool labtime_is_halted(const struct labtime *time);

/** labtime_at() - the lab's time at @wall; 0 where more was halted than there was before. */
uint64_t labtime_at(const struct labtime *time, uint64_t wall);

/** labtime_halted() - how long the lab has stood still until @wall */
uint64_t labtime_halted(const struct labtime *time, uint64_t wall);

#endif
