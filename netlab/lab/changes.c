// SPDX-License-Identifier: GPL-2.0-or-later
/* What `apply` answers. */
#include "lab/changes.h"

#include "util/string.h"

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
