// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <unistd.h>

#include "command/command.h"
#include "util/string.h"

#define BAR_WIDTH 30

static char
	*shown; /* what stands on the terminal's line; elsewhere, the last plain line */

static char *bar(const char *what, unsigned done, unsigned total)
{
	unsigned filled = done >= total ? BAR_WIDTH : done * BAR_WIDTH / total;

	return xasprintf("[%.*s%*s] %3u%% %s", (int)filled,
			 "##############################", (int)(BAR_WIDTH - filled), "",
			 done >= total ? 100 : done * 100 / total, what);
}

void progress_show(const char *what, unsigned done, unsigned total, void *userdata)
{
	bool terminal = isatty(STDERR_FILENO);
	_cleanup_free_ char *line = terminal && total ? bar(what, done, total)
						      : xstrdup(what);

	(void)userdata;
	if (shown && streq(shown, line))
		return;
	free(shown);
	shown = steal_ptr(line);
	if (terminal)
		progress_unhide();
	else
		fprintf(stderr, "netlab: %s\n", shown);
}

void progress_hide(void)
{
	if (shown && isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

void progress_unhide(void)
{
	if (shown && isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%s", shown);
}

void progress_end(void)
{
	progress_hide();
	free(shown);
	shown = NULL;
}
