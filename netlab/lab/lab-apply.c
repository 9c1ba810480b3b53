// SPDX-License-Identifier: GPL-2.0-or-later
/* A lab that is up becomes what another topology says. */
#include <errno.h>

#include "lab/changes.h"
#include "lab/lab-internal.h"

/* Guests are the same in both: topology_check_fixed() has seen to it. */
static void take_over(struct lab *lab, struct topology *wanted, struct plan *plan)
{
	for (size_t i = 0; i < lab->n_guests; i++)
		guest_set_spec(lab->guests[i],
			       topology_guest(wanted, guest_name(lab->guests[i])));
	plan_free(lab->plan);
	topology_free(lab->applied);
	lab->plan = plan;
	lab->applied = wanted;
	lab->options.topology = wanted;
}

/* @plan and @wanted go over to the lab, whatever comes of it. */
static struct error *carry_out(struct lab *lab, struct comparison *comparison,
			       struct topology *wanted, struct plan *plan)
{
	struct error *error;

	egress_let_go(lab->egress);
	error = links_apply(lab->links, comparison);
	take_over(lab, wanted, plan);
	egress_update(lab->egress, plan);
	return error;
}

struct error *lab_apply(struct lab *lab, struct topology *topology, bool dry_run,
			json_t **changes)
{
	_cleanup_topology_ struct topology *wanted = topology;
	_cleanup_plan_ struct plan *plan = plan_new(wanted);
	struct comparison *comparison;
	struct error *error = NULL;

	if (lab->state != LAB_UP)
		return error_new(EAGAIN, "lab %s is %s: it can be changed when it is up",
				 lab->options.name, lab_state_name(lab->state));
	try(check_topology(&lab->options, wanted));
	try(links_compare(lab->links, lab->plan, plan, &comparison));
	if (recording_is_on(lab->recording))
		error = check_captured(&lab->options, wanted,
				       comparison_changes(comparison));
	if (!error && !dry_run)
		error = carry_out(lab, comparison, steal_ptr(wanted), steal_ptr(plan));
	if (!error)
		*changes = changes_to_json(comparison_changes(comparison));
	comparison_free(lab->links, comparison);
	return error;
}
