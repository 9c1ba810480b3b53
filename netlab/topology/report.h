/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with a topology file: many reports, each with its place and its line. */
#ifndef NETLAB_TOPOLOGY_REPORT_H
#define NETLAB_TOPOLOGY_REPORT_H

#include "topology/topology.h"

#define REPORTS_MAX 100 /* beyond these, only one more says that there are more */

struct report {
	struct location at; /* line 0: the file as a whole */
	char *message;      /* one line, without control characters */
	char *excerpt;      /* the line of the file, and a caret line; NULL: none */
	size_t order;       /* in which it was found */
};

/* Zero-initialised it is empty and valid. */
struct reports {
	const char *file; /* for messages; borrowed */
	const char *text; /* the file's content, for excerpts; borrowed; may be NULL */
	size_t size;
	char *const *settings; /* the --set that were given; borrowed; NULL: none */
	struct report *list;
	size_t n;
	size_t found; /* reports made, those beyond REPORTS_MAX included */
	int code;     /* errno value where the file can't be read, else EINVAL */
};

/** report_add() - something is wrong at @at. */
void report_add(struct reports *reports, struct location at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** report_error() - as report_add(), "what: " and the text of @error, which is freed. */
void report_error(struct reports *reports, struct location at, const char *what,
		  struct error *error);

/** reports_sort() - into the order of the file. */
void reports_sort(struct reports *reports);

/** report_text() - "file:line:column: message" and the excerpt; the caller frees it. */
char *report_text(const struct reports *reports, const struct report *report);

/** reports_error() - all of them as one error; NULL where there are none. */
must_use struct error *reports_error(const struct reports *reports);

void reports_deinit(struct reports *reports);
#define _cleanup_reports_ _cleanup_(reports_deinit)

/**
 * topology_check() - topology_load() for who wants the reports one by one
 * @reports: zero-initialised; filled in file order, also where the file can't be read.
 *           They borrow @path; their text is gone.
 * Return: the topology, which the caller frees; NULL where there are reports.
 */
struct topology *topology_check(const char *path, struct reports *reports);

#endif
