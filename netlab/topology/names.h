/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that were given, where, and to what: a search tree, so that no lab is too large. */
#ifndef NETLAB_TOPOLOGY_NAMES_H
#define NETLAB_TOPOLOGY_NAMES_H

#include "topology/topology.h"

/* Zero-initialised it is empty and valid. */
struct names {
	void *root;
	size_t n;
};

struct name {
	struct location at;
	const void *value; /* borrowed; what it is the name of */
	char text[];
};

/**
 * names_add() - remember @text, which is copied
 * Return: the earlier one of the same text, which stays; NULL where it is new.
 */
const struct name *names_add(struct names *names, const char *text, struct location at,
			     const void *value);

/** names_find() - NULL where it was never given. */
const struct name *names_find(const struct names *names, const char *text);

/**
 * names_suggest() - "; did you mean 'server'?" for a name that isn't there
 * Return: a new string, which the caller frees; "" where none is near.
 */
char *names_suggest(const struct names *names, const char *text);

/** suggest() - names_suggest() among @candidates. */
char *suggest(const char *text, char *const *candidates);

void names_deinit(struct names *names);

#endif
