// SPDX-License-Identifier: GPL-2.0-or-later
/* Which links are to be made, which are to go. */
#include <linux/if_link.h>

#include "link/diff.h"
#include "util/string.h"

/* --- can it stay? ---------------------------------------------------------------------------- */

static bool same_address(bool has_a, const struct address *a, bool has_b,
			 const struct address *b)
{
	return has_a == has_b && (!has_a || address_equal(a, b));
}

static bool same_vxlan(const struct vxlan_settings *a, const struct vxlan_settings *b)
{
	return a->id == b->id && a->port == b->port &&
	       same_address(a->has_local, &a->local, b->has_local, &b->local) &&
	       same_address(a->has_remote, &a->remote, b->has_remote, &b->remote);
}

static bool same_lower(const struct link_job *job, const struct observed_link *seen)
{
	return job->lower ? job->lower->index && job->lower->index == seen->lower
			  : !seen->lower;
}

static bool same_peer(const struct diff *diff, size_t job,
		      const struct observed_link *seen)
{
	const struct link_job *peer = diff->build->jobs[job].peer;
	size_t other = (size_t)(peer - diff->build->jobs);
	const struct observed_link *end =
		observed_named(diff_node(diff, other), peer->made->name);

	return end && end->lower == seen->index && seen->lower == end->index;
}

/* Who may open a TAP that waits is not asked of the kernel. */
static bool same_owner(const struct diff *diff, size_t job)
{
	const struct planned_link *planned = diff->build->jobs[job].planned;
	const struct planned_link *old = diff_old_link(diff, job);

	if (!old || old->kind != LINK_TAP)
		return true;
	return old->persistent == planned->persistent &&
	       streq(old->owner ?: "", planned->owner ?: "");
}

/*
 * What a link of its kind is for good. One that someone else made in place of ours may be
 * another in ways that aren't compared.
 */
static bool is_same(const struct diff *diff, size_t i, const struct observed_link *seen)
{
	const struct link_job *job = &diff->build->jobs[i];
	const struct planned_link *planned = job->planned;

	if (!seen->ours || !streq(seen->kind, link_kind_ops(planned->kind)->type))
		return false;
	switch (planned->kind) {
	case LINK_BRIDGE:
	case LINK_DUMMY:
	case LINK_IFB:
		return true;
	case LINK_TAP:
		return same_owner(diff, i);
	case LINK_VETH:
		return same_peer(diff, i, seen);
	case LINK_VLAN:
		return same_lower(job, seen) && seen->vlan == planned->vlan.id;
	case LINK_VXLAN:
		return same_lower(job, seen) && same_vxlan(&planned->vxlan, &seen->vxlan);
	case LINK_MACVLAN:
		return same_lower(job, seen) &&
		       seen->macvlan == macvlan_mode(planned->macvlan);
	}
	return false;
}

static void forget_jobs(struct observed *observed)
{
	for (size_t n = 0; n < observed->n_nodes; n++)
		for (size_t i = 0; i < observed->nodes[n].n_links; i++)
			observed->nodes[n].links[i].job = CHANGE_NO_JOB;
}

/* Jobs come behind those of the links that they sit on. */
void match_links(struct diff *diff, struct build *build)
{
	forget_jobs(diff->observed);
	for (size_t i = 0; i < build->n_jobs; i++) {
		struct link_job *job = &build->jobs[i];
		struct observed_link *seen =
			observed_named(diff_node(diff, i), job->made->name);

		diff->seen[i] = seen;
		job->exists = seen && is_same(diff, i, seen);
		job->made->index = job->exists ? seen->index : 0;
		if (seen)
			seen->job = i;
	}
}

/* --- links ----------------------------------------------------------------------------------- */

static bool is_wanted(const struct observed_link *link)
{
	return link->job != CHANGE_NO_JOB;
}

/* It is in the way of the wanted one of its name, or no one wants it. */
static bool is_to_go(const struct diff *diff, const struct observed_link *link)
{
	return is_wanted(link) ? !diff->build->jobs[link->job].exists : link->ours;
}

static void delete_link(struct diff *diff, const struct observed_node *node,
			const struct observed_link *link)
{
	struct change *change =
		diff_add(diff, CHANGE_DELETE, CHANGE_LINK, node->name, CHANGE_NO_JOB);

	memcpy(change->link, link->name, sizeof(change->link));
	change->index = link->index;
	change->before = xstrdup(*link->kind ? link->kind : "link");
}

/* Is there an ifb of ours before the link that the plan doesn't want? */
static bool has_surplus_ifb(const struct diff *diff, size_t job)
{
	const struct observed_link *ifb;
	char name[IFNAMSIZ];

	ifb_name(diff->seen[job]->name, name);
	ifb = observed_named(diff_node(diff, job), name);
	return ifb && ifb->ours && !is_wanted(ifb);
}

static const struct link_job *ifb_of(const struct diff *diff, size_t job)
{
	for (size_t i = 0; i < diff->build->n_jobs; i++)
		if (diff->build->jobs[i].redirects == diff->build->jobs[job].made)
			return &diff->build->jobs[i];
	return NULL;
}

/* That of what comes in by a link whose ifb goes, or is made anew: it leads nowhere then. */
static void delete_redirect(struct diff *diff, size_t job)
{
	const struct link_job *ifb;
	struct change *change;
	char name[IFNAMSIZ];

	if (!diff->build->jobs[job].exists || !diff->seen[job]->redirected)
		return;
	ifb = ifb_of(diff, job);
	if (ifb ? ifb->exists : !has_surplus_ifb(diff, job))
		return;
	change = diff_add(diff, CHANGE_DELETE, CHANGE_REDIRECT,
			  diff->build->jobs[job].node->name, job);
	ifb_name(diff->seen[job]->name, name);
	change->before = xasprintf("to %s", name);
}

void diff_deleted_links(struct diff *diff)
{
	for (size_t i = 0; i < diff->build->n_jobs; i++)
		delete_redirect(diff, i);
	for (size_t n = 0; n < diff->observed->n_nodes; n++) {
		const struct observed_node *node = &diff->observed->nodes[n];

		for (size_t i = 0; i < node->n_links; i++)
			if (is_to_go(diff, &node->links[i]))
				delete_link(diff, node, &node->links[i]);
	}
}

/* "veth, port of br0, 10.0.0.2/24" */
static char *new_link_text(const struct planned_link *planned)
{
	_cleanup_strv_ char **words = NULL;
	char text[ADDRESS_TEXT_SIZE];

	strv_push(&words, xstrdup(link_kind_name(planned->kind)));
	if (*planned->master)
		strv_pushf(&words, "port of %s", planned->master);
	if (*planned->lower)
		strv_pushf(&words, "on %s", planned->lower);
	for (size_t i = 0; i < planned->n_addresses; i++)
		strv_push(&words, xstrdup(address_format(&planned->addresses[i], text)));
	return strv_join(words, ", ");
}

void diff_new_links(struct diff *diff)
{
	for (size_t i = 0; i < diff->build->n_jobs; i++) {
		const struct link_job *job = &diff->build->jobs[i];

		if (!job->exists)
			diff_add(diff, CHANGE_ADD, CHANGE_LINK, job->node->name, i)
				->after = new_link_text(job->planned);
	}
}
