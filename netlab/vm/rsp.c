// SPDX-License-Identifier: GPL-2.0-or-later
#include "vm/rsp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define INTERRUPT       '\3'
#define CHECKSUM_DIGITS 2

void rsp_feed(struct rsp *rsp, const void *data, size_t size)
{
	buffer_append(&rsp->bytes, data, size);
}

static uint8_t checksum(const uint8_t *data, size_t size)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += data[i];
	return sum;
}

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Up to what begins a unit. */
static void skip_to_unit(struct buffer *bytes)
{
	size_t at = 0;

	while (at < bytes->size && bytes->data[at] != '$' && bytes->data[at] != INTERRUPT)
		at++;
	buffer_consume(bytes, at);
}

static void keep_packet(struct rsp *rsp, size_t size)
{
	buffer_clear(&rsp->packet);
	buffer_append(&rsp->packet, rsp->bytes.data + 1, size);
	buffer_append(&rsp->packet, "", 1);
	buffer_consume(&rsp->bytes, 1 + size + 1 + CHECKSUM_DIGITS);
}

static struct error *take_packet(struct rsp *rsp, struct rsp_unit *unit)
{
	const uint8_t *data = rsp->bytes.data + 1, *end;
	size_t size;

	end = memchr(data, '#', rsp->bytes.size - 1);
	size = end ? (size_t)(end - data) : rsp->bytes.size - 1;
	if (size > RSP_PACKET_LIMIT)
		return error_new(EPROTO, "a packet of more than %u bytes",
				 RSP_PACKET_LIMIT);
	if (!end || rsp->bytes.size < 1 + size + 1 + CHECKSUM_DIGITS)
		return NULL;
	if (digit(end[1]) * 16 + digit(end[2]) != checksum(data, size))
		return error_new(EPROTO, "a packet whose checksum is wrong");
	keep_packet(rsp, size);
	*unit = (struct rsp_unit){RSP_PACKET, (const char *)rsp->packet.data, size};
	return NULL;
}

struct error *rsp_next(struct rsp *rsp, struct rsp_unit *unit)
{
	*unit = (struct rsp_unit){.kind = RSP_NOTHING};
	skip_to_unit(&rsp->bytes);
	if (!rsp->bytes.size)
		return NULL;
	if (*rsp->bytes.data == '$')
		return take_packet(rsp, unit);
	buffer_consume(&rsp->bytes, 1);
	unit->kind = RSP_INTERRUPT;
	return NULL;
}

void rsp_append(struct buffer *out, const char *data, size_t size)
{
	char end[1 + CHECKSUM_DIGITS + 1];

	snprintf(end, sizeof(end), "#%02x", checksum((const uint8_t *)data, size));
	buffer_append(out, "$", 1);
	buffer_append(out, data, size);
	buffer_append(out, end, strlen(end));
}

void rsp_deinit(struct rsp *rsp)
{
	buffer_deinit(&rsp->bytes);
	buffer_deinit(&rsp->packet);
}
