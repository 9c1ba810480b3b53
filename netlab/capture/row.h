/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of text between the frames: what stopped the lab, what a guest's console said. Each is a
 * packet of LINKTYPE_WIRESHARK_UPPER_PDU (https://www.tcpdump.org/linktypes.html) that asks for
 * the dissector "syslog": of all that Wireshark has, it shows a text as it is in the list of
 * packets, of each version since 1.10, without a plugin. The text is the field syslog.msg, the
 * level of a console's line syslog.level. Pure.
 */
#ifndef NETLAB_CAPTURE_ROW_H
#define NETLAB_CAPTURE_ROW_H

#include <stdint.h>

#include "capture/pcapng.h"

#define LINKTYPE_WIRESHARK_UPPER_PDU 252

/* RFC 5424, section 6.2.1: facility * 8 + severity. */
#define ROW_NO_PRIORITY  -1 /* the text stands alone */
#define ROW_KERNEL       0  /* + a level, as of syslog(2) */
#define ROW_USER         (1 * 8)
#define ROW_LEVEL_NOTICE 5

struct row {
	uint32_t interface; /* position of its interface's block in the section */
	uint64_t stamp;     /* ns since 1970-01-01 UTC */
	int priority;
	const char *text; /* one line of UTF-8, not empty */
};

/** row_payload() - append to @out what the packet of @row holds */
void row_payload(struct buffer *out, const struct row *row);

/** row_append() - append to @out the Enhanced Packet Block of @row */
void row_append(struct buffer *out, const struct row *row);

#endif
