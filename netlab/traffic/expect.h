/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a connection sends, and what it must get back. Pure. */
#ifndef NETLAB_TRAFFIC_EXPECT_H
#define NETLAB_TRAFFIC_EXPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A stream: a text, and then @bytes bytes of a pattern that differs from place to place
 * and from connection to connection, so that what comes back can be told from anything
 * else.
 */
struct stream {
	const char *text; /* NULL: none; borrowed */
	size_t text_length;
	uint64_t bytes; /* of pattern, behind the text */
	uint32_t seed;  /* the connection's number */
};

/** stream_init() - @text may be NULL */
void stream_init(struct stream *stream, const char *text, uint64_t bytes, uint32_t seed);

/** stream_size() - bytes of the whole stream */
uint64_t stream_size(const struct stream *stream);

/** stream_fill() - the @n bytes at @offset, all within the stream */
void stream_fill(const struct stream *stream, uint64_t offset, uint8_t *out, size_t n);

/**
 * stream_match() - how many of the @n bytes at @data are those that the stream has at
 * @offset
 *
 * What lies behind the stream's end matches nothing.
 */
size_t stream_match(const struct stream *stream, uint64_t offset, const uint8_t *data,
		    size_t n);

/**
 * stream_mismatch_text() - for people: what was expected at @offset, and what came
 * @data, @n: what came there, not empty, and doesn't match
 * Return: 'expected "hello", got "help!"'; a new string, which the caller frees.
 */
char *stream_mismatch_text(const struct stream *stream, uint64_t offset,
			   const uint8_t *data, size_t n);

/**
 * stream_end_text() - for people: the peer closed when @offset bytes of the stream had
 * come
 * Return: a new string, which the caller frees.
 */
char *stream_end_text(const struct stream *stream, uint64_t offset);

/** quote_bytes() - "hello\x00…" in quotes, at most 40 bytes of it; the caller frees it */
char *quote_bytes(const uint8_t *data, size_t n);

#endif
