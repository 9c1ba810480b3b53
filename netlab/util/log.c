// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/log.h"

#include <stdarg.h>
#include <stddef.h>

#include "util/string.h"

static log_handler current_handler;
static void *current_userdata;

void log_set_handler(log_handler handler, void *userdata)
{
	current_handler = handler;
	current_userdata = userdata;
}

static void __attribute__((format(printf, 2, 0)))
log_line(enum log_level level, const char *format, va_list args)
{
	_cleanup_free_ char *line = NULL;

	if (!current_handler)
		return;
	line = xvasprintf(format, args);
	current_handler(level, line, current_userdata);
}

#define DEFINE_LOG(name, level)                  \
	void log_##name(const char *format, ...) \
	{                                        \
		va_list args;                    \
                                                 \
		va_start(args, format);          \
		log_line(level, format, args);   \
		va_end(args);                    \
	}                                        \
	struct eat_semicolon_

DEFINE_LOG(debug, LOG_LEVEL_DEBUG);
DEFINE_LOG(info, LOG_LEVEL_INFO);
DEFINE_LOG(warning, LOG_LEVEL_WARNING);
