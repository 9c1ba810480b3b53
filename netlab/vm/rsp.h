/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The framing of the GDB Remote Serial Protocol (gdb 13's manual, appendix E.1): packets
 * "$DATA#CHECKSUM", acknowledgements, and the byte that interrupts. Pure: bytes in, units out.
 */
#ifndef NETLAB_VM_RSP_H
#define NETLAB_VM_RSP_H

#include <stddef.h>

#include "util/buffer.h"
#include "util/error.h"

#define RSP_PACKET_LIMIT (1u << 20) /* bytes of DATA; QEMU's own limit is 4096 */

enum rsp_kind {
	RSP_NOTHING,   /* more bytes are wanted */
	RSP_PACKET,    /* the peer awaits an acknowledgement, "+" */
	RSP_INTERRUPT, /* byte 3: the debugger wants the guest to stop */
};

struct rsp_unit {
	enum rsp_kind kind;
	const char *data; /* of a packet, between '$' and '#', terminated by a NUL that is
			   * not part of it; until the next rsp_next() */
	size_t size;
};

/* What has come from one peer. Zero-initialised it is empty and valid. */
struct rsp {
	struct buffer bytes;
	struct buffer packet;
};

void rsp_feed(struct rsp *rsp, const void *data, size_t size);

/**
 * rsp_next() - the next unit that has come whole
 *
 * Acknowledgements, and what stands between packets, are passed over: the transport is
 * reliable. Return: EPROTO where a packet is too long or its checksum is wrong.
 */
must_use struct error *rsp_next(struct rsp *rsp, struct rsp_unit *unit);

/** rsp_append() - @size bytes of @data as a packet, to the end of @out. */
void rsp_append(struct buffer *out, const char *data, size_t size);

void rsp_deinit(struct rsp *rsp);

#endif
