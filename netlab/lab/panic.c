// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/panic.h"

#include "util/string.h"

const char *panic_find(const char *line)
{
	return strstr(line, "Kernel panic - not syncing");
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
