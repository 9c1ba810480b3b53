// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/changes.h"

#include <errno.h>

#include "topology/describe.h"
#include "topology/fixed.h"
#include "util/string.h"

static struct error *advise(struct error *error, const struct lab_options *options,
			    const struct topology *wanted)
{
	return error_hint(error, "that takes a new start: netlab down %s && netlab up %s",
			  options->name, wanted->file);
}

struct error *check_topology(const struct lab_options *options,
			     const struct topology *wanted)
{
	return advise(topology_check_fixed(options->topology, wanted), options, wanted);
}

/* A host's link is "HOST/LINK" there. */
static bool ends_capture(const struct change *change, const struct topology *topology)
{
	_cleanup_free_ char *label =
		streq(change->node, HOST_SIDE)
			? xstrdup(change->link)
			: xasprintf("%s/%s", change->node, change->link);

	return change->object == CHANGE_LINK && change->action == CHANGE_DELETE &&
	       strv_contains(topology->capture, label);
}

struct error *check_captured(const struct lab_options *options,
			     const struct topology *wanted, const struct changes *changes)
{
	struct error *error;

	for (size_t i = 0; i < changes->n; i++) {
		if (!ends_capture(&changes->list[i], wanted))
			continue;
		error = error_new(EBUSY,
				  "it would have to be made anew, and is being captured");
		return advise(error_object(error, changes->list[i].link), options,
			      wanted);
	}
	return NULL;
}

static json_t *change_to_json(const struct change *change)
{
	_cleanup_free_ char *text = change_text(change);

	return json_pack("{s:s, s:s, s:s, s:o, s:s?, s:s?, s:s}", "action",
			 change_action_name(change->action), "object",
			 change_object_name(change->object), "node", change->node, "link",
			 *change->link ? json_string(change->link) : json_null(),
			 "before", change->before, "after", change->after, "text", text);
}

json_t *changes_to_json(const struct changes *changes)
{
	json_t *array = json_array();

	for (size_t i = 0; i < changes->n; i++)
		json_array_append_new(array, change_to_json(&changes->list[i]));
	return array;
}
