// SPDX-License-Identifier: GPL-2.0-or-later
/* What becomes of a guest whose kernel panics. */
#include <assert.h>
#include <errno.h>

#include "topology/reader.h"
#include "util/string.h"

static char *const names[] = {
	[ON_PANIC_CONTINUE] = "continue",
	[ON_PANIC_HALT] = "halt",
	[ON_PANICS] = NULL,
};
static_assert(ARRAY_SIZE(names) == ON_PANICS + 1, "a choice without a name");

const char *on_panic_name(enum on_panic on_panic)
{
	return names[on_panic];
}

static const char *on_panic_word(unsigned on_panic)
{
	return names[on_panic];
}

struct error *on_panic_parse(const char *text, enum on_panic *on_panic)
{
	_cleanup_free_ char *all = strv_join(names, ", ");

	for (unsigned i = 0; i < ON_PANICS; i++) {
		if (!streq(text, names[i]))
			continue;
		*on_panic = i;
		return NULL;
	}
	return error_new(EINVAL, "'%s' is none of: %s", text, all);
}

void read_on_panic(struct reader *reader, const char *what, const struct node *node,
		   void *into)
{
	enum on_panic *on_panic = into;
	unsigned value = *on_panic;

	read_one_of(reader, what, node, on_panic_word, ON_PANICS, &value);
	*on_panic = value;
}
