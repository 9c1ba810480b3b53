/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's links and addresses, set over rtnetlink by nothing but the kernel's interface. */
#ifndef GUEST_NETWORK_H
#define GUEST_NETWORK_H

/**
 * network_begin() - a netlink socket, and the loopback link up
 * Return: the socket; -1 with errno.
 */
int network_begin(void);

/**
 * network_configure() - one card: its MTU, its link up, its addresses on it
 * @netlink: of network_begin()
 * @words: "MAC,mtu=BYTES,ADDRESS/PREFIX,ADDRESS/PREFIX…", as behind "netlab.nic=", all but the
 *         MAC optional; is taken apart
 * @say: told, in words for people, about each part that failed; the others are done all the same
 */
void network_configure(int netlink, char *words, void (*say)(const char *format, ...));

#endif
