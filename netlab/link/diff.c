// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/diff.h"

#include <assert.h>

#include "util/string.h"

static const char *const action_names[] = {
	[CHANGE_ADD] = "add",
	[CHANGE_DELETE] = "delete",
	[CHANGE_SET] = "set",
};
static_assert(ARRAY_SIZE(action_names) == CHANGE_ACTIONS, "an action without a name");

static const char action_signs[] = {'+', '-', '~'};
static_assert(ARRAY_SIZE(action_signs) == CHANGE_ACTIONS, "an action without a sign");

static const char *const object_names[] = {
	[CHANGE_HOST] = "host",
	[CHANGE_LINK] = "link",
	[CHANGE_REDIRECT] = "redirect",
	[CHANGE_ADDRESS] = "address",
	[CHANGE_ROUTE] = "route",
	[CHANGE_NEIGHBOUR] = "neighbour",
	[CHANGE_SYSCTL] = "sysctl",
	[CHANGE_STATE] = "state",
	[CHANGE_MTU] = "mtu",
	[CHANGE_MAC] = "mac",
	[CHANGE_TXQUEUELEN] = "txqueuelen",
	[CHANGE_BRIDGE] = "bridge",
	[CHANGE_STP] = "stp",
	[CHANGE_AGEING] = "ageing",
	[CHANGE_SNOOPING] = "multicast_snooping",
	[CHANGE_FILTERING] = "vlan_filtering",
	[CHANGE_VLANS] = "vlans",
	[CHANGE_OFFLOADS] = "offloads",
	[CHANGE_IMPAIR] = "impair",
	[CHANGE_FORWARD] = "forward",
};
static_assert(ARRAY_SIZE(object_names) == CHANGE_OBJECTS, "an object without a name");

const char *change_action_name(enum change_action action)
{
	return action_names[action];
}

const char *change_object_name(enum change_object object)
{
	return object_names[object];
}

/* As errors name it: a host's link with its host. */
static char *place_text(const struct change *change)
{
	if (!*change->link)
		return xstrdup(change->node);
	if (streq(change->node, "host"))
		return xstrdup(change->link);
	return xasprintf("%s/%s", change->node, change->link);
}

char *change_text(const struct change *change)
{
	const char *object = change_object_name(change->object);
	_cleanup_free_ char *place = place_text(change);
	const char *what = change->after ?: change->before;
	char sign = action_signs[change->action];

	if (change->action == CHANGE_SET)
		return xasprintf("~ %s: %s %s -> %s", place, object, change->before,
				 change->after);
	if (change->object == CHANGE_HOST)
		return xasprintf("%c host %s", sign, place);
	if (change->object == CHANGE_LINK)
		return xasprintf("%c link %s: %s", sign, place, what);
	return xasprintf("%c %s %s of %s", sign, object, what, place);
}

static struct change *grow_changes(struct changes *changes)
{
	grow(changes->list, changes->n);
	return &changes->list[changes->n++];
}

struct change *diff_add(struct diff *diff, enum change_action action,
			enum change_object object, const char *node, size_t job)
{
	struct change *change = grow_changes(diff->changes);

	*change = (struct change){.action = action,
				  .object = object,
				  .node = xstrdup(node ?: "host"),
				  .job = job};
	if (job == CHANGE_NO_JOB)
		return change;
	memcpy(change->link, diff->build->jobs[job].made->name, sizeof(change->link));
	change->index = diff->build->jobs[job].made->index;
	change->at = diff->build->jobs[job].planned->at;
	return change;
}

struct change *diff_set(struct diff *diff, enum change_object object, size_t job,
			char *before, char *after)
{
	struct change *change = diff_add(diff, CHANGE_SET, object,
					 diff->build->jobs[job].node->name, job);

	change->before = before;
	change->after = after;
	return change;
}

const struct observed_node *diff_node(const struct diff *diff, size_t job)
{
	return diff->nodes[diff->build->jobs[job].planned->node];
}

const char *diff_node_name(const struct diff *diff, size_t node)
{
	return node == PLAN_LAB_NODE ? NULL : diff->build->plan->nodes[node].name;
}

size_t diff_job(const struct diff *diff, const struct observed_node *node, int index)
{
	const struct observed_link *link = observed_indexed(node, index);

	return link && link->job != CHANGE_NO_JOB && diff->build->jobs[link->job].exists
		       ? link->job
		       : CHANGE_NO_JOB;
}

const struct planned_link *diff_old_link(const struct diff *diff, size_t i)
{
	const struct planned_link *planned = diff->build->jobs[i].planned;
	const char *node = diff->build->jobs[i].node->name;

	for (size_t n = 0; diff->old && n < diff->old->n_nodes; n++)
		if (n == PLAN_LAB_NODE ? !node
				       : node && streq(diff->old->nodes[n].name, node))
			return plan_link_of(diff->old, n, planned->name);
	return NULL;
}

/* --- hosts --------------------------------------------------------------------------------- */

static bool is_wanted(const struct diff *diff, const char *host)
{
	for (size_t i = PLAN_FIRST_HOST; i < diff->build->plan->n_nodes; i++)
		if (streq(diff->build->plan->nodes[i].name, host))
			return true;
	return false;
}

static void diff_deleted_hosts(struct diff *diff)
{
	for (size_t i = 0; i < diff->observed->n_nodes; i++) {
		const char *name = diff->observed->nodes[i].name;

		if (name && !is_wanted(diff, name))
			diff_add(diff, CHANGE_DELETE, CHANGE_HOST, name, CHANGE_NO_JOB);
	}
}

static void diff_new_hosts(struct diff *diff)
{
	for (size_t i = PLAN_FIRST_HOST; i < diff->build->plan->n_nodes; i++) {
		if (!diff->nodes[i])
			diff_add(diff, CHANGE_ADD, CHANGE_HOST, diff_node_name(diff, i),
				 CHANGE_NO_JOB);
	}
}

/*
 * What is in the way goes first. A link's own settings come before the links that sit on it are
 * made; what ties it to others, when all are there; routes last, as they need the addresses.
 */
static void (*const parts[])(struct diff *diff) = {
	diff_deleted_routes, diff_deleted_neighbours, diff_deleted_addresses,
	diff_deleted_links,  diff_deleted_hosts,      diff_new_hosts,
	diff_settings,       diff_new_links,          diff_relations,
	diff_sysctls,        diff_new_addresses,      diff_new_neighbours,
	diff_new_routes,
};

void diff_compute(struct build *build, const struct plan *old, struct observed *observed,
		  struct changes *changes)
{
	_cleanup_free_ struct observed_node **nodes =
		xcalloc(build->plan->n_nodes, sizeof(struct observed_node *));
	_cleanup_free_ struct observed_link **seen =
		xcalloc(build->n_jobs, sizeof(struct observed_link *));
	struct diff diff = {.build = build,
			    .old = old,
			    .observed = observed,
			    .nodes = nodes,
			    .seen = seen,
			    .changes = changes};

	for (size_t i = 0; i < build->plan->n_nodes; i++)
		nodes[i] = observed_find(observed, diff_node_name(&diff, i));
	match_links(&diff, build);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		parts[i](&diff);
}

void changes_deinit(struct changes *changes)
{
	for (size_t i = 0; i < changes->n; i++) {
		free(changes->list[i].node);
		free(changes->list[i].before);
		free(changes->list[i].after);
	}
	free(changes->list);
	*changes = (struct changes){0};
}
