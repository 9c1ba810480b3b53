// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/kconfig.h"
#include "image/kconfigwhy.h"
#include "util/string.h"

static const char kconfig[] = "menu \"Cards\"\n"
			      "config NIC\n"
			      "\ttristate \"A card\"\n"
			      "\tdepends on PCI && !TINY # why\n"
			      "\tdepends on NET\n"
			      "\thelp\n"
			      "\t  depends on LUCK\n"
			      "\n"
			      "config NIC_CORE\n"
			      "\tbool\n"
			      "\n"
			      "menuconfig NICS\n"
			      "\tbool \"Cards\"\n"
			      "\tdepends on PCI\n"
			      "config LAST\n"
			      "\tdef_bool y";

static const char config[] = "CONFIG_PCI=y\n# CONFIG_NET is not set\nCONFIG_NAME=\"a\"\n";

static void assert_why(const char *name, const char *expected)
{
	_cleanup_free_ char *why = kconfig_why_in(kconfig, config, name);

	if (!expected)
		return assert_null(why);
	assert_non_null(why);
	assert_string_equal(why, expected);
}

static void says_what_is_off(void **state)
{
	(void)state;
	assert_why("CONFIG_NIC",
		   "it depends on PCI && !TINY, NET; off: CONFIG_TINY, CONFIG_NET");
	assert_why("CONFIG_NIC_CORE", "it can't be chosen: other options decide it");
	assert_why("CONFIG_NICS",
		   "it depends on PCI, which is given: what encloses it, or "
		   "another option, decides");
	assert_why("CONFIG_LAST", "it can't be chosen: other options decide it");
	assert_why("CONFIG_NI", NULL);
	assert_why("CONFIG_", NULL);
	assert_why("CONFIG_LUCK", NULL);
}

static void a_tree_without_the_option(void **state)
{
	_cleanup_free_ char *why = kconfig_why("/nonexistent", config, "CONFIG_NIC");

	(void)state;
	assert_string_equal(why, "this kernel has no such option");
}

static void difference_is_sorted_and_has_both_sides(void **state)
{
	_cleanup_strv_ char **lines =
		kconfig_diff("CONFIG_B=y\nCONFIG_C=\"x\"\nCONFIG_D=m\n",
			     "CONFIG_D=m\nCONFIG_C=\"y\"\nCONFIG_A=y\n"
			     "# CONFIG_E is not set\n");
	_cleanup_free_ char *text = strv_join(lines, "\n");

	(void)state;
	assert_string_equal(text,
			    "CONFIG_A n -> y\nCONFIG_B y -> n\nCONFIG_C \"x\" -> \"y\"");
	assert_null(kconfig_diff("", ""));
	assert_null(kconfig_diff(config, config));
}

static void what_is_on(void **state)
{
	(void)state;
	assert_true(kconfig_is_on(config, "CONFIG_PCI"));
	assert_true(kconfig_is_on(config, "CONFIG_NAME"));
	assert_false(kconfig_is_on(config, "CONFIG_NET"));
	assert_false(kconfig_is_on(config, "CONFIG_PC"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_is_off),
		cmocka_unit_test(a_tree_without_the_option),
		cmocka_unit_test(difference_is_sorted_and_has_both_sides),
		cmocka_unit_test(what_is_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
