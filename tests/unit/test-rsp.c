// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "util/string.h"
#include "vm/rsp.h"

/* All units that have come, as "[DATA]" and "^C". */
static char *units(struct rsp *rsp, struct error **error)
{
	struct rsp_unit unit = {.kind = RSP_INTERRUPT};
	char *all = xstrdup("");

	for (*error = NULL; !*error && unit.kind != RSP_NOTHING;) {
		char *before = all;

		*error = rsp_next(rsp, &unit);
		if (*error || unit.kind == RSP_NOTHING)
			continue;
		all = unit.kind == RSP_PACKET ? xasprintf("%s[%s]", before, unit.data)
					      : xasprintf("%s^C", before);
		free(before);
	}
	return all;
}

static void assert_units(const char *bytes, size_t at_once, const char *wanted)
{
	_cleanup_(rsp_deinit) struct rsp rsp = {0};
	_cleanup_free_ char *got = xstrdup("");
	struct error *error = NULL;

	for (size_t at = 0; at < strlen(bytes); at += at_once) {
		size_t left = strlen(bytes) - at;
		_cleanup_free_ char *before = got, *more = NULL;

		rsp_feed(&rsp, bytes + at, left < at_once ? left : at_once);
		more = units(&rsp, &error);
		assert_null(error);
		got = xasprintf("%s%s", before, more);
	}
	assert_string_equal(got, wanted);
}

static void test_units(void **state)
{
	static const char bytes[] = "+$?#3f+\3-noise$T05thread:01;#07$#00+";

	(void)state;
	for (size_t at_once = 1; at_once <= sizeof(bytes); at_once++)
		assert_units(bytes, at_once, "[?]^C[T05thread:01;][]");
}

static void assert_refused(const char *bytes)
{
	_cleanup_(rsp_deinit) struct rsp rsp = {0};
	_cleanup_error_ struct error *error = NULL;
	_cleanup_free_ char *got = NULL;

	rsp_feed(&rsp, bytes, strlen(bytes));
	got = units(&rsp, &error);
	assert_non_null(error);
	assert_int_equal(error->code, EPROTO);
}

static void test_wrong_checksums(void **state)
{
	(void)state;
	assert_refused("$?#3e");
	assert_refused("$?#zz");
}

static void test_a_packet_without_end(void **state)
{
	_cleanup_free_ char *bytes = xcalloc(1, RSP_PACKET_LIMIT + 3);

	(void)state;
	memset(bytes, 'a', RSP_PACKET_LIMIT + 2);
	*bytes = '$';
	assert_refused(bytes);
}

static void test_what_is_sent_is_understood(void **state)
{
	_cleanup_(rsp_deinit) struct rsp rsp = {0};
	_cleanup_buffer_ struct buffer out = {0};
	_cleanup_free_ char *got = NULL;
	struct error *error;

	(void)state;
	rsp_append(&out, "vCont;c", 7);
	rsp_append(&out, "", 0);
	rsp_feed(&rsp, out.data, out.size);
	got = units(&rsp, &error);
	assert_null(error);
	assert_string_equal(got, "[vCont;c][]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_wrong_checksums),
		cmocka_unit_test(test_a_packet_without_end),
		cmocka_unit_test(test_what_is_sent_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
