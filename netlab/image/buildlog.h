/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What make says while it builds a kernel, line by line: progress, and the errors. Pure. */
#ifndef NETLAB_IMAGE_BUILDLOG_H
#define NETLAB_IMAGE_BUILDLOG_H

#include <stdbool.h>

#include "util/error.h"

#define BUILDLOG_FILES_MAX 8 /* that are named */

/* Zero-initialised it is empty and valid. */
struct buildlog {
	unsigned compiled; /* files compiled so far */
	char **files;      /* the first of them that are the kernel's own, without ".o" */
	bool linking;      /* the objects are done; what's left is vmlinux and bzImage */
	bool no_space;     /* something said that the disk is full */
	char **errors;     /* the lines to show to people, bounded */
	unsigned
		more_lines; /* lines that still belong to the last error: source, caret */
};

void buildlog_deinit(struct buildlog *log);

/** buildlog_line() - take in the next line, without its newline. */
void buildlog_line(struct buildlog *log, const char *line);

/** buildlog_errors() - the errors and what stands beneath them; "" where none was seen.
 * The caller frees it. */
char *buildlog_errors(const struct buildlog *log);

#endif
