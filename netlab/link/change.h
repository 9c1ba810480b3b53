/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of a lab's links and namespaces, carried out. */
#ifndef NETLAB_LINK_CHANGE_H
#define NETLAB_LINK_CHANGE_H

#include "link/diff.h"

/* One round of changes. All is borrowed. */
struct changing {
	const struct build *build; /* that diff_compute() was given */
	const struct observed *observed;
	const struct changes *changes;
	struct node **
		removed; /* hosts that the plan has no more; each goes, and is NULL then */
	size_t n_removed;
	size_t done; /* how many were made; the next is the one that failed */
};

/**
 * changes_make() - one after the other, as far as the kernel lets them
 * Return: what the kernel refused, with the line of the topology and the link. What was done
 * before stays.
 */
must_use struct error *changes_make(struct changing *changing);

#endif
