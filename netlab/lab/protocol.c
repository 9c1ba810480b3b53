// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/protocol.h"

#include <errno.h>
#include <nettle/base64.h>

#include "util/string.h"

json_t *error_to_json(const struct error *error)
{
	return json_pack("{s:i, s:s, s:s*, s:s*, s:s*}", "code", error->code, "message",
			 error->message, "object", error->object, "kernel", error->extack,
			 "hint", error->hint);
}

json_t *error_event(const char *name, const struct error *error)
{
	return json_pack("{s:s, s:o}", "event", name, "error", error_to_json(error));
}

struct error *error_from_json(const json_t *json)
{
	const char *message = json_string_value(json_object_get(json, "message"));
	const char *object = json_string_value(json_object_get(json, "object"));
	const char *hint = json_string_value(json_object_get(json, "hint"));
	int code = json_integer_value(json_object_get(json, "code"));
	struct error *error;

	if (!message)
		return error_new(EPROTO, "the supervisor failed without saying why");
	error = error_new(code, "%s", message);
	error = error_extack(error, json_string_value(json_object_get(json, "kernel")));
	if (object)
		error = error_object(error, object);
	return hint ? error_hint(error, "%s", hint) : error;
}

json_t *base64_encode(const void *data, size_t size)
{
	size_t length = BASE64_ENCODE_RAW_LENGTH(size);
	_cleanup_free_ char *text = xcalloc(length + 1, 1);

	base64_encode_raw(text, size, data);
	return json_stringn(text, length);
}

struct error *base64_decode(const json_t *json, void **data, size_t *size)
{
	size_t length = json_string_length(json);
	_cleanup_free_ uint8_t *bytes = NULL;
	struct base64_decode_ctx context;

	if (!json_is_string(json))
		return error_new(EPROTO, "no base64 text");
	bytes = xcalloc(BASE64_DECODE_LENGTH(length) + 1, 1);
	*size = BASE64_DECODE_LENGTH(length);
	base64_decode_init(&context);
	if (!base64_decode_update(&context, size, bytes, length,
				  json_string_value(json)) ||
	    !base64_decode_final(&context))
		return error_new(EPROTO, "not base64");
	*data = steal_ptr(bytes);
	return NULL;
}
