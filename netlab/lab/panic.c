// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/panic.h"

#include "util/string.h"

const char *panic_find(const char *line)
{
	return strstr(line, "Kernel panic - not syncing");
}

/* By arch/x86/mm/fault.c, arch/x86/kernel/dumpstack.c, lib/bug.c and kernel/panic.c (6.1). */
static const char *const beginnings[] = {
	"BUG: ",          "kernel BUG at ",   "general protection fault", "Oops: ",
	"divide error: ", "invalid opcode: ", "stack guard page was hit",
};

/* Of what was said before a panic that no oops has led to: by init, which has ended. */
#define LINES_BEFORE 10

static const char *lines_back(const char *tail, const char *at, int lines)
{
	while (at > tail && (at[-1] != '\n' || lines-- > 0))
		at--;
	return at;
}

const char *panic_words(const char *tail)
{
	const char *panic = panic_find(tail), *first = panic ?: tail + strlen(tail);

	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++) {
		const char *found = strstr(tail, beginnings[i]);

		if (found && found < first)
			first = found;
	}
	if (!*first)
		return tail;
	return lines_back(tail, first, first == panic ? LINES_BEFORE : 0);
}

void panic_prepare(struct qmp *qmp)
{
	qmp_execute(qmp, "set-action", json_pack("{s:s}", "shutdown", "pause"), NULL,
		    NULL);
}

void panic_shutdown(struct qmp *qmp, bool panicked)
{
	if (!panicked)
		qmp_execute(qmp, "quit", NULL, NULL, NULL);
}
