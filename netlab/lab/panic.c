// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/panic.h"

#include "util/string.h"

bool panic_is(const char *line)
{
	return strstr(line, "Kernel panic - not syncing");
}

void panic_prepare(struct qmp *qmp, const struct guest *guest)
{
	if (guest->on_panic == ON_PANIC_HALT)
		qmp_execute(qmp, "set-action", json_pack("{s:s}", "shutdown", "pause"),
			    NULL, NULL);
}

bool panic_shutdown(struct qmp *qmp, const struct guest *guest, bool panicked)
{
	if (guest->on_panic != ON_PANIC_HALT || panicked)
		return false;
	qmp_execute(qmp, "quit", NULL, NULL, NULL);
	return true;
}
