// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/labtime.h"

#include <string.h>

#define LASTS UINT64_MAX

static struct labtime_halt *last_halt(struct labtime *time)
{
	return time->n ? &time->halts[time->n - 1] : NULL;
}

bool labtime_is_halted(const struct labtime *time)
{
	return time->n && time->halts[time->n - 1].end == LASTS;
}

/* Makes room: what happens now is seldom about the halts of long ago. */
static void forget_first(struct labtime *time)
{
	time->n--;
	memmove(&time->halts[0], &time->halts[1], time->n * sizeof(time->halts[0]));
	time->before = time->halts[0].before;
}

void labtime_halt(struct labtime *time, uint64_t wall)
{
	const struct labtime_halt *last = last_halt(time);
	uint64_t before = time->before;

	if (labtime_is_halted(time))
		return;
	if (last) {
		before = last->before + last->end - last->begin;
		wall = wall > last->end ? wall : last->end;
	}
	if (time->n == LABTIME_HALTS)
		forget_first(time);
	time->halts[time->n++] = (struct labtime_halt){wall, LASTS, before};
}

void labtime_resume(struct labtime *time, uint64_t wall)
{
	struct labtime_halt *last = last_halt(time);

	if (labtime_is_halted(time))
		last->end = wall > last->begin ? wall : last->begin;
}

/* What is asked for is nearly always recent. */
uint64_t labtime_halted(const struct labtime *time, uint64_t wall)
{
	for (unsigned i = time->n; i > 0; i--) {
		const struct labtime_halt *halt = &time->halts[i - 1];

		if (halt->begin < wall)
			return halt->before + (wall < halt->end ? wall : halt->end) -
			       halt->begin;
	}
	return time->before;
}

uint64_t labtime_at(const struct labtime *time, uint64_t wall)
{
	uint64_t halted = labtime_halted(time, wall);

	return wall > halted ? wall - halted : 0;
}
