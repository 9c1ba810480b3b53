/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's answer to a netlink request, with its own words where it has some: extended ACK,
 * linux/netlink.h's enum nlmsgerr_attrs. libnl 3.7 hands out neither those words nor the errno.
 */
#ifndef NETLAB_LINK_EXTACK_H
#define NETLAB_LINK_EXTACK_H

#include <stdbool.h>
#include <stddef.h>

struct extack {
	int code; /* errno value; 0: done */
	char text
		[256]; /* NUL-terminated, cut where it is longer; "": the kernel said nothing */
};

/**
 * extack_decode() - read a netlink message that may be an answer
 * @message: the message with its header, at any alignment; nothing in it is trusted
 * @size: bytes of it
 * Return: whether it was an answer (NLMSG_ERROR); only then @extack is written.
 */
bool extack_decode(const void *message, size_t size, struct extack *extack);

#endif
