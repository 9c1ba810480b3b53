// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/kconfig.h"
#include "util/string.h"

static const char config[] = "#\n# Automatically generated file; DO NOT EDIT.\n#\n"
			     "CONFIG_NET=y\n"
			     "CONFIG_NR_CPUS=16\n"
			     "CONFIG_CC_VERSION_TEXT=\"gcc (Debian 12.2.0) 12.2.0\"\n"
			     "# CONFIG_MODULES is not set\n"
			     "CONFIG_NETDEVICES=y\n";

static void assert_takes(const char *fragment)
{
	_cleanup_error_ struct error *error = kconfig_check(fragment, config);

	if (error)
		fail_msg("%s", error->message);
}

static void assert_refused(const char *fragment, const char *named)
{
	_cleanup_error_ struct error *error = kconfig_check(fragment, config);

	assert_non_null(error);
	assert_non_null(strstr(error->message, named));
}

static void takes_what_is_there(void **state)
{
	(void)state;
	assert_takes("");
	assert_takes("# a comment that is not set\n\nCONFIG_NET=y\nCONFIG_NR_CPUS=16\n");
	assert_takes("CONFIG_CC_VERSION_TEXT=\"gcc (Debian 12.2.0) 12.2.0\"\n");
	assert_takes("CONFIG_NET=y"); /* no newline at the end */
	assert_takes("CONFIG_NET=y \r\n");
}

static void off_is_unset_or_unknown(void **state)
{
	(void)state;
	assert_takes("# CONFIG_MODULES is not set\n# CONFIG_NO_SUCH_THING is not set\n");
	assert_takes("CONFIG_MODULES=n\n");
}

static void names_each_that_did_not_take(void **state)
{
	(void)state;
	assert_refused("CONFIG_NR_CPUS=8\n", "CONFIG_NR_CPUS=8 (it is 16)");
	assert_refused("# CONFIG_NET is not set\n", "CONFIG_NET=n (it is y)");
	assert_refused("CONFIG_MODULES=y\n", "CONFIG_MODULES=y (it is n)");
	assert_refused("CONFIG_NET=y\nCONFIG_GONE=y\n", "CONFIG_GONE=y (it is n)");
	assert_refused("CONFIG_GONE=y\nCONFIG_NR_CPUS=8\n", "CONFIG_NR_CPUS=8");
}

static void later_line_counts(void **state)
{
	(void)state;
	assert_takes("# CONFIG_NET is not set\nCONFIG_NR_CPUS=8\n"
		     "CONFIG_NR_CPUS=16\nCONFIG_NET=y\n");
	assert_refused("CONFIG_NET=y\n# CONFIG_NET is not set\n",
		       "CONFIG_NET=n (it is y)");
}

static void whole_names_count(void **state)
{
	(void)state;
	assert_refused("CONFIG_NETDEV=y\n", "CONFIG_NETDEV=y (it is n)");
	assert_refused("CONFIG_NR_CPUS=1\n", "CONFIG_NR_CPUS=1 (it is 16)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_is_there),
		cmocka_unit_test(off_is_unset_or_unknown),
		cmocka_unit_test(names_each_that_did_not_take),
		cmocka_unit_test(later_line_counts),
		cmocka_unit_test(whole_names_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
