/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is to be changed so that the kernel has what a plan wants. Pure: memory in, memory out.
 * link/change.c carries it out.
 */
#ifndef NETLAB_LINK_DIFF_H
#define NETLAB_LINK_DIFF_H

#include "link/build.h"
#include "link/observe.h"

enum change_action {
	CHANGE_ADD,
	CHANGE_DELETE,
	CHANGE_SET, /* it is there, and is to be another way */
};

#define CHANGE_ACTIONS (CHANGE_SET + 1)

/* What is added or deleted (first part), and what of a link or node is set (second). */
enum change_object {
	CHANGE_HOST,
	CHANGE_LINK,
	CHANGE_REDIRECT, /* of what comes in by a link, to its ifb */
	CHANGE_ADDRESS,
	CHANGE_ROUTE,
	CHANGE_NEIGHBOUR,
	CHANGE_SYSCTL,
	CHANGE_STATE, /* up or down */
	CHANGE_MTU,
	CHANGE_MAC,
	CHANGE_TXQUEUELEN,
	CHANGE_BRIDGE, /* whose port it is */
	CHANGE_STP,
	CHANGE_AGEING,
	CHANGE_SNOOPING,
	CHANGE_FILTERING,
	CHANGE_VLANS,
	CHANGE_OFFLOADS,
	CHANGE_IMPAIR,
	CHANGE_FORWARD,
};

#define CHANGE_OBJECTS (CHANGE_FORWARD + 1)

#define CHANGE_NO_JOB SIZE_MAX

struct change {
	enum change_action action;
	enum change_object object;
	char *node; /* name of the namespace it is in; "host": the lab's host side */
	char link[IFNAMSIZ];  /* the link that it is about; "": none */
	char *before, *after; /* for people; NULL: was not there, is not to be there */
	size_t job;           /* the link's, as of build; or CHANGE_NO_JOB */
	int index; /* the link's, as the kernel numbers it; 0: it is to be made */
	struct address address;     /* CHANGE_ADDRESS */
	struct route route;         /* CHANGE_ROUTE */
	struct neighbour neighbour; /* CHANGE_NEIGHBOUR */
	bool restores; /* CHANGE_SYSCTL: no one asks for it; it is what it was before */
	struct location at; /* where the topology asks for it; line 0: nowhere */
};

/* Zero-initialised it is empty and valid. */
struct changes {
	struct change *list;
	size_t n;
};

/**
 * diff_compute() - the changes from @observed to what @build's jobs and plan want, in the order
 * in which they are carried out
 * @build: after prepare_jobs(). It is told which links there are: of those the job's @exists
 *         and the made link's @index are set.
 * @old: the plan that the lab had so far, for what can't be read from the kernel
 */
void diff_compute(struct build *build, const struct plan *old, struct observed *observed,
		  struct changes *changes);

void changes_deinit(struct changes *changes);
#define _cleanup_changes_ _cleanup_(changes_deinit)

/** change_action_name() - "add", "delete", "set". */
const char *change_action_name(enum change_action action);

/** change_object_name() - "host", "link", …, "mtu", … */
const char *change_object_name(enum change_object object);

/** change_text() - "~ br0: mtu 1500 -> 9000", "+ address 192.0.2.1/24 of h1/eth0". New. */
char *change_text(const struct change *change);

/* --- between diff.c and the files diff-*.c ----------------------- */

struct diff {
	const struct build *build;
	const struct plan *old;
	struct observed *observed;
	struct observed_node **nodes; /* by the plan's node; NULL: it isn't there */
	struct observed_link **seen;  /* by job: the link of its name; NULL: none */
	struct changes *changes;
};

/**
 * diff_add() - a new change, of the wanted link @job or (CHANGE_NO_JOB) of no link
 * @node: name; NULL: the host side
 * Return: valid until the next one.
 */
struct change *diff_add(struct diff *diff, enum change_action action,
			enum change_object object, const char *node, size_t job);

/** diff_set() - as diff_add() for CHANGE_SET; @before and @after are owned by it then. */
struct change *diff_set(struct diff *diff, enum change_object object, size_t job,
			char *before, char *after);

/** diff_node() - what there is of the node of a wanted link; NULL: nothing. */
const struct observed_node *diff_node(const struct diff *diff, size_t job);

/** diff_node_name() - the name of one of the plan's nodes; NULL: the host side. */
const char *diff_node_name(const struct diff *diff, size_t node);

/** diff_job() - the wanted link that one of a node's links is, or CHANGE_NO_JOB. */
size_t diff_job(const struct diff *diff, const struct observed_node *node, int index);

/** diff_old_link() - the link of that name in the plan of before, or NULL. */
const struct planned_link *diff_old_link(const struct diff *diff, size_t job);

/** match_links() - find for each job what there is, and whether it can stay. */
void match_links(struct diff *diff, struct build *build);

void diff_deleted_links(struct diff *diff);
void diff_new_links(struct diff *diff);

/** diff_settings() - what links are set to before new links are made … */
void diff_settings(struct diff *diff);
/** diff_relations() - … and after that. */
void diff_relations(struct diff *diff);

void diff_deleted_addresses(struct diff *diff);
void diff_deleted_routes(struct diff *diff);
void diff_deleted_neighbours(struct diff *diff);
void diff_sysctls(struct diff *diff);
void diff_new_addresses(struct diff *diff);
void diff_new_neighbours(struct diff *diff);
void diff_new_routes(struct diff *diff);

#endif
