/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes, neighbours and sysctls, of hosts and of the lab's host side. */
#ifndef NETLAB_TOPOLOGY_ROUTING_H
#define NETLAB_TOPOLOGY_ROUTING_H

#include "topology/scope.h"

/** read_routes() - what can be read of a list of routes before the links are known. */
void read_routes(struct reader *reader, const char *what, const struct node *node,
		 struct route **routes, size_t *n);

/** read_neighbours() - as read_routes(). */
void read_neighbours(struct reader *reader, const char *what, const struct node *node,
		     struct neighbour **neighbours, size_t *n);

/** read_sysctls() - into a char **. */
void read_sysctls(struct reader *reader, const char *what, const struct node *node,
		  void *into);

/**
 * check_routes() - devices, gateways and families of @routes, one for each item of @node
 * @node: the list they were read from; NULL: there are none
 */
void check_routes(struct reader *reader, const struct scope *scope,
		  const struct node *node, struct route *routes);

/** check_neighbours() - as check_routes(); finds the device where none was named. */
void check_neighbours(struct reader *reader, const struct scope *scope,
		      const struct node *node, struct neighbour *neighbours);

/**
 * check_sysctls() - where the scope is not the lab's alone, only sysctls of its own links
 * @node: the mapping they were read from; NULL: there are none
 */
void check_sysctls(struct reader *reader, const struct scope *scope,
		   const struct node *node);

#endif
