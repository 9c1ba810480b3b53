/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is written, in which order and with which stamps: frames of the links and lines of
 * consoles as they were held, rows of the lab's halts between them. All are sorted by the wall
 * clock, and stamped with lab time when they are released; so frames that came during a halt
 * stand between its two rows. Pure: the clocks are the caller's.
 */
#ifndef NETLAB_CAPTURE_TIMELINE_H
#define NETLAB_CAPTURE_TIMELINE_H

#include "capture/haltrows.h"
#include "capture/hold.h"
#include "capture/labtime.h"
#include "capture/row.h"

/* Zero-initialised but for the settings, it is empty and valid. */
struct timeline {
	bool wall;      /* setting: the stamps are the wall clock's */
	uint32_t links; /* setting: the interfaces below this one are links' */
	uint32_t halts; /* setting: the interface of rows about halts; 0: there is none */
	struct hold hold; /* frames and lines, with stamps of the wall clock */
	struct labtime time;
	struct halt_rows rows;
	uint64_t released; /* wall: what came until then is out */
	uint64_t frames;   /* of links that are out */
	uint64_t packets;  /* that are out: what a reader of the file counts */
};

/**
 * timeline_halt() - the lab stood still from @wall (ns since 1970) on, by @guest's doing, for
 * @cause as of halt_rows_begin()
 *
 * Where that is told so late that later frames are out, it counts from these on: what is written
 * never goes back in time.
 * @now: ns of a clock that doesn't go back
 */
void timeline_halt(struct timeline *timeline, const char *guest, const char *cause,
		   uint64_t wall, uint64_t now);

/** timeline_resume() - it goes on since @wall */
void timeline_resume(struct timeline *timeline, uint64_t wall);

/**
 * timeline_add_line() - a line that will be a row of its own, at @line's stamp (wall clock), or
 * behind what is out already
 */
void timeline_add_line(struct timeline *timeline, const struct row *line);

/**
 * timeline_release() - append to @out what is due: all of it came until @until (wall)
 * @now: as of timeline_halt(); UINT64_MAX: no row waits for a debugger any longer
 *
 * What comes behind a halt is kept until its first row is known.
 */
void timeline_release(struct timeline *timeline, uint64_t until, uint64_t now,
		      struct buffer *out);

/** timeline_is_pending() - is there anything that time alone will release? */
bool timeline_is_pending(const struct timeline *timeline);

/** timeline_stamp() - what the file calls @wall */
uint64_t timeline_stamp(const struct timeline *timeline, uint64_t wall);

void timeline_deinit(struct timeline *timeline);

#endif
