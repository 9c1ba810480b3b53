// SPDX-License-Identifier: GPL-2.0-or-later
/* What is told of a lab to programs. */
#include "lab/lab-internal.h"
#include "lab/live.h"
#include "topology/describe.h"
#include "util/clock.h"
#include "util/string.h"

static json_t *links_to_json(const struct lab *lab)
{
	json_t *links = plan_links_to_json(lab->plan);

	if (lab->links)
		live_add(links, lab->plan, lab->links);
	return links;
}

/* Where each node's namespace can be opened, while the lab holds it. */
static json_t *nodes_to_json(const struct lab *lab)
{
	json_t *nodes = plan_nodes_to_json(lab->plan), *node;
	size_t i;

	json_array_foreach (nodes, i, node) {
		int fd = lab->links ? links_node_fd(lab->links, i) : -1;
		_cleanup_free_ char *path = xasprintf("/proc/%d/fd/%d", getpid(), fd);

		if (fd >= 0)
			json_object_set_new(node, "namespace", json_string(path));
	}
	return nodes;
}

json_t *lab_to_json(const struct lab *lab)
{
	json_t *guests = json_array(), *json;

	for (size_t i = 0; i < lab->n_guests; i++)
		json_array_append_new(guests, guest_to_json(lab->guests[i]));
	json = json_pack(
		"{s:s, s:s, s:i, s:s, s:s, s:s, s:I, s:o, s:o, s:o}", "lab",
		lab->options.name, "state", lab_state_name(lab->state), "pid",
		(int)getpid(), "netns", netns_choice_name(lab->options.topology->netns),
		"topology", lab->options.topology->file, "output", lab->options.output,
		"uptime_ns", (json_int_t)(monotonic_now() - lab->started_ns), "nodes",
		nodes_to_json(lab), "links", links_to_json(lab), "guests", guests);
	egress_add_status(lab->egress, json);
	recording_add_status(lab->recording, json);
	if (lab->halts)
		json_object_set_new(json, "lockstep",
				    lockstep_to_json(halts_lockstep(lab->halts)));
	return json;
}
