// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/attributes.h"

#include <string.h>

bool message_ok(const struct nlmsghdr *header, int size)
{
	return mnl_nlmsg_ok(header, size) &&
	       (uint64_t)MNL_ALIGN((uint64_t)header->nlmsg_len) <= (uint64_t)size;
}

static bool has_size(const struct nlattr *attribute, size_t size)
{
	return mnl_attr_get_payload_len(attribute) == size;
}

uint8_t attribute_u8(const struct nlattr *attribute)
{
	return has_size(attribute, sizeof(uint8_t)) ? mnl_attr_get_u8(attribute) : 0;
}

uint16_t attribute_u16(const struct nlattr *attribute)
{
	return has_size(attribute, sizeof(uint16_t)) ? mnl_attr_get_u16(attribute) : 0;
}

uint32_t attribute_u32(const struct nlattr *attribute)
{
	return has_size(attribute, sizeof(uint32_t)) ? mnl_attr_get_u32(attribute) : 0;
}

void attribute_text(const struct nlattr *attribute, char *text, size_t size)
{
	size_t length = mnl_attr_get_payload_len(attribute);

	if (length >= size)
		length = size - 1;
	memcpy(text, mnl_attr_get_payload(attribute), length);
	text[length] = '\0';
}
