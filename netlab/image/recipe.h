/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kernel is to be made from, known before it is made. */
#ifndef NETLAB_IMAGE_RECIPE_H
#define NETLAB_IMAGE_RECIPE_H

#include "image/kernel.h"
#include "image/key.h"

struct recipe {
	char *flavour;
	char *fragment; /* the options it asks for: fragment_read()'s. NULL: the tree is built in
			 * place, as it is configured */
	char **base;     /* make's targets that it goes over; NULL: allnoconfig */
	char **optimize; /* topology/optimize.h's words, the flavour's first; NULL: none */
	char *source;    /* the kernel tree; with a tarball, where that is unpacked */
	char *tarball; /* the distribution's; NULL: @source is a tree of the user's own */
	char *compiler;
	char key[KEY_SIZE];
};

#define FLAVOUR_IN_PLACE "own" /* of a tree that is built in place */

/**
 * recipe_check_tree() - can its tree be built the way that is asked for?
 * Return: an error for a tree that was configured in place and shall be built elsewhere (kbuild
 * refuses that), and for one that wasn't and shall be built in place.
 */
must_use struct error *recipe_check_tree(const struct recipe *recipe);

/**
 * recipe_new() - look up everything that @options mean
 * Return: an error for a flavour that netlab doesn't have (naming those it has), a source
 * that is no kernel tree, a missing package.
 */
must_use struct error *recipe_new(const struct kernel_options *options,
				  struct recipe **recipe);
void recipe_free(struct recipe *recipe);
DEFINE_CLEANUP(struct recipe *, recipe_free);
#define _cleanup_recipe_ _cleanup_(recipe_freep)

#endif
