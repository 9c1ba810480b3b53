// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests about what is recorded: halts that are told, and the file as far as it is written. */
#include <errno.h>

#include "lab/protocol.h"
#include "lab/session.h"
#include "util/string.h"

static void on_told(const json_t *event, void *userdata)
{
	struct operation *operation = userdata;
	json_t *message = json_copy((json_t *)event);

	json_object_set_new(message, "id", json_integer(operation->id));
	session_send(operation->session, message);
}

struct error *request_watch(const struct request *request)
{
	struct operation *operation;
	json_t *state;

	if (operation_find(request->session, request->id))
		return error_new(EEXIST, "a request of this id runs already");
	operation = operation_new(request);
	operation->watch = recording_watch(lab_recording(request->session->lab), on_told,
					   operation, &state);
	session_reply(request->session, request->id, state);
	return NULL;
}

static struct error *read_number(const json_t *message, const char *key, unsigned *number)
{
	const json_t *value = json_object_get(message, key);
	json_int_t n = json_integer_value(value);

	if (value && !json_is_null(value) &&
	    (!json_is_integer(value) || n < 0 || n > INT32_MAX))
		return error_new(EINVAL, "%s: not a number", key);
	*number = n;
	return NULL;
}

/* A debugger says where the guest that it has halted stands. */
struct error *request_halted(const struct request *request)
{
	const json_t *message = request->message;
	struct lab *lab = request->session->lab;
	struct halt_place place = {
		.guest = json_string_value(json_object_get(message, "guest")),
		.function = json_string_value(json_object_get(message, "function")),
		.file = json_string_value(json_object_get(message, "file")),
	};
	struct lab_guest *guest;

	if (!place.guest)
		return error_new(EINVAL, "the request names no guest");
	try(lab_find_guest(lab, place.guest, &guest));
	try(read_number(message, "line", &place.line));
	try(read_number(message, "breakpoint", &place.breakpoint));
	recording_tell(lab_recording(lab), &place);
	session_reply(request->session, request->id, NULL);
	return NULL;
}

static void on_flushed(uint64_t packets, struct error *error, void *userdata)
{
	struct operation *operation = userdata;
	const struct recording *recording = lab_recording(operation->session->lab);

	operation->flush = NULL;
	if (error)
		session_fail(operation->session, operation->id, error);
	else
		session_reply(operation->session, operation->id,
			      json_pack("{s:s, s:I}", "file", recording_file(recording),
					"frames", (json_int_t)packets));
	operation_free(operation);
}

struct error *request_flush(const struct request *request)
{
	struct operation *operation = operation_new(request);
	struct error *error = recording_flush(lab_recording(request->session->lab),
					      on_flushed, operation, &operation->flush);

	if (error)
		operation_free(operation);
	return error;
}
