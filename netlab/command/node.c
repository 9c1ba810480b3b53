// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/node.h"

#include <errno.h>
#include <fcntl.h>

#include "util/log.h"
#include "util/string.h"

void node_parse(const char *text, struct node *node)
{
	const char *slash = strchr(text, '/');

	node->lab = slash ? xstrndup(text, slash - text) : NULL;
	node->name = xstrdup(slash ? slash + 1 : text);
}

void node_deinit(struct node *node)
{
	free(node->lab);
	free(node->name);
}

struct error *lab_status(struct client *client, json_t **status)
{
	return client_call(client, json_pack("{s:s}", "request", "status"), NULL, NULL,
			   status);
}

const char *status_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

json_int_t status_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

const char *status_namespace(const json_t *status, const char *name)
{
	json_t *node;
	size_t i;

	json_array_foreach (json_object_get(status, "nodes"), i, node)
		if (streq(status_text(node, "name"), name))
			return status_text(node, "namespace");
	return NULL;
}

struct error *status_open_node(const json_t *status, const char *name, int *fd)
{
	const char *path = status_namespace(status, name) ?: "";

	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? error_errno(errno, "the network namespace of %s", name) : NULL;
}

struct error *status_guest(const json_t *status, const char *name, const json_t **guest)
{
	_cleanup_strv_ char **names = NULL;
	_cleanup_free_ char *joined = NULL;
	json_t *candidate;
	size_t i;

	json_array_foreach (json_object_get(status, "guests"), i, candidate) {
		strv_push(&names, xstrdup(status_text(candidate, "name")));
		if (streq(names[i], name)) {
			*guest = candidate;
			return NULL;
		}
	}
	joined = strv_join(names, ", ");
	return error_new(ENOENT, "no guest '%s' in lab '%s'; it has: %s", name,
			 status_text(status, "lab"), names ? joined : "none");
}

struct error *warn_if_halted(struct client *client, const char *name)
{
	_cleanup_json_ json_t *status = NULL;
	const json_t *guest;

	try(lab_status(client, &status));
	try(status_guest(status, name, &guest));
	if (json_is_true(json_object_get(guest, "halted")))
		log_warning("%s is halted, by gdb, --freeze or pause, or with its lab: "
			    "it answers when it goes on",
			    name);
	return NULL;
}
