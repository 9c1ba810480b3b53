// SPDX-License-Identifier: GPL-2.0-or-later
/* A drive step as it goes over the control socket. */
#include <errno.h>
#include <inttypes.h>

#include "topology/drive.h"
#include "topology/text.h"
#include "topology/topology.h"
#include "util/string.h"

#define WORD_MAX 64 /* characters of a kind, guest or family */

static void set_text(json_t *json, const char *key, const char *text)
{
	if (text)
		json_object_set_new(json, key, json_string(text));
}

json_t *drive_spec_to_json(const struct drive_spec *spec)
{
	json_t *json = json_object();

	set_text(json, "kind", drive_kind_name(spec->kind));
	set_text(json, "guest", spec->to.guest);
	set_text(json, "family", family_name(spec->to.family));
	set_text(json, "send", spec->send);
	set_text(json, "expect", spec->expect);
	json_object_set_new(json, "port", json_integer(spec->to.port));
	json_object_set_new(json, "connections", json_integer(spec->connections));
	json_object_set_new(json, "bytes", json_integer(spec->bytes));
	json_object_set_new(json, "timeout_ns", json_integer(spec->timeout_ns));
	return json;
}

static struct error *check_keys(const json_t *json)
{
	static char *const known[] = {"kind",        "guest",  "port",  "family",
				      "send",        "expect", "bytes", "timeout_ns",
				      "connections", NULL};
	const char *key;
	json_t *value;

	if (!json_is_object(json))
		return error_new(EINVAL, "traffic: not a JSON object");
	json_object_foreach ((json_t *)json, key, value) {
		_cleanup_free_ char *shown = text_visible(key, WORD_MAX);

		if (!strv_contains(known, key))
			return error_new(EINVAL, "traffic: unknown key '%s'", shown);
	}
	return NULL;
}

/* NULL where it isn't there. */
static struct error *take_text(const json_t *json, const char *key, const char **text)
{
	const json_t *value = json_object_get(json, key);

	*text = json_string_value(value);
	if (value && !*text)
		return error_new(EINVAL, "traffic: %s is not a string", key);
	if (*text && strlen(*text) != json_string_length(value))
		return error_new(EINVAL, "traffic: %s has a NUL in it", key);
	if (*text && strlen(*text) > DRIVE_TEXT_MAX)
		return error_new(EINVAL, "traffic: %s is longer than %u bytes", key,
				 DRIVE_TEXT_MAX);
	return NULL;
}

/* A text that errors may quote: short and printable. */
static struct error *take_word(const json_t *json, const char *key, const char **word)
{
	try(take_text(json, key, word));
	if (*word && (strlen(*word) > WORD_MAX || text_has_control(*word)))
		return error_new(EINVAL, "traffic: %s is not a word", key);
	return NULL;
}

static struct error *take_needed_word(const json_t *json, const char *key,
				      const char **word)
{
	try(take_word(json, key, word));
	if (!*word)
		return error_new(EINVAL, "traffic: %s is missing", key);
	return NULL;
}

/* @value is left as it is where there is none. */
static struct error *take_number(const json_t *json, const char *key, uint64_t min,
				 uint64_t max, uint64_t *value)
{
	const json_t *given = json_object_get(json, key);
	json_int_t number = json_integer_value(given);

	if (!given)
		return NULL;
	if (!json_is_integer(given) || number < 0 || (uint64_t)number < min ||
	    (uint64_t)number > max)
		return error_new(EINVAL,
				 "traffic: %s is not a whole number from %" PRIu64
				 " to %" PRIu64,
				 key, min, max);
	*value = number;
	return NULL;
}

static struct error *take_target(const json_t *json, struct drive_target *target)
{
	const char *guest, *family;
	uint64_t port = 0;

	try(take_needed_word(json, "guest", &guest));
	if (!lab_name_valid(guest))
		return error_new(EINVAL, "traffic: that can't be a guest's name");
	try(take_number(json, "port", 1, UINT16_MAX, &port));
	if (!port)
		return error_new(EINVAL, "traffic: port is missing");
	try(take_word(json, "family", &family));
	if (family)
		try(error_prefix(family_parse(family, &target->family), "traffic"));
	target->port = port;
	target->guest = xstrdup(guest);
	return NULL;
}

static struct error *take_amounts(const json_t *json, struct drive_spec *spec)
{
	uint64_t connections = spec->connections;

	try(take_number(json, "connections", 1, DRIVE_CONNECTIONS_MAX, &connections));
	try(take_number(json, "bytes", 0, DRIVE_BYTES_MAX, &spec->bytes));
	try(take_number(json, "timeout_ns", 1, DRIVE_TIMEOUT_MAX_NS, &spec->timeout_ns));
	spec->connections = connections;
	return NULL;
}

static struct error *take_texts(const json_t *json, struct drive_spec *spec)
{
	const char *send, *expect;

	try(take_text(json, "send", &send));
	try(take_text(json, "expect", &expect));
	spec->send = xstrdup(send);
	spec->expect = xstrdup(expect);
	return NULL;
}

struct error *drive_spec_from_json(const json_t *json, struct drive_spec *spec)
{
	_cleanup_drive_spec_ struct drive_spec taken;
	const char *kind;

	drive_spec_init(&taken);
	try(check_keys(json));
	try(take_needed_word(json, "kind", &kind));
	try(error_prefix(drive_kind_parse(kind, &taken.kind), "traffic"));
	try(take_target(json, &taken.to));
	try(take_amounts(json, &taken));
	try(take_texts(json, &taken));
	try(error_prefix(drive_spec_check(&taken), "traffic"));
	*spec = taken;
	taken = (struct drive_spec){0};
	return NULL;
}
