// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/lines.h"

#include <errno.h>
#include <string.h>

#include "util/string.h"

void lines_init(struct lines *lines, size_t limit)
{
	*lines = (struct lines){.limit = limit};
}

void lines_deinit(struct lines *lines)
{
	buffer_deinit(&lines->pending);
}

void lines_feed(struct lines *lines, const void *data, size_t n)
{
	buffer_consume(&lines->pending, lines->taken);
	lines->taken = 0;
	buffer_append(&lines->pending, data, n);
}

struct error *lines_next(struct lines *lines, char **line, size_t *length)
{
	size_t left = lines->pending.size - lines->taken;
	char *begin, *end;

	*line = NULL;
	if (!left)
		return NULL;
	begin = (char *)lines->pending.data + lines->taken;
	end = memchr(begin, '\n', left);
	if ((end ? (size_t)(end - begin) : left) > lines->limit) {
		lines->taken = end ? lines->taken + (end - begin) + 1
				   : lines->pending.size;
		return error_new(EMSGSIZE, "a line of more than %zu bytes", lines->limit);
	}
	if (!end)
		return NULL;
	lines->taken += end - begin + 1;
	if (end > begin && end[-1] == '\r')
		end--;
	*end = '\0';
	*line = begin;
	if (length)
		*length = end - begin;
	return NULL;
}

struct error *lines_next_json(struct lines *lines, json_t **object)
{
	_cleanup_json_ json_t *json = NULL;
	json_error_t reason;
	size_t length;
	char *line;

	*object = NULL;
	try(lines_next(lines, &line, &length));
	if (!line)
		return NULL;
	json = json_loadb(line, length, JSON_REJECT_DUPLICATES, &reason);
	if (!json)
		return error_new(EPROTO, "not JSON: %s", reason.text);
	if (!json_is_object(json))
		return error_new(EPROTO, "JSON, but not an object");
	*object = steal_ptr(json);
	return NULL;
}

char *json_line(const json_t *object)
{
	_cleanup_free_ char *text = json_dumps(object, JSON_COMPACT);

	return xasprintf("%s\n", text ?: "{}");
}

json_t *strv_to_json(char *const *strv)
{
	json_t *array = json_array();

	strv_foreach (word, strv)
		json_array_append_new(array, json_string(*word));
	return array;
}
