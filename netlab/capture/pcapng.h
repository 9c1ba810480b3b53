/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcapng blocks, appended to a buffer. Pure: no descriptor, no clock. The format is that
 * of draft-ietf-opsawg-pcapng (the PCAP Next Generation capture file format), of which
 * section numbers are cited here; everything is written in the host's byte order, which
 * the section header tells.
 *
 * Texts are UTF-8. An option holds 65535 bytes: a longer text is cut at a character.
 */
#ifndef NETLAB_CAPTURE_PCAPNG_H
#define NETLAB_CAPTURE_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

#include "util/buffer.h"

#define PCAPNG_FRAME_MAX 262144u /* captured bytes of a frame; Wireshark takes no more */

/* Section 4.1. A text that is NULL is left out. */
struct pcapng_section {
	const char *hardware;
	const char *os;
	const char *application;
	const char *comment;
};

/* Section 4.2. Stamps on an interface of ours are nanoseconds (if_tsresol 9). */
struct pcapng_interface {
	const char *name;        /* NULL: left out */
	const char *description; /* NULL: left out */
	const char *filter;      /* pcap-filter(7) text; NULL: left out */
	uint32_t snaplen;        /* bytes; 0: no limit */
	uint16_t link_type;      /* LINKTYPE_..., as of the IANA/tcpdump registry */
};

/* Section 4.3.1, epb_flags: which way a frame went, bits 0 and 1. */
#define PCAPNG_INBOUND  1u
#define PCAPNG_OUTBOUND 2u

/* Section 4.3 */
struct pcapng_frame {
	uint32_t interface; /* position of its interface's block in the section, from 0 */
	uint64_t stamp;     /* ns since 1970-01-01 UTC */
	const void *data;
	uint32_t captured;   /* bytes at @data; beyond PCAPNG_FRAME_MAX they are cut */
	uint32_t length;     /* bytes the frame had on the wire */
	uint32_t flags;      /* epb_flags; 0: left out */
	const char *comment; /* NULL: left out */
};

/* Section 4.6. All stamps in ns since 1970-01-01 UTC, all counts in frames. */
struct pcapng_statistics {
	uint32_t interface;
	uint64_t start;      /* when the capture began */
	uint64_t end;        /* when it ended, and what is counted here was counted */
	uint64_t received;   /* isb_ifrecv */
	uint64_t dropped;    /* isb_ifdrop */
	uint64_t os_dropped; /* isb_osdrop */
};

/** pcapng_append_section() - a Section Header Block: what a file begins with */
void pcapng_append_section(struct buffer *out, const struct pcapng_section *section);

/** pcapng_append_interface() - an Interface Description Block; the first is interface
 * 0 */
void pcapng_append_interface(struct buffer *out,
			     const struct pcapng_interface *interface);

/** pcapng_append_frame() - an Enhanced Packet Block */
void pcapng_append_frame(struct buffer *out, const struct pcapng_frame *frame);

/** pcapng_set_stamp() - give the Enhanced Packet Block at @block another stamp, in ns */
void pcapng_set_stamp(uint8_t *block, uint64_t stamp);

/** pcapng_append_statistics() - an Interface Statistics Block */
void pcapng_append_statistics(struct buffer *out,
			      const struct pcapng_statistics *statistics);

/** PCAPNG_FILLER_MIN - bytes of the smallest block that says nothing */
#define PCAPNG_FILLER_MIN 12u

/**
 * pcapng_append_filler() - a block of a type for local use (section 11.1), which readers
 * skip
 * @size: its bytes, a multiple of 4, at least PCAPNG_FILLER_MIN
 */
void pcapng_append_filler(struct buffer *out, size_t size);

/**
 * pcapng_whole_blocks() - how many of the first @size bytes at @data are whole blocks
 * @data: blocks as the functions above wrote them, possibly cut short
 */
size_t pcapng_whole_blocks(const uint8_t *data, size_t size);

/** pcapng_first_block() - the size of the block at @data; 0 where it isn't whole */
size_t pcapng_first_block(const uint8_t *data, size_t size);

#endif
