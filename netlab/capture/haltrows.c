// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/haltrows.h"

#include <inttypes.h>
#include <time.h>

#include "util/string.h"

#define WORDS_MAX 256u /* bytes of a name that a debugger tells */

static void event_deinit(struct halt_event *event)
{
	free(event->guest);
	free(event->cause);
	free(event->place);
	*event = (struct halt_event){0};
}

static struct halt_event *push(struct halt_rows *rows, enum halt_event_kind kind,
			       const char *guest, uint64_t wall)
{
	if (rows->first && rows->first == rows->n)
		rows->first = rows->n = 0;
	grow(rows->events, rows->n);
	rows->events[rows->n] = (struct halt_event){
		.kind = kind,
		.wall = wall,
		.guest = xstrdup(guest),
		.ready = true,
	};
	return &rows->events[rows->n++];
}

/* The beginning that still waits for its place; nothing of an earlier halt does. */
static struct halt_event *waiting(struct halt_rows *rows)
{
	for (size_t i = rows->n; i > rows->first; i--)
		if (!rows->events[i - 1].ready)
			return &rows->events[i - 1];
	return NULL;
}

/* " at tcp_v4_rcv (net/ipv4/tcp_ipv4.c:1953), breakpoint 2" */
static char *place_text(const struct halt_place *place)
{
	_cleanup_free_ char *function = printable(place->function ?: "", WORDS_MAX);
	_cleanup_free_ char *file = printable(place->file ?: "", WORDS_MAX);
	_cleanup_free_ char *where = NULL, *number = NULL;

	if (*file)
		where = xasprintf(" (%s:%u)", file, place->line);
	if (place->breakpoint)
		number = xasprintf(", breakpoint %u", place->breakpoint);
	return xasprintf("%s%s%s%s", *function ? " at " : "", function, where ?: "",
			 number ?: "");
}

static void tell(struct halt_rows *rows, const char *guest, char *place, uint64_t wall)
{
	struct halt_event *event = waiting(rows);

	if (!event || !streq(event->guest, guest))
		event = push(rows, HALT_TOLD, guest, wall);
	event->place = place;
	event->ready = true;
}

/* No halt has come of it: the guest stands still alone. */
static void give_up_early(struct halt_rows *rows)
{
	if (!rows->early.guest)
		return;
	tell(rows, rows->early.guest, steal_ptr(rows->early.place), rows->early.wall);
	event_deinit(&rows->early);
}

void halt_rows_begin(struct halt_rows *rows, const char *guest, const char *cause,
		     uint64_t wall, uint64_t now)
{
	struct halt_event *event;

	if (rows->halted)
		return;
	rows->halted = true;
	rows->began = wall;
	free(rows->guest);
	rows->guest = xstrdup(guest);
	rows->deadline = now + HALT_GRACE_NS;
	event = push(rows, HALT_BEGAN, guest, wall);
	event->cause = printable(cause, WORDS_MAX);
	event->ready = false;
	if (rows->early.wall >= wall)
		give_up_early(rows);
	event_deinit(&rows->early);
}

void halt_rows_tell(struct halt_rows *rows, const struct halt_place *place, uint64_t wall)
{
	char *text = place_text(place);

	if (rows->halted) {
		tell(rows, place->guest, text, wall);
		return;
	}
	give_up_early(rows);
	rows->early.guest = xstrdup(place->guest);
	rows->early.place = text;
	rows->early.wall = wall;
}

/* Takes back the halt that began last: it becomes part of a sum. */
static void sum_up(struct halt_rows *rows, uint64_t end)
{
	struct halt_event *last;

	event_deinit(&rows->events[--rows->n]);
	last = rows->n > rows->first ? &rows->events[rows->n - 1] : NULL;
	if (!last || last->kind != HALT_SUMMED) {
		last = push(rows, HALT_SUMMED, rows->guest, end);
		last->since = rows->began;
	}
	last->wall = end;
	last->lasted += end - rows->began;
	last->n++;
}

static void push_end(struct halt_rows *rows, uint64_t end)
{
	struct halt_event *event = push(rows, HALT_ENDED, rows->guest, end);

	event->since = rows->began;
	event->lasted = end - rows->began;
}

void halt_rows_end(struct halt_rows *rows, uint64_t wall)
{
	uint64_t end = wall > rows->began ? wall : rows->began;
	struct halt_event *event = waiting(rows);

	if (!rows->halted)
		return;
	rows->halted = false;
	if (event && event == &rows->events[rows->n - 1] &&
	    end - rows->began < HALT_GRACE_NS) {
		sum_up(rows, end);
		return;
	}
	if (event)
		event->ready = true;
	push_end(rows, end);
}

uint64_t halt_rows_wait(struct halt_rows *rows, uint64_t until, uint64_t now)
{
	struct halt_event *event = waiting(rows);

	if (event && now >= rows->deadline)
		event->ready = true;
	if (until >= rows->early.wall && until - rows->early.wall >= HALT_GRACE_NS)
		give_up_early(rows);
	return event && !event->ready && event->wall < until ? event->wall : until;
}

static bool is_due(const struct halt_rows *rows, size_t i, uint64_t until)
{
	return i < rows->n && rows->events[i].ready && rows->events[i].wall <= until;
}

bool halt_rows_due(const struct halt_rows *rows, uint64_t until, uint64_t *wall)
{
	const struct halt_event *event = rows->events;

	if (!is_due(rows, rows->first, until))
		return false;
	event += rows->first;
	*wall = event->wall;
	return event->kind != HALT_SUMMED || until - event->since >= HALT_SUM_NS ||
	       is_due(rows, rows->first + 1, until);
}

/* "2026-11-21T14:33:01.123456Z": QEMU tells microseconds. */
static char *date_text(uint64_t wall)
{
	time_t seconds = wall / 1000000000;
	char date[64] = "";
	struct tm utc;

	if (gmtime_r(&seconds, &utc))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	return xasprintf("%s.%06uZ", date, (unsigned)(wall % 1000000000 / 1000));
}

static char *sum_text(const struct halt_event *event)
{
	_cleanup_free_ char *date = date_text(event->since);
	bool many = event->n > 1;

	return xasprintf("%" PRIu64 " halt%s of less than %u ms, %.6f s%s; %s%s",
			 event->n, many ? "s" : "", (unsigned)(HALT_GRACE_NS / 1000000),
			 event->lasted / 1e9, many ? " together" : "",
			 many ? "the first: " : "", date);
}

static char *begin_text(const struct halt_event *event)
{
	_cleanup_free_ char *date = date_text(event->wall);
	const char *place = event->place ?: "";

	if (*event->cause)
		return xasprintf("%s halted%s: %s; %s", event->guest, place, event->cause,
				 date);
	return xasprintf("%s halted%s; %s", event->guest,
			 *place ? place : " by a debugger", date);
}

static char *end_text(const struct halt_event *event, uint64_t frames)
{
	return xasprintf("%s goes on after %.6f s; %" PRIu64 " frame%s came meanwhile",
			 event->guest, event->lasted / 1e9, frames,
			 frames == 1 ? "" : "s");
}

static char *event_text(struct halt_rows *rows, const struct halt_event *event,
			uint64_t frames)
{
	switch (event->kind) {
	case HALT_BEGAN:
		rows->frames = frames;
		return begin_text(event);
	case HALT_TOLD:
		return xasprintf("%s is halted%s", event->guest, event->place);
	case HALT_ENDED:
		return end_text(event, frames - rows->frames);
	case HALT_SUMMED:
		return sum_text(event);
	}
	return NULL;
}

char *halt_rows_take(struct halt_rows *rows, uint64_t frames)
{
	struct halt_event *event = &rows->events[rows->first];
	char *text = event_text(rows, event, frames);

	event_deinit(event);
	rows->first++;
	return text;
}

bool halt_rows_pending(const struct halt_rows *rows)
{
	return rows->first < rows->n || rows->early.guest;
}

void halt_rows_deinit(struct halt_rows *rows)
{
	for (size_t i = rows->first; i < rows->n; i++)
		event_deinit(&rows->events[i]);
	event_deinit(&rows->early);
	free(rows->events);
	free(rows->guest);
	*rows = (struct halt_rows){0};
}
