/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Topologies that are wrong beside the reports they get. Include it behind <cmocka.h>. */
#ifndef NETLAB_TESTS_GOLDEN_H
#define NETLAB_TESTS_GOLDEN_H

#include "topology/topology.h"
#include "util/string.h"

static inline struct error *parse_sized(const char *text, size_t size,
					struct topology **topology)
{
	return topology_parse("dir/t.yaml", text, size, topology);
}

/* The whole message, as a user sees it. */
static inline char *message_sized(const char *text, size_t size)
{
	_cleanup_topology_ struct topology *topology = NULL;
	_cleanup_error_ struct error *error = parse_sized(text, size, &topology);

	assert_true((error != NULL) == (topology == NULL));
	return xstrdup(error ? error->message : "fine");
}

/* Only the lines that name a place, without the file: "3:5: what". */
static inline char *reports_of(const char *text, size_t size)
{
	_cleanup_free_ char *message = message_sized(text, size);
	char *out = xstrdup("");

	for (char *line = strtok(message, "\n"); line; line = strtok(NULL, "\n")) {
		const char *report = string_after(line, "dir/t.yaml:");
		_cleanup_free_ char *before = out;

		if (streq(line, "fine"))
			report = line;
		out = report ? xasprintf("%s%s%s", before, *before ? "\n" : "", report)
			     : xstrdup(before);
	}
	return out;
}

struct golden {
	const char *text;
	const char *reports;
};

static inline void check_golden(const struct golden *cases, size_t n)
{
	size_t wrong = 0;

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *reports =
			reports_of(cases[i].text, strlen(cases[i].text));

		if (streq(reports, cases[i].reports))
			continue;
		wrong++;
		print_error("of\n%s\ngot\n%s\nnot\n%s\n\n", cases[i].text, reports,
			    cases[i].reports);
	}
	assert_int_equal(wrong, 0);
}

#define GOLDEN_TEST(table)                              \
	static void test_##table(void **state)          \
	{                                               \
		(void)state;                            \
		check_golden(table, ARRAY_SIZE(table)); \
	}

#endif
