/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Newline-delimited messages out of a stream of bytes, and newline-delimited JSON objects out
 * of those. Every peer is hostile: a line longer than the limit is an error, not an allocation.
 */
#ifndef NETLAB_UTIL_LINES_H
#define NETLAB_UTIL_LINES_H

#include <jansson.h>

#include "util/buffer.h"
#include "util/error.h"

struct lines {
	struct buffer pending; /* bytes that came and were not yet taken */
	size_t taken;          /* bytes at the front of @pending that were */
	size_t limit;          /* longest line, in bytes without its newline */
};

void lines_init(struct lines *lines, size_t limit);
void lines_deinit(struct lines *lines);

/** lines_feed() - add @n bytes that were read; earlier lines become invalid. */
void lines_feed(struct lines *lines, const void *data, size_t n);

/**
 * lines_next() - the next whole line, without its newline (and without CR before it)
 * @line: where to put it: NUL-terminated, owned by @lines, valid until the next call on it;
 *        NULL when no whole line is there
 * @length: its length in bytes, as it may hold NULs; may be NULL
 * Return: an error when a line is longer than the limit.
 */
must_use struct error *lines_next(struct lines *lines, char **line, size_t *length);

/**
 * lines_next_json() - the next line, parsed as one JSON object
 * @object: a new reference, which the caller owns; NULL when no whole line is there
 * Return: an error when the line is too long, is not JSON or not an object. That line is
 * then gone: the next call goes on behind it.
 */
must_use struct error *lines_next_json(struct lines *lines, json_t **object);

/** json_line() - @object as one line with a newline at its end; the caller frees it. */
char *json_line(const json_t *object);

/** strv_to_json() - an array of its texts, a new reference; NULL is an empty one. */
json_t *strv_to_json(char *const *strv);

/* jansson brings the function itself. */
#define _cleanup_json_ _cleanup_(json_decrefp)

#endif
