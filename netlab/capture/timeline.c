// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/timeline.h"

#include "util/string.h"

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void timeline_halt(struct timeline *timeline, const char *guest, const char *cause,
		   uint64_t wall, uint64_t now)
{
	labtime_halt(&timeline->time, later(wall, timeline->released));
	halt_rows_begin(&timeline->rows, guest, cause, wall, now);
}

void timeline_resume(struct timeline *timeline, uint64_t wall)
{
	labtime_resume(&timeline->time, wall);
	halt_rows_end(&timeline->rows, wall);
}

void timeline_add_line(struct timeline *timeline, const struct row *line)
{
	_cleanup_buffer_ struct buffer payload = {0};

	row_payload(&payload, line);
	hold_add(&timeline->hold, &(struct pcapng_frame){
					  .interface = line->interface,
					  .stamp = later(line->stamp, timeline->released),
					  .data = payload.data,
					  .captured = payload.size,
					  .length = payload.size,
				  });
}

uint64_t timeline_stamp(const struct timeline *timeline, uint64_t wall)
{
	return timeline->wall ? wall : labtime_at(&timeline->time, wall);
}

struct releasing {
	struct timeline *timeline;
	struct buffer *out;
};

static void release_block(const struct held_block *entry, uint8_t *block, void *userdata)
{
	struct releasing *releasing = userdata;
	struct timeline *timeline = releasing->timeline;

	pcapng_set_stamp(block, timeline_stamp(timeline, entry->stamp));
	buffer_append(releasing->out, block, entry->size);
	timeline->released = later(timeline->released, entry->stamp);
	timeline->frames += entry->interface < timeline->links;
	timeline->packets++;
}

static void release_until(struct timeline *timeline, uint64_t wall, struct buffer *out)
{
	hold_release(&timeline->hold, wall, release_block,
		     &(struct releasing){timeline, out});
	timeline->released = later(timeline->released, wall);
}

static void release_row(struct timeline *timeline, uint64_t wall, struct buffer *out)
{
	_cleanup_free_ char *text = halt_rows_take(&timeline->rows, timeline->frames);

	if (!timeline->halts)
		return;
	row_append(out, &(struct row){
				.interface = timeline->halts,
				.stamp = timeline_stamp(timeline,
							later(wall, timeline->released)),
				.priority = ROW_NO_PRIORITY,
				.text = text,
			});
	timeline->packets++;
}

void timeline_release(struct timeline *timeline, uint64_t until, uint64_t now,
		      struct buffer *out)
{
	uint64_t wall;

	until = halt_rows_wait(&timeline->rows, until, now);
	while (halt_rows_due(&timeline->rows, until, &wall)) {
		release_until(timeline, wall, out);
		release_row(timeline, wall, out);
	}
	release_until(timeline, until, out);
}

bool timeline_is_pending(const struct timeline *timeline)
{
	return !hold_is_empty(&timeline->hold) || halt_rows_pending(&timeline->rows);
}

void timeline_deinit(struct timeline *timeline)
{
	hold_deinit(&timeline->hold);
	halt_rows_deinit(&timeline->rows);
}
