// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/pages.h"

#include <stdbool.h>

#include "capture/pcapng.h"

static size_t room_at(uint64_t position)
{
	return PAGE_BYTES - position % PAGE_BYTES;
}

/* A block of @size either fills @room, or leaves enough for a filler. */
static bool fits(size_t size, size_t room)
{
	return size == room || size + PCAPNG_FILLER_MIN <= room;
}

/* Appends a block, behind a filler to the page's end where that helps. */
static void append_block(struct buffer *out, size_t begin, uint64_t position,
			 const uint8_t *block, size_t size)
{
	size_t room = room_at(position + out->size - begin);

	if (!fits(size, room) && fits(size, PAGE_BYTES) && room >= PCAPNG_FILLER_MIN)
		pcapng_append_filler(out, room);
	buffer_append(out, block, size);
	/* Behind a block larger than a page, the rest may be too small for a filler. */
	room = room_at(position + out->size - begin);
	if (room < PCAPNG_FILLER_MIN)
		pcapng_append_filler(out, room + PCAPNG_FILLER_MIN);
}

void pages_lay_out(struct buffer *out, uint64_t position, const struct buffer *blocks)
{
	size_t begin = out->size, at = 0, size;

	while ((size = pcapng_first_block(blocks->data + at, blocks->size - at))) {
		append_block(out, begin, position, blocks->data + at, size);
		at += size;
	}
}

size_t pages_next_write(const uint8_t *data, size_t size, uint64_t position)
{
	size_t room = room_at(position);
	size_t whole = pcapng_whole_blocks(data, room < size ? room : size);

	return whole ? whole : pcapng_first_block(data, size);
}
