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

void hold_add(struct hold *hold, const struct pcapng_frame *frame)
{
	struct held_block *entry = new_entry(hold);

	entry->stamp = frame->stamp;
	entry->interface = frame->interface;
	entry->offset = hold->blocks.size;
	pcapng_append_frame(&hold->blocks, frame);
	entry->size = hold->blocks.size - entry->offset;
}

static int compare_entries(const void *a, const void *b)
{
	const struct held_block *x = a, *y = b;

	if (x->stamp != y->stamp)
		return x->stamp < y->stamp ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* One ring read alone is nearly always in order already. */
static void sort_entries(struct hold *hold)
{
	for (size_t i = 1; i < hold->n; i++)
		if (compare_entries(&hold->index[i - 1], &hold->index[i]) > 0) {
			qsort(hold->index, hold->n, sizeof(*hold->index),
			      compare_entries);
			return;
		}
}

/* How many entries of the sorted index go: those up to @until, and what exceeds the
 * limit. */
static size_t count_due(const struct hold *hold, uint64_t until)
{
	size_t due = 0, left = hold->blocks.size;
	size_t most = left > HOLD_LIMIT ? HOLD_LIMIT / 2 : left;

	while (due < hold->n && (hold->index[due].stamp <= until || left > most))
		left -= hold->index[due++].size;
	return due;
}

/* Moves what stays to the front: into a new buffer, in order, so that offsets are too. */
static void compact(struct hold *hold, size_t gone)
{
	struct buffer rest = {0};

	for (size_t i = gone; i < hold->n; i++) {
		struct held_block entry = hold->index[i];

		entry.offset = rest.size;
		buffer_append(&rest, hold->blocks.data + hold->index[i].offset,
			      entry.size);
		hold->index[i - gone] = entry;
	}
	hold->n -= gone;
	buffer_deinit(&hold->blocks);
	hold->blocks = rest;
}

void hold_release(struct hold *hold, uint64_t until, hold_release_fn release,
		  void *userdata)
{
	size_t due;

	sort_entries(hold);
	due = count_due(hold, until);
	for (size_t i = 0; i < due; i++)
		release(&hold->index[i], hold->blocks.data + hold->index[i].offset,
			userdata);
	if (due)
		compact(hold, due);
}

uint64_t hold_count(const struct hold *hold, uint32_t interface)
{
	uint64_t count = 0;

	for (size_t i = 0; i < hold->n; i++)
		count += hold->index[i].interface == interface;
	return count;
}

void hold_deinit(struct hold *hold)
{
	buffer_deinit(&hold->blocks);
	free(hold->index);
	*hold = (struct hold){0};
}
