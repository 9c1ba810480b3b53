/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keys of bridges, cards and links have in common: their readers and their checks. */
#ifndef NETLAB_TOPOLOGY_LINKFIELDS_H
#define NETLAB_TOPOLOGY_LINKFIELDS_H

#include "topology/reader.h"

/** link_name_fault() - why it can't be the name of a link ("is empty"), or NULL. */
const char *link_name_fault(const char *name);

/**
 * read_bridge_of() - the bridge that something becomes a port of, with its ports counted
 * Return: NULL, and reported, where there is none of that name.
 */
const struct bridge *read_bridge_of(struct reader *reader, const char *what,
				    const struct node *node);

/* Readers for tables of fields; each says what it reads into. */

/* uint32_t */
void read_mtu(struct reader *reader, const char *what, const struct node *node,
	      void *into);
/* uint32_t */
void read_txqueuelen(struct reader *reader, const char *what, const struct node *node,
		     void *into);
/* struct link_settings */
void read_link_mac(struct reader *reader, const char *what, const struct node *node,
		   void *into);
/* struct link_settings */
void read_link_up(struct reader *reader, const char *what, const struct node *node,
		  void *into);
/* enum choice[OFFLOADS] */
void read_offloads(struct reader *reader, const char *what, const struct node *node,
		   void *into);
/* struct impairment, of one direction */
void read_impairment(struct reader *reader, const char *what, const struct node *node,
		     void *into);
/* struct port_vlans */
void read_vlans(struct reader *reader, const char *what, const struct node *node,
		void *into);
/* uint16_t */
void read_vlan_id(struct reader *reader, const char *what, const struct node *node,
		  void *into);

/** read_impairments() - "to" and "from" apart, or one impairment for both. */
void read_impairments(struct reader *reader, const char *what, const struct node *node,
		      struct impairment *to, struct impairment *from);

/**
 * check_vlans() - VLANs are of a bridge that filters them, or of its ports
 * @node: the mapping that may have a key 'vlans'
 * @bridge: what it is a port of, or the bridge itself; NULL: none
 */
void check_vlans(struct reader *reader, const struct node *node,
		 const struct bridge *bridge);

/** check_mtu() - IPv6 wants an MTU of 1280; @mtu of 0 is the kernel's, and enough. */
void check_mtu(struct reader *reader, const struct node *node, uint32_t mtu,
	       const struct address *addresses, size_t n);

#endif
