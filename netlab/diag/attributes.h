/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink messages and their attributes, which are trusted in nothing: private to diag/. */
#ifndef NETLAB_DIAG_ATTRIBUTES_H
#define NETLAB_DIAG_ATTRIBUTES_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * message_ok() - is a whole message there?
 * @size: bytes left. libmnl rounds a message's length up to where the next one would begin.
 */
bool message_ok(const struct nlmsghdr *header, int size);

/* The number in an attribute; 0 where it has another size. */
uint8_t attribute_u8(const struct nlattr *attribute);
uint16_t attribute_u16(const struct nlattr *attribute);
uint32_t attribute_u32(const struct nlattr *attribute);

/** attribute_text() - copy a text that may lack its NUL; it is cut where it is too long. */
void attribute_text(const struct nlattr *attribute, char *text, size_t size);

#endif
