/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User and network namespaces. */
#ifndef NETLAB_UTIL_NAMESPACE_H
#define NETLAB_UTIL_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "util/error.h"

/**
 * namespace_enter_new() - move this (single-threaded) process into a network namespace of its
 * own, and, where it isn't root, first into a user namespace in which it is
 *
 * The user namespace maps the caller's user and group to 0 and nothing else
 * (user_namespaces(7)). A kernel that forbids it is named in the error with the sysctl or
 * profile that does.
 */
must_use struct error *namespace_enter_new(void);

/**
 * namespace_join() - move this process into the namespaces that process @pid is in
 * @pid: as seen from here; its user namespace is joined where it differs from ours
 */
must_use struct error *namespace_join(pid_t pid);

/**
 * namespace_join_net() - move this process into the network namespace at @path, which belongs
 * to the user namespace that it is in
 */
must_use struct error *namespace_join_net(const char *path);

/**
 * namespace_visit() - do something in the network namespace that @fd is open on, then go back
 * @fd: -1: stay
 * @there: what is to be done; gets @userdata
 * Return: what @there returns; or why the (single-threaded) process could not go there, or not
 * come back, and is in the wrong namespace for good.
 */
must_use struct error *namespace_visit(int fd, struct error *(*there)(void *userdata),
				       void *userdata);

#endif
