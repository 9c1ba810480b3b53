// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/fragment.h"
#include "util/string.h"

static void assert_with(const char *text, const char *expected)
{
	_cleanup_strv_ char **names = fragment_words(text, "with");
	_cleanup_free_ char *joined = strv_join(names, "+");

	assert_string_equal(joined, expected);
}

static void names_what_it_builds_on(void **state)
{
	(void)state;
	assert_with("", "");
	assert_with("CONFIG_NET=y\n# CONFIG_MODULES is not set\n", "");
	assert_with("# with: debug", "debug");
	assert_with("# SPDX\n# with: debug\n#\nCONFIG_NET=y\n", "debug");
	assert_with("# with: debug  modular\t\r\n# with: O1\n", "debug+modular+O1");
	assert_with("# with:\nCONFIG_NET=y\n", "");
	assert_with("# without: debug\nCONFIG_X=\"# with: debug\"\n", "");
}

static void flavours_come_before_what_builds_on_them(void **state)
{
	_cleanup_free_ char *debug = NULL, *lab = NULL;

	(void)state;
	assert_null(fragment_read("debug", &debug));
	assert_null(fragment_read("lab", &lab));
	assert_memory_equal(lab, debug, strlen(debug));
	assert_non_null(strstr(debug, "CONFIG_GDB_SCRIPTS=y"));
	assert_non_null(strstr(lab + strlen(debug), "# CONFIG_GDB_SCRIPTS is not set"));
	assert_non_null(strstr(lab + strlen(debug), "CONFIG_NET_SCH_NETEM=y"));
}

static size_t occurrences(const char *text, const char *words)
{
	size_t n = 0;

	for (; (text = strstr(text, words)); text++)
		n++;
	return n;
}

/* A second `debug` would take back what `modular` says. */
static void each_flavour_counts_once(void **state)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_strv_ char **words = NULL;

	(void)state;
	assert_null(fragment_read("modular+O1", &text));
	assert_int_equal(occurrences(text, "The \"debug\" flavour"), 1);
	assert_int_equal(occurrences(text, "The \"modular\" flavour"), 1);
	words = fragment_words(text, "optimize");
	assert_true(strv_contains(words, ".=O1"));
}

static void summary_is_the_first_sentence(void **state)
{
	static const char text[] = "# SPDX\n#\n# The \"a\" flavour: one\n# two, three.\n"
				   "# Four.\n# The \"b\" flavour: five\nCONFIG_X=y\n";
	_cleanup_free_ char *a = fragment_summary("a", text);
	_cleanup_free_ char *c = fragment_summary("c", text);

	(void)state;
	assert_string_equal(a, "one two, three");
	assert_string_equal(c, "");
}

/* `netlab kernel list` shows it. */
static void every_flavour_has_a_summary(void **state)
{
	_cleanup_strv_ char **flavours = fragment_flavours();

	(void)state;
	assert_true(strv_contains(flavours, "debug"));
	strv_foreach (flavour, flavours) {
		_cleanup_free_ char *text = NULL, *summary = NULL;

		assert_null(fragment_read(*flavour, &text));
		summary = fragment_summary(*flavour, text);
		assert_in_range(strlen(summary), 10, 130);
	}
}

static void stranger_is_refused(void **state)
{
	static const char *const names[] = {
		"",       "../debug", "no-such",      "debug.config",
		"debug+", "+debug",   "debug+no-such"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *text = NULL;
		_cleanup_error_ struct error *error = fragment_read(names[i], &text);

		assert_non_null(error);
		assert_null(text);
		assert_non_null(strstr(error->hint, "debug"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_what_it_builds_on),
		cmocka_unit_test(flavours_come_before_what_builds_on_them),
		cmocka_unit_test(each_flavour_counts_once),
		cmocka_unit_test(summary_is_the_first_sentence),
		cmocka_unit_test(every_flavour_has_a_summary),
		cmocka_unit_test(stranger_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
