/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lab's name in a network namespace that is not its own. Whoever holds it, as an abstract
 * UNIX socket, which each network namespace has for itself, is that lab's supervisor; it ends
 * with its process. Links of a lab whose name no one holds were left by one that was killed.
 */
#ifndef NETLAB_LAB_CLAIM_H
#define NETLAB_LAB_CLAIM_H

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "link/owner.h"
#include "util/error.h"

/**
 * claim_take() - hold the name @lab in the network namespace that the process is in
 * @fd: closing it gives the name back; owned by the caller
 * Return: EEXIST, and who holds it, where it is taken.
 */
must_use struct error *claim_take(const char *lab, int *fd);

/**
 * claim_watch() - take the connections of those who ask whether the name is held
 * @source: ends with the claim; owned by the caller. Without it the kernel keeps them, up to
 *          SOMAXCONN.
 */
must_use struct error *claim_watch(int fd, sd_event *event, sd_event_source **source);

/**
 * claim_holder() - who holds the name @lab in the network namespace that the process is in
 * @pid: 0 where the kernel doesn't say
 * Return: false: no one.
 */
bool claim_holder(const char *lab, pid_t *pid);

/**
 * dead_links_list() - links in the process's network namespace that dead labs left
 * @lab: of this lab; NULL: of all
 */
must_use struct error *dead_links_list(const char *lab, struct owned_links *links);

/**
 * dead_links_remove() - delete what the dead lab @lab left in the process's network namespace
 * @deleted: what that was, maybe nothing; released by the caller
 * Return: EEXIST where it isn't dead.
 */
must_use struct error *dead_links_remove(const char *lab, struct owned_links *deleted);

/** dead_links_labs() - the labs that they are of, each once; the caller frees the vector. */
char **dead_links_labs(const struct owned_links *links);

#endif
