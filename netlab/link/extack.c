// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/extack.h"

#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <string.h>

#define ANSWER_SIZE (NLMSG_HDRLEN + sizeof(struct nlmsgerr))

/*
 * Where the attributes begin: behind the request that the kernel sends back, which is its
 * header alone where the answer is capped (NETLINK_CAP_ACK, and every success).
 */
static size_t attributes_offset(const struct nlmsghdr *header,
				const struct nlmsgerr *answer, size_t size)
{
	size_t request = answer->msg.nlmsg_len;

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return size;
	if (header->nlmsg_flags & NLM_F_CAPPED)
		return ANSWER_SIZE;
	if (request < NLMSG_HDRLEN || request > size)
		return size;
	return ANSWER_SIZE + NLMSG_ALIGN(request - NLMSG_HDRLEN);
}

static void take_text(const uint8_t *text, size_t n, struct extack *extack)
{
	n = strnlen((const char *)text, n);
	if (n >= sizeof(extack->text))
		n = sizeof(extack->text) - 1;
	memcpy(extack->text, text, n);
	extack->text[n] = '\0';
}

static void read_attributes(const uint8_t *message, size_t offset, size_t size,
			    struct extack *extack)
{
	struct nlattr attribute;

	while (offset < size && size - offset >= sizeof(attribute)) {
		memcpy(&attribute, message + offset, sizeof(attribute));
		if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > size - offset)
			return;
		if ((attribute.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG)
			take_text(message + offset + NLA_HDRLEN,
				  attribute.nla_len - NLA_HDRLEN, extack);
		offset += NLA_ALIGN(attribute.nla_len);
	}
}

bool extack_decode(const void *message, size_t size, struct extack *extack)
{
	struct nlmsghdr header;
	struct nlmsgerr answer;

	if (size < ANSWER_SIZE)
		return false;
	memcpy(&header, message, sizeof(header));
	memcpy(&answer, (const uint8_t *)message + NLMSG_HDRLEN, sizeof(answer));
	if (header.nlmsg_type != NLMSG_ERROR || header.nlmsg_len < ANSWER_SIZE)
		return false;
	if (header.nlmsg_len < size)
		size = header.nlmsg_len;
	*extack = (struct extack){0};
	if (answer.error)
		extack->code = answer.error < 0 && answer.error != INT_MIN ? -answer.error
									   : EPROTO;
	read_attributes(message, attributes_offset(&header, &answer, size), size, extack);
	return true;
}
