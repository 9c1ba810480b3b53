// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/text.h"

#include <string.h>

#include "util/buffer.h"
#include "util/string.h"

/* How many bytes a sequence that begins with @lead has; 0: none begins so. */
static size_t sequence_length(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/* Neither written longer than need be, nor a surrogate, nor beyond Unicode's end. */
static bool is_scalar_value(uint32_t code, size_t length)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

	return code >= least[length] && code <= 0x10ffff &&
	       !(code >= 0xd800 && code <= 0xdfff);
}

size_t utf8_decode(const char *text, size_t size, uint32_t *code)
{
	const uint8_t *bytes = (const uint8_t *)text;
	size_t length = sequence_length(bytes[0]);
	uint32_t value;

	if (!length || length > size)
		return 0;
	value = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	if (!is_scalar_value(value, length))
		return 0;
	*code = value;
	return length;
}

bool utf8_valid(const char *text, size_t size)
{
	uint32_t code;

	for (size_t i = 0, n; i < size; i += n) {
		n = utf8_decode(text + i, size - i, &code);
		if (!n)
			return false;
	}
	return true;
}

bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 ||
	       code == 0x2029;
}

bool text_has_control(const char *text)
{
	size_t size = strlen(text);
	uint32_t code = 0;

	for (size_t i = 0, n; i < size; i += n) {
		n = utf8_decode(text + i, size - i, &code) ?: 1;
		if (is_control(code))
			return true;
	}
	return false;
}

static void append_escaped(struct buffer *out, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char escaped[5];

		snprintf(escaped, sizeof(escaped), "\\x%02x", (uint8_t)bytes[i]);
		buffer_append(out, escaped, 4);
	}
}

char *text_visible(const char *text, size_t most)
{
	_cleanup_buffer_ struct buffer out = {0};
	size_t size = strlen(text);

	for (size_t i = 0, n; i < size; i += n) {
		uint32_t code;

		if (most-- == 0) {
			buffer_append(&out, "...", 3);
			break;
		}
		n = utf8_decode(text + i, size - i, &code);
		if (n && !is_control(code))
			buffer_append(&out, text + i, n);
		else
			append_escaped(&out, text + i, n = n ?: 1);
	}
	buffer_append(&out, "", 1);
	return (char *)steal_ptr(out.data);
}
