// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/live.h"

#include "diag/linkstate.h"
#include "topology/describe.h"
#include "util/log.h"
#include "util/string.h"

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static void add_of_node(json_t *links, const char *node, const struct link_states *states)
{
	json_t *link;
	size_t i;

	json_array_foreach (links, i, link) {
		const struct link_state *state;

		if (!streq(text(link, "node"), node))
			continue;
		state = link_states_named(states, text(link, "name"));
		json_object_set_new(link, "live",
				    state ? link_state_to_json(state, states)
					  : json_null());
	}
}

void live_add(json_t *links, const struct plan *plan, const struct links *made)
{
	for (size_t i = 0; i < plan->n_nodes; i++) {
		_cleanup_link_states_ struct link_states states = {0};
		const char *name = plan_node_name(plan, i);
		_cleanup_error_ struct error *error =
			link_states_read(links_node_socket(made, i), &states);

		if (error)
			log_warning("links of %s: %s", name, error->message);
		else
			add_of_node(links, name, &states);
	}
}
