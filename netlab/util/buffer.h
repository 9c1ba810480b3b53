/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing run of bytes. Zero-initialised it is empty and valid. */
#ifndef NETLAB_UTIL_BUFFER_H
#define NETLAB_UTIL_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

struct buffer {
	uint8_t *data;
	size_t size;     /* bytes in use */
	size_t capacity; /* bytes allocated */
};

/** buffer_reserve() - @n more bytes at the end, uninitialised; returns where they begin. */
void *buffer_reserve(struct buffer *buffer, size_t n);
void buffer_append(struct buffer *buffer, const void *data, size_t n);
/** buffer_consume() - drop the first @n bytes; @n is at most buffer->size. */
void buffer_consume(struct buffer *buffer, size_t n);
void buffer_clear(struct buffer *buffer);
void buffer_deinit(struct buffer *buffer);
#define _cleanup_buffer_ _cleanup_(buffer_deinit)

#endif
