// SPDX-License-Identifier: GPL-2.0-or-later
#include "traffic/expect.h"

#include <ctype.h>
#include <inttypes.h>

#include "util/string.h"

#define QUOTED_MAX 40 /* bytes */

/* Fibonacci hashing: the upper bits of a product depend on all bits of the place. */
static uint8_t pattern_byte(uint64_t place, uint32_t seed)
{
	return ((place + ((uint64_t)seed << 40)) * 0x9e3779b97f4a7c15u) >> 56;
}

static uint8_t stream_byte(const struct stream *stream, uint64_t offset)
{
	if (offset < stream->text_length)
		return stream->text[offset];
	return pattern_byte(offset - stream->text_length, stream->seed);
}

void stream_init(struct stream *stream, const char *text, uint64_t bytes, uint32_t seed)
{
	*stream = (struct stream){
		.text = text,
		.text_length = text ? strlen(text) : 0,
		.bytes = bytes,
		.seed = seed,
	};
}

uint64_t stream_size(const struct stream *stream)
{
	return stream->text_length + stream->bytes;
}

void stream_fill(const struct stream *stream, uint64_t offset, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = stream_byte(stream, offset + i);
}

size_t stream_match(const struct stream *stream, uint64_t offset, const uint8_t *data,
		    size_t n)
{
	uint64_t left = stream_size(stream) - offset;
	size_t i = 0;

	while (i < n && i < left && data[i] == stream_byte(stream, offset + i))
		i++;
	return i;
}

char *quote_bytes(const uint8_t *data, size_t n)
{
	char quoted[4 * QUOTED_MAX + 1];
	size_t shown = n < QUOTED_MAX ? n : QUOTED_MAX, at = 0;

	for (size_t i = 0; i < shown; i++) {
		bool plain = data[i] < 0x80 && isprint(data[i]) && data[i] != '"' &&
			     data[i] != '\\';

		at += snprintf(quoted + at, sizeof(quoted) - at, plain ? "%c" : "\\x%02x",
			       data[i]);
	}
	quoted[at] = '\0';
	return xasprintf("\"%s\"%s", quoted, shown < n ? "…" : "");
}

/* The text that was expected, and what came in its place from the beginning on. */
static char *text_mismatch(const struct stream *stream, uint64_t offset,
			   const uint8_t *data, size_t n)
{
	size_t room = QUOTED_MAX + 1, size = offset + n < room ? offset + n : room;
	_cleanup_free_ uint8_t *came = xcalloc(1, room);
	_cleanup_free_ char *expected = NULL, *got = NULL;

	for (size_t i = 0; i < size; i++)
		came[i] = i < offset ? (uint8_t)stream->text[i] : data[i - offset];
	expected = quote_bytes((const uint8_t *)stream->text, stream->text_length);
	got = quote_bytes(came, size);
	return xasprintf("expected %s, got %s", expected, got);
}

char *stream_mismatch_text(const struct stream *stream, uint64_t offset,
			   const uint8_t *data, size_t n)
{
	size_t right = stream_match(stream, offset, data, n);

	if (offset + right < stream->text_length)
		return text_mismatch(stream, offset, data, n);
	if (offset + right >= stream_size(stream))
		return xasprintf("got more than the %" PRIu64 " bytes expected",
				 stream_size(stream));
	return xasprintf("byte %" PRIu64 " of the answer is 0x%02x, not 0x%02x as sent",
			 offset + right, data[right],
			 stream_byte(stream, offset + right));
}

char *stream_end_text(const struct stream *stream, uint64_t offset)
{
	_cleanup_free_ char *expected = NULL, *got = NULL;

	if (offset >= stream->text_length)
		return xasprintf("the peer closed after %" PRIu64 " of %" PRIu64
				 " bytes expected",
				 offset, stream_size(stream));
	expected = quote_bytes((const uint8_t *)stream->text, stream->text_length);
	got = quote_bytes((const uint8_t *)stream->text, offset);
	if (offset == 0)
		return xasprintf("expected %s, the peer closed without an answer",
				 expected);
	return xasprintf("expected %s, got %s and the end", expected, got);
}
