// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/row.h"

#include <arpa/inet.h>
#include <string.h>

#include "util/string.h"

/* Tags of Wireshark's epan/exported_pdu.h, all in network byte order. */
#define TAG_END_OF_OPTIONS 0
#define TAG_DISSECTOR_NAME 12

#define DISSECTOR  "syslog" /* padded to 32 bits by zeros */
#define NAME_BYTES 8u

static void append_tag(struct buffer *out, uint16_t tag, uint16_t length)
{
	uint16_t header[] = {htons(tag), htons(length)};

	buffer_append(out, header, sizeof(header));
}

void row_payload(struct buffer *out, const struct row *row)
{
	_cleanup_free_ char *text =
		row->priority == ROW_NO_PRIORITY
			? xstrdup(row->text)
			: xasprintf("<%d>%s", row->priority, row->text);
	char name[NAME_BYTES] = DISSECTOR;

	append_tag(out, TAG_DISSECTOR_NAME, sizeof(name));
	buffer_append(out, name, sizeof(name));
	append_tag(out, TAG_END_OF_OPTIONS, 0);
	buffer_append(out, text, strlen(text));
}

void row_append(struct buffer *out, const struct row *row)
{
	_cleanup_buffer_ struct buffer payload = {0};

	row_payload(&payload, row);
	pcapng_append_frame(out, &(struct pcapng_frame){
					 .interface = row->interface,
					 .stamp = row->stamp,
					 .data = payload.data,
					 .captured = payload.size,
					 .length = payload.size,
				 });
}
