// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/levels.h"

#include <assert.h>
#include <ctype.h>

#include "util/string.h"

#define DIGITS_MAX 3 /* facilities go to 23, so the number to 191 */

static const char *const names[] = {
	[LEVEL_EMERG] = "emerg", [LEVEL_ALERT] = "alert",     [LEVEL_CRIT] = "crit",
	[LEVEL_ERR] = "err",     [LEVEL_WARNING] = "warning", [LEVEL_NOTICE] = "notice",
	[LEVEL_INFO] = "info",   [LEVEL_DEBUG] = "debug",     [LEVEL_NONE] = "-",
};
static_assert(ARRAY_SIZE(names) == LEVEL_NONE + 1, "a level without a name");

const char *level_name(enum level level)
{
	return names[level];
}

bool level_parse(const char *text, enum level *level)
{
	for (enum level i = 0; i < LEVEL_NONE; i++) {
		char number[] = {'0' + i, '\0'};

		if (!streq(text, names[i]) && !streq(text, number))
			continue;
		*level = i;
		return true;
	}
	return false;
}

/* Can @c come behind what is held? */
static bool goes_on(const struct levels *levels, char c)
{
	size_t n = levels->n_held;

	if (n == 0)
		return c == '<';
	if (levels->held[n - 1] == '>')
		return c == '[';
	return (c == '>' && n > 1) || (isdigit((unsigned char)c) && n <= DIGITS_MAX);
}

size_t levels_flush(struct levels *levels, char out[LEVELS_OUT_MAX])
{
	size_t n = levels->n_held;

	memcpy(out, levels->held, n);
	levels->inside = levels->inside || n;
	levels->n_held = 0;
	return n;
}

size_t levels_flush_typed(struct levels *levels, char out[LEVELS_OUT_MAX])
{
	return levels->inside ? levels_flush(levels, out) : 0;
}

static enum level held_level(const struct levels *levels)
{
	unsigned number = 0;

	for (size_t i = 1; isdigit((unsigned char)levels->held[i]); i++)
		number = number * 10 + (levels->held[i] - '0');
	return number % 8;
}

size_t levels_take(struct levels *levels, char c, char out[LEVELS_OUT_MAX],
		   enum level *level)
{
	size_t n = 0;

	*level = LEVEL_NONE;
	if (!goes_on(levels, c))
		n = levels_flush(levels, out);
	if (c == '[' && levels->n_held) {
		*level = held_level(levels);
		levels->n_held = 0;
	} else if (goes_on(levels, c)) {
		levels->held[levels->n_held++] = c;
		return n;
	}
	levels->inside = c != '\n';
	out[n++] = c;
	return n;
}
