// SPDX-License-Identifier: GPL-2.0-or-later
/* The aliases of links: which are netlab's, and whose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "link/owner.h"
#include "util/string.h"

static void test_alias(void **state)
{
	_cleanup_free_ char *alias = owner_alias("lab-1", "client.eth0");
	char lab[LAB_NAME_MAX + 1];

	(void)state;
	assert_string_equal(alias, "netlab:lab-1:client.eth0");
	assert_true(owner_parse(alias, lab));
	assert_string_equal(lab, "lab-1");
}

static void test_longest(void **state)
{
	_cleanup_free_ char *alias =
		owner_alias("abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmno");
	char lab[LAB_NAME_MAX + 1];

	(void)state;
	assert_true(owner_parse(alias, lab));
	assert_string_equal(lab, "abcdefghijklmnopqrstuvwxyz012345");
}

/* What someone else may have written stays theirs. */
static void test_look_alikes(void **state)
{
	static const char *const texts[] = {
		"",
		"netlab",
		"netlab:",
		"netlab:x",
		"netlab:x:",
		"netlab::br0",
		"netlab:x:br0:more",
		"netlab:x:br0 ",
		"netlab:x:a/b",
		"netlab:X:br0",
		"netlab:x y:br0",
		"netlab:-x:br0",
		" netlab:x:br0",
		"Netlab:x:br0",
		"my netlab:x:br0",
		"netlab:x:abcdefghijklmnop",
		"netlab:abcdefghijklmnopqrstuvwxyz0123456:br0",
	};
	char lab[LAB_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (owner_parse(texts[i], lab))
			fail_msg("'%s' is taken for one of lab '%s'", texts[i], lab);
}

static void test_text(void **state)
{
	struct owned_link list[7] = {{.name = "a"}, {.name = "b"}, {.name = "c"},
				     {.name = "d"}, {.name = "e"}, {.name = "f"},
				     {.name = "g"}};
	_cleanup_free_ char *two = owned_links_text(&(struct owned_links){list, 2});
	_cleanup_free_ char *all = owned_links_text(&(struct owned_links){list, 7});
	_cleanup_free_ char *none = owned_links_text(&(struct owned_links){0});

	(void)state;
	assert_string_equal(two, "a, b");
	assert_string_equal(all, "a, b, c, d, e, 2 more");
	assert_string_equal(none, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_look_alikes),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
