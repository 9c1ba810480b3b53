/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan under way: what link.c, jobs.c and steps.c share. */
#ifndef NETLAB_LINK_BUILD_H
#define NETLAB_LINK_BUILD_H

#include "link/kind.h"
#include "link/link.h"

struct links {
	char *lab;           /* its name, where the host side is shared; else NULL */
	bool has_ipv6;       /* the kernel does IPv6 */
	struct node **nodes; /* the first is the host side */
	size_t n_nodes;
	struct made_link *made;
	size_t n_made;
};

/* One links_build(): a job for each planned link, then one for each ifb that they need. */
struct build {
	struct links *links;
	const struct plan *plan;
	struct planned_link *ifbs; /* not in the plan; of links with impair_in */
	struct link_job *jobs;
	size_t n_jobs;
};

static inline struct node *home(const struct links *links)
{
	return links->nodes[PLAN_LAB_NODE];
}

/** find_made() - the link of that name, made or to be made; NULL where there is none. */
struct made_link *find_made(const struct links *links, size_t node, const char *name);

/** links_inside() - call @act with the process in @node's network namespace. */
must_use struct error *links_inside(const struct links *links, const struct node *node,
				    struct error *(*act)(void *), void *argument);

/** is_spoken_on() - does the host or the lab's host side send by it? */
bool is_spoken_on(const struct planned_link *planned);

/** prepare_jobs() - a job for each link of the plan, with what belongs to it. */
must_use struct error *prepare_jobs(struct build *build);

/**
 * check_surroundings() - in a shared namespace: is no name of the plan taken?
 * Networks that overlap those of other links are a warning.
 */
must_use struct error *check_surroundings(const struct build *build);

/** take_steps() - do all jobs; what the errors are about is in them. */
must_use struct error *take_steps(const struct build *build);

/** take_link_steps() - the same of those that are about links, for links that aren't there. */
must_use struct error *take_link_steps(const struct build *build);

/** links_find_device() - the index of a node's link by name; 0 for the name "". */
must_use struct error *links_find_device(const struct links *links, size_t node,
					 const char *name, int *index);

/** locate() - add to @error the link that it is about, and where the topology has it. */
must_use struct error *locate(struct error *error, const struct build *build,
			      const struct link_job *job);

#endif
