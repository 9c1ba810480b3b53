// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/pcapng.h"

#include <string.h>

enum block_type {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_FRAME = 6,
};

enum option_code {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	SECTION_HARDWARE = 2,
	SECTION_OS = 3,
	SECTION_APPLICATION = 4,
	INTERFACE_NAME = 2,
	INTERFACE_DESCRIPTION = 3,
	INTERFACE_TSRESOL = 9,
	INTERFACE_FILTER = 11,
	FRAME_FLAGS = 2,
	STATISTICS_START = 2,
	STATISTICS_END = 3,
	STATISTICS_RECEIVED = 4,
	STATISTICS_DROPPED = 5,
	STATISTICS_OS_DROPPED = 7,
};

#define OPTION_MAX       65535u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LENGTH_UNKNOWN   UINT64_MAX /* of a section: a reader goes on to the next one */
#define TSRESOL_NS       9          /* 10^-9 s */

/* Behind the block's type and length, and the interface (section 4.3). */
#define FRAME_STAMP_OFFSET 12

/* "netl", with the bit of types for local use, which no other program should know. */
#define BLOCK_FILLER 0xee65746cu

static void append_u16(struct buffer *out, uint16_t value)
{
	buffer_append(out, &value, sizeof(value));
}

static void append_u32(struct buffer *out, uint32_t value)
{
	buffer_append(out, &value, sizeof(value));
}

static void append_u64(struct buffer *out, uint64_t value)
{
	buffer_append(out, &value, sizeof(value));
}

static const uint8_t zeros[3]; /* what pads to 32 bits */

/* A stamp is two halves, the upper one first, in either byte order (section 4.3). */
static void append_stamp(struct buffer *out, uint64_t stamp)
{
	append_u32(out, stamp >> 32);
	append_u32(out, (uint32_t)stamp);
}

/* Data of any length, padded with zeros to 32 bits (section 3.5). */
static void append_padded(struct buffer *out, const void *data, size_t n)
{
	buffer_append(out, data, n);
	buffer_append(out, zeros, -n & 3);
}

/* Begins a block; the returned offset is for block_end(), which fills in the length. */
static size_t block_begin(struct buffer *out, uint32_t type)
{
	size_t at = out->size;

	append_u32(out, type);
	append_u32(out, 0);
	return at;
}

static void block_end(struct buffer *out, size_t at)
{
	uint32_t length = out->size - at + sizeof(length);

	append_u32(out, length);
	memcpy(out->data + at + sizeof(uint32_t), &length, sizeof(length));
}

static void append_option(struct buffer *out, enum option_code code, const void *data,
			  uint16_t n)
{
	append_u16(out, code);
	append_u16(out, n);
	append_padded(out, data, n);
}

static void append_u32_option(struct buffer *out, enum option_code code, uint32_t value)
{
	append_option(out, code, &value, sizeof(value));
}

static void append_u64_option(struct buffer *out, enum option_code code, uint64_t value)
{
	append_option(out, code, &value, sizeof(value));
}

static void append_stamp_option(struct buffer *out, enum option_code code, uint64_t stamp)
{
	append_u16(out, code);
	append_u16(out, sizeof(stamp));
	append_stamp(out, stamp);
}

/* The bytes of @text that fit into @room, without half a character at the end. */
static uint16_t text_length(const char *text, size_t room)
{
	size_t n = strnlen(text, room + 1);

	if (n <= room)
		return n;
	for (n = room; n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80;)
		n--;
	return n;
}

static void append_text(struct buffer *out, enum option_code code, const char *text)
{
	if (text)
		append_option(out, code, text, text_length(text, OPTION_MAX));
}

/* if_filter is a byte that tells the kind of filter, 0 for a text, and the text. */
static void append_filter(struct buffer *out, const char *filter)
{
	uint16_t n;

	if (!filter)
		return;
	n = text_length(filter, OPTION_MAX - 1);
	append_u16(out, INTERFACE_FILTER);
	append_u16(out, n + 1);
	*(uint8_t *)buffer_reserve(out, 1) = 0;
	buffer_append(out, filter, n);
	buffer_append(out, zeros, -(n + 1u) & 3);
}

static void append_end_of_options(struct buffer *out)
{
	append_option(out, OPTION_END, NULL, 0);
}

void pcapng_append_section(struct buffer *out, const struct pcapng_section *section)
{
	size_t at = block_begin(out, BLOCK_SECTION);

	append_u32(out, BYTE_ORDER_MAGIC);
	append_u16(out, 1); /* version 1.0 */
	append_u16(out, 0);
	append_u64(out, LENGTH_UNKNOWN);
	append_text(out, OPTION_COMMENT, section->comment);
	append_text(out, SECTION_HARDWARE, section->hardware);
	append_text(out, SECTION_OS, section->os);
	append_text(out, SECTION_APPLICATION, section->application);
	append_end_of_options(out);
	block_end(out, at);
}

void pcapng_append_interface(struct buffer *out, const struct pcapng_interface *interface)
{
	size_t at = block_begin(out, BLOCK_INTERFACE);
	uint8_t resolution = TSRESOL_NS;

	append_u16(out, interface->link_type);
	append_u16(out, 0);
	append_u32(out, interface->snaplen);
	append_text(out, INTERFACE_NAME, interface->name);
	append_text(out, INTERFACE_DESCRIPTION, interface->description);
	append_option(out, INTERFACE_TSRESOL, &resolution, sizeof(resolution));
	append_filter(out, interface->filter);
	append_end_of_options(out);
	block_end(out, at);
}

void pcapng_append_frame(struct buffer *out, const struct pcapng_frame *frame)
{
	size_t at = block_begin(out, BLOCK_FRAME);
	uint32_t captured = frame->captured < PCAPNG_FRAME_MAX ? frame->captured
							       : PCAPNG_FRAME_MAX;

	append_u32(out, frame->interface);
	append_stamp(out, frame->stamp);
	append_u32(out, captured);
	append_u32(out, frame->length);
	append_padded(out, frame->data, captured);
	append_text(out, OPTION_COMMENT, frame->comment);
	if (frame->flags)
		append_u32_option(out, FRAME_FLAGS, frame->flags);
	if (frame->comment || frame->flags)
		append_end_of_options(out);
	block_end(out, at);
}

void pcapng_set_stamp(uint8_t *block, uint64_t stamp)
{
	uint32_t halves[] = {stamp >> 32, (uint32_t)stamp};

	memcpy(block + FRAME_STAMP_OFFSET, halves, sizeof(halves));
}

void pcapng_append_statistics(struct buffer *out,
			      const struct pcapng_statistics *statistics)
{
	size_t at = block_begin(out, BLOCK_STATISTICS);

	append_u32(out, statistics->interface);
	append_stamp(out, statistics->end);
	append_stamp_option(out, STATISTICS_START, statistics->start);
	append_stamp_option(out, STATISTICS_END, statistics->end);
	append_u64_option(out, STATISTICS_RECEIVED, statistics->received);
	append_u64_option(out, STATISTICS_DROPPED, statistics->dropped);
	append_u64_option(out, STATISTICS_OS_DROPPED, statistics->os_dropped);
	append_end_of_options(out);
	block_end(out, at);
}

void pcapng_append_filler(struct buffer *out, size_t size)
{
	size_t body = size - PCAPNG_FILLER_MIN;
	size_t at = block_begin(out, BLOCK_FILLER);

	memset(buffer_reserve(out, body), 0, body);
	block_end(out, at);
}

size_t pcapng_first_block(const uint8_t *data, size_t size)
{
	uint32_t length;

	if (size < 3 * sizeof(length))
		return 0;
	memcpy(&length, data + sizeof(length), sizeof(length));
	return length >= 3 * sizeof(length) && length <= size ? length : 0;
}

size_t pcapng_whole_blocks(const uint8_t *data, size_t size)
{
	size_t whole = 0, block;

	while ((block = pcapng_first_block(data + whole, size - whole)))
		whole += block;
	return whole;
}
