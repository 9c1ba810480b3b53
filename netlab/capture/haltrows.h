/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which rows the halts of a lab make in its capture, and when. Pure: a list of what happened in,
 * texts out.
 *
 * A halt has a row where it begins, with its cause or what a debugger says of it, and one where
 * it ends; both stand at the lab time of the halt, around the frames that came meanwhile. The
 * first waits for the debugger for HALT_GRACE_NS at most: what it says later is a row of its own.
 * Halts that were over before that and that no debugger spoke of (breakpoints whose condition was
 * false) are counted, and summed up in one row each HALT_SUM_NS.
 */
#ifndef NETLAB_CAPTURE_HALTROWS_H
#define NETLAB_CAPTURE_HALTROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HALT_GRACE_NS (200ull * 1000000)
#define HALT_SUM_NS   (1000ull * 1000000)

/* Where a debugger says that a guest stands; all borrowed. */
struct halt_place {
	const char *guest;
	const char *function; /* NULL: not known */
	const char *file;     /* below the kernel's tree; NULL: not known */
	unsigned line;        /* 0: not known */
	unsigned breakpoint;  /* gdb's number; 0: it stopped for another reason */
};

enum halt_event_kind {
	HALT_BEGAN,
	HALT_TOLD, /* a debugger spoke of it once more, or of another guest */
	HALT_ENDED,
	HALT_SUMMED, /* halts that are worth no row of their own */
};

/* Something that will be a row. */
struct halt_event {
	enum halt_event_kind kind;
	uint64_t wall;   /* HALT_SUMMED: when the last one ended */
	uint64_t since;  /* wall: when the halt began that ended, or the first one did */
	uint64_t lasted; /* ns: it, or all of them together */
	uint64_t n;      /* how many were summed up */
	char *guest;     /* owned */
	char *cause;     /* owned; "": nothing is known but what a debugger says */
	char *place;     /* owned; NULL: nothing is known */
	bool ready;      /* its row waits for nothing that a debugger may say */
};

/* Zero-initialised there was no halt. All times are in ns; wall: of the wall clock, since
 * 1970-01-01 UTC; now: of any that never goes back. */
struct halt_rows {
	struct halt_event *events; /* in their order; those before @first are done */
	size_t n, first;
	bool halted;
	char *guest;             /* that halted the lab; owned */
	uint64_t began;          /* wall: the halt that lasts, or the last one */
	uint64_t deadline;       /* now: until when its first row waits */
	struct halt_event early; /* what was told before the halt was; no kind */
	uint64_t frames;         /* written when the halt's first row was */
};

/**
 * halt_rows_begin() - @guest halted the lab; where it is halted, nothing comes of it
 * @cause: in words; "": its debugger stopped it, and may say where
 */
void halt_rows_begin(struct halt_rows *rows, const char *guest, const char *cause,
		     uint64_t wall, uint64_t now);

/**
 * halt_rows_tell() - a debugger says where a guest stands
 * @wall: when it said so. It may say so before the halt was told: what was said before it began
 *	  is not of it, and becomes a row of its own where no halt follows (without lockstep).
 */
void halt_rows_tell(struct halt_rows *rows, const struct halt_place *place,
		    uint64_t wall);

/** halt_rows_end() - the lab goes on; where it does, nothing comes of it */
void halt_rows_end(struct halt_rows *rows, uint64_t wall);

/**
 * halt_rows_wait() - until when frames may be written before more is known of a halt
 * @until: wall: all frames of up to then are known
 * @now: UINT64_MAX: nothing is waited for any longer
 * Return: wall, @until at the most.
 */
uint64_t halt_rows_wait(struct halt_rows *rows, uint64_t until, uint64_t now);

/**
 * halt_rows_due() - is there a row to be written before the first frame behind @until (wall)?
 * @wall: when that is; frames of up to then come before it
 */
bool halt_rows_due(const struct halt_rows *rows, uint64_t until, uint64_t *wall);

/**
 * halt_rows_take() - the text of the row that is due, which the caller frees
 * @frames: how many frames were written so far
 */
char *halt_rows_take(struct halt_rows *rows, uint64_t frames);

/** halt_rows_pending() - will there be rows, without anything that happens? */
bool halt_rows_pending(const struct halt_rows *rows);

void halt_rows_deinit(struct halt_rows *rows);

#endif
