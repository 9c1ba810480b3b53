/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text from outside: is it UTF-8, and how is it shown without harm to a terminal. */
#ifndef NETLAB_TOPOLOGY_TEXT_H
#define NETLAB_TOPOLOGY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * utf8_decode() - the code point that @text begins with
 * @size: bytes that @text has, at least 1
 * @code: left as it is where they are not
 * Return: how many bytes it takes; 0 where they are not UTF-8 (RFC 3629).
 */
size_t utf8_decode(const char *text, size_t size, uint32_t *code);

/** utf8_valid() - is the whole of @text UTF-8? */
bool utf8_valid(const char *text, size_t size);

/** is_control() - C0 and C1 control characters, DEL, and the line separators of Unicode. */
bool is_control(uint32_t code);

/** text_has_control() - is a control character in @text, which is UTF-8? */
bool text_has_control(const char *text);

/**
 * text_visible() - a copy of @text for people: control characters and what isn't UTF-8 as
 * \xNN, and "..." for what goes beyond @most characters
 * Return: a new string; the caller frees it.
 */
char *text_visible(const char *text, size_t most);

#endif
