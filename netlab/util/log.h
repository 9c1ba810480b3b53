/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a library folder has to say while it works. Who prints it, and where, is set by the
 * program (command/ on a terminal, lab/ into a lab's log): nothing is printed by default.
 */
#ifndef NETLAB_UTIL_LOG_H
#define NETLAB_UTIL_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING };

typedef void (*log_handler)(enum log_level level, const char *line, void *userdata);

/** log_set_handler() - who gets each line (without newline) from now on; NULL: no one. */
void log_set_handler(log_handler handler, void *userdata);

void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
