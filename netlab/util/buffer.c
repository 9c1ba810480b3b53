// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/buffer.h"

#include <string.h>

#include "util/string.h"

void *buffer_reserve(struct buffer *buffer, size_t n)
{
	void *end;

	if (buffer->size + n > buffer->capacity) {
		size_t capacity = buffer->capacity ? buffer->capacity * 2 : 256;

		while (capacity < buffer->size + n)
			capacity *= 2;
		buffer->data = xreallocarray(buffer->data, capacity, 1);
		buffer->capacity = capacity;
	}
	end = buffer->data + buffer->size;
	buffer->size += n;
	return end;
}

void buffer_append(struct buffer *buffer, const void *data, size_t n)
{
	if (n)
		memcpy(buffer_reserve(buffer, n), data, n);
}

void buffer_consume(struct buffer *buffer, size_t n)
{
	buffer->size -= n;
	if (buffer->size)
		memmove(buffer->data, buffer->data + n, buffer->size);
}

void buffer_clear(struct buffer *buffer)
{
	buffer->size = 0;
}

void buffer_deinit(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}
