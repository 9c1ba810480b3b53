// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/hold.h"

#include <string.h>

#include "util/string.h"

static struct held_block *new_entry(struct hold *hold)
{
	if (hold->n == hold->capacity) {
		hold->capacity = hold->capacity ? 2 * hold->capacity : 256;
		hold->index =
			xreallocarray(hold->index, hold->capacity, sizeof(*hold->index));
	}
	return &hold->index[hold->n++];
}

static int compare_entries(const void *a, const void *b)
{
	const struct held_block *x = a, *y = b;

	if (x->stamp != y->stamp)
		return x->stamp < y->stamp ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

void hold_add(struct hold *hold, const struct pcapng_frame *frame)
{
	struct held_block *entry = new_entry(hold);

	entry->stamp = frame->stamp;
	entry->interface = frame->interface;
	entry->offset = hold->blocks.size;
	pcapng_append_frame(&hold->blocks, frame);
	entry->size = hold->blocks.size - entry->offset;
	hold->held += entry->size;
	if (hold->n - hold->first > 1 && compare_entries(entry - 1, entry) > 0)
		hold->unsorted = true;
}

/* One ring read alone is nearly always in order already. */
static void sort_entries(struct hold *hold)
{
	if (hold->unsorted)
		qsort(hold->index + hold->first, hold->n - hold->first,
		      sizeof(*hold->index), compare_entries);
	hold->unsorted = false;
}

/* Is the first entry of the sorted index due: up to @until, or what exceeds @most? */
static bool is_due(const struct hold *hold, uint64_t until, size_t most)
{
	return hold->first < hold->n &&
	       (hold->index[hold->first].stamp <= until || hold->held > most);
}

/* Moves what stays to the front: into a new buffer, in order, so that offsets are too. */
static void compact(struct hold *hold)
{
	struct buffer rest = {0};
	size_t gone = hold->first;

	for (size_t i = gone; i < hold->n; i++) {
		struct held_block entry = hold->index[i];

		entry.offset = rest.size;
		buffer_append(&rest, hold->blocks.data + hold->index[i].offset,
			      entry.size);
		hold->index[i - gone] = entry;
	}
	hold->first = 0;
	hold->n -= gone;
	buffer_deinit(&hold->blocks);
	hold->blocks = rest;
}

void hold_release(struct hold *hold, uint64_t until, hold_release_fn release,
		  void *userdata)
{
	size_t most = hold->held > HOLD_LIMIT ? HOLD_LIMIT / 2 : hold->held;

	sort_entries(hold);
	while (is_due(hold, until, most)) {
		const struct held_block *entry = &hold->index[hold->first++];

		hold->held -= entry->size;
		release(entry, hold->blocks.data + entry->offset, userdata);
	}
	/* At once, each of many small releases would move all the rest. */
	if (hold->first && 2 * hold->held <= hold->blocks.size)
		compact(hold);
}

uint64_t hold_count(const struct hold *hold, uint32_t interface)
{
	uint64_t count = 0;

	for (size_t i = hold->first; i < hold->n; i++)
		count += hold->index[i].interface == interface;
	return count;
}

bool hold_is_empty(const struct hold *hold)
{
	return hold->first == hold->n;
}

void hold_deinit(struct hold *hold)
{
	buffer_deinit(&hold->blocks);
	free(hold->index);
	*hold = (struct hold){0};
}
