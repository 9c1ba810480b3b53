/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user's files for a guest: `files:` of a topology. */
#ifndef NETLAB_IMAGE_EXTRAS_H
#define NETLAB_IMAGE_EXTRAS_H

#include "image/contents.h"
#include "topology/topology.h"

/**
 * extras_add() - the files of @guest, each below @folder as it is to lie below "/"
 *
 * A folder comes with all that is in it. Permissions stay as they are, all is owned by root, and
 * a link in a folder stays a link.
 * Return: an error for what isn't there or can't be read, and for what is neither a file, a
 * folder nor a link.
 */
must_use struct error *extras_add(struct contents *contents, const struct guest *guest,
				  const char *folder);

#endif
