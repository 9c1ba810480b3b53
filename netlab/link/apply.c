// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plan for links that are there already. What the kernel has is read, compared with the plan,
 * and changed; then again, as the kernel takes more away than it is told to: a link's IPv6
 * addresses when it goes down, an IPv4 address's secondary ones, all that sits on a link that
 * goes. Once nothing is left to change it is done.
 */
#include <errno.h>

#include "link/change.h"
#include "util/string.h"

#define ROUNDS 4

struct comparison {
	struct links wanted; /* the plan's nodes; of them, those that are new are owned */
	struct build build;  /* of the plan, on those */
	struct observed observed;
	struct changes changes;
	struct node **removed; /* owned, once the wanted nodes have taken their places */
	size_t n_removed;
};

static size_t node_named(const struct links *links, const char *name)
{
	for (size_t i = 0; i < links->n_nodes; i++)
		if (name ? links->nodes[i]->name && streq(links->nodes[i]->name, name)
			 : !links->nodes[i]->name)
			return i;
	return links->n_nodes;
}

static void name_nodes(const struct links *links, const struct plan *plan,
		       struct links *wanted)
{
	wanted->lab = links->lab;
	wanted->has_ipv6 = links->has_ipv6;
	wanted->n_nodes = plan->n_nodes;
	wanted->nodes = xcalloc(plan->n_nodes, sizeof(struct node *));
	for (size_t i = 0; i < plan->n_nodes; i++) {
		const char *name = i == PLAN_LAB_NODE ? NULL : plan->nodes[i].name;
		size_t there = node_named(links, name);

		wanted->nodes[i] = there < links->n_nodes ? links->nodes[there]
							  : node_alloc(name);
	}
}

/* What netlab made, and the plan doesn't want: known until it is seen that it is gone. */
static void keep_surplus(const struct links *links, const struct plan *plan,
			 const struct observed *observed, struct links *wanted)
{
	for (size_t i = 0; i < links->n_made; i++) {
		struct made_link made = links->made[i];
		const char *name = links->nodes[made.node]->name;
		const struct observed_node *seen = observed_find(observed, name);

		made.node = node_named(wanted, name);
		if (made.node == wanted->n_nodes ||
		    plan_link_of(plan, made.node, made.name) || !seen ||
		    !observed_indexed(seen, made.index))
			continue;
		grow(wanted->made, wanted->n_made);
		wanted->made[wanted->n_made++] = made;
	}
}

/* In a namespace that is shared, what others made is not taken over. */
static struct error *check_foreign(const struct comparison *round)
{
	const struct observed_node *seen = observed_find(&round->observed, NULL);

	for (size_t i = 0; round->wanted.lab && i < seen->n_links; i++) {
		const struct observed_link *link = &seen->links[i];
		struct error *error;

		if (link->job == CHANGE_NO_JOB || link->ours)
			continue;
		error = error_new(EEXIST, "a link of that name exists already, which is "
					  "not this lab's");
		error = error_hint(error, "choose another name; what netlab did not make "
					  "it leaves alone");
		return locate(error, &round->build, &round->build.jobs[link->job]);
	}
	return NULL;
}

static struct error *compare(const struct links *links, const struct plan *old,
			     struct comparison *round)
{
	const struct plan *plan = round->build.plan;

	name_nodes(links, plan, &round->wanted);
	try(observe(links, plan, &round->observed));
	keep_surplus(links, plan, &round->observed, &round->wanted);
	try(prepare_jobs(&round->build));
	diff_compute(&round->build, old, &round->observed, &round->changes);
	return check_foreign(round);
}

static bool contains(const struct links *links, const struct node *node)
{
	for (size_t i = 0; i < links->n_nodes; i++)
		if (links->nodes[i] == node)
			return true;
	return false;
}

static struct made_link *made_in(const struct links *links, const struct node *node,
				 const char *name)
{
	for (size_t i = 0; i < links->n_made; i++)
		if (links->nodes[links->made[i].node] == node &&
		    streq(links->made[i].name, name))
			return &links->made[i];
	return NULL;
}

static void inherit(const struct links *links, const struct link_job *job)
{
	struct made_link *old = made_in(links, job->node, job->made->name);

	if (!old)
		return;
	job->made->tap = steal_fd(old->tap);
	if (job->exists)
		job->made->group = old->group;
}

/* The wanted nodes and links become those of @links; what there was of others is removed. */
static void adopt(struct links *links, struct comparison *round)
{
	for (size_t i = 0; i < round->build.n_jobs; i++)
		inherit(links, &round->build.jobs[i]);
	for (size_t i = 0; i < links->n_nodes; i++) {
		if (contains(&round->wanted, links->nodes[i]))
			continue;
		grow(round->removed, round->n_removed);
		round->removed[round->n_removed++] = links->nodes[i];
	}
	free(links->nodes);
	free(links->made);
	*links = round->wanted;
	round->wanted = (struct links){0};
	round->build.links = links;
}

void comparison_free(const struct links *links, struct comparison *round)
{
	for (size_t i = 0; i < round->wanted.n_nodes; i++)
		if (!contains(links, round->wanted.nodes[i]))
			node_free(round->wanted.nodes[i]);
	for (size_t i = 0; i < round->n_removed; i++)
		node_free(round->removed[i]);
	free(round->wanted.nodes);
	free(round->wanted.made);
	free(round->removed);
	free(round->build.ifbs);
	free(round->build.jobs);
	observed_deinit(&round->observed);
	changes_deinit(&round->changes);
	free(round);
}

const struct changes *comparison_changes(const struct comparison *comparison)
{
	return &comparison->changes;
}

/* In the message itself, as the kernel's refusal may have a hint of its own. */
static struct error *tell_progress(struct error *error, size_t done, size_t n)
{
	char *message = xasprintf("%s (after %zu of %zu changes, which stay)",
				  error->message, done, n);

	free(error->message);
	error->message = message;
	return error_hint(error, "another 'netlab apply' does the rest, or goes back");
}

static struct error *carry_out(struct links *links, struct comparison *round)
{
	struct changing changing = {
		.build = &round->build,
		.observed = &round->observed,
		.changes = &round->changes,
	};
	struct error *error;

	adopt(links, round);
	changing.removed = round->removed;
	changing.n_removed = round->n_removed;
	error = changes_make(&changing);
	return error ? tell_progress(error, changing.done, round->changes.n) : NULL;
}

static struct error *give_up(const struct changes *changes)
{
	_cleanup_free_ char *text = change_text(&changes->list[0]);

	return error_new(EIO, "the kernel doesn't keep what it is told: %s", text);
}

struct error *links_compare(const struct links *links, const struct plan *old,
			    const struct plan *plan, struct comparison **result)
{
	struct comparison *round = xcalloc(1, sizeof(*round));
	struct error *error;

	round->build = (struct build){.links = &round->wanted, .plan = plan};
	error = compare(links, old, round);
	if (error)
		comparison_free(links, round);
	else
		*result = round;
	return error;
}

struct error *links_apply(struct links *links, struct comparison *comparison)
{
	const struct plan *plan = comparison->build.plan;
	struct error *error = carry_out(links, comparison);
	bool done = !comparison->changes.n;

	for (int i = 1; !error && !done; i++) {
		struct comparison *next;

		try(links_compare(links, plan, plan, &next));
		error = i < ROUNDS || !next->changes.n ? carry_out(links, next)
						       : give_up(&next->changes);
		done = !next->changes.n;
		comparison_free(links, next);
	}
	return error;
}
