/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What both ends of the control socket share. The messages are documented in
 * docs/control-protocol.md.
 */
#ifndef NETLAB_LAB_PROTOCOL_H
#define NETLAB_LAB_PROTOCOL_H

#include <jansson.h>

#include "util/channel.h"
#include "util/error.h"
#include "util/lines.h"

#define CONTROL_SOCKET "control"

/* Exec's output comes in lines of at most 64 KiB of the agent's; a result may be long. */
static const struct channel_limits protocol_limits = {
	.line = 16 << 20,
	.queue = 32 << 20,
};

/** error_to_json() - a new reference. */
json_t *error_to_json(const struct error *error);

/** error_event() - the event @name that tells of @error; a new reference. */
json_t *error_event(const char *name, const struct error *error);

/** error_from_json() - never NULL: what is no error object becomes an error that says so. */
must_use struct error *error_from_json(const json_t *json);

/** base64_encode() - a new JSON string of @size bytes in base64 (RFC 4648). */
json_t *base64_encode(const void *data, size_t size);

/**
 * base64_decode() - the bytes of a JSON string in base64
 * @data: new, at least one byte larger than @size; the caller frees it
 */
must_use struct error *base64_decode(const json_t *json, void **data, size_t *size);

#endif
