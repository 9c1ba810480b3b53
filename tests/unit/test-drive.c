// SPDX-License-Identifier: GPL-2.0-or-later
/* What traffic to send: its leaves, and the form it has on the control socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/socket.h>

#include "topology/drive.h"
#include "util/lines.h"
#include "util/string.h"

static void assert_error(struct error *error, const char *expected)
{
	_cleanup_error_ struct error *owned = error;

	assert_string_equal(owned ? owned->message : "no error", expected);
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{"0", 0},           {"1", 1},
		{"64K", 64 << 10},  {"256M", 256 << 20},
		{"1T", 1ull << 40}, {"18446744073709551615", UINT64_MAX},
	};
	uint64_t bytes = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_null(size_parse(cases[i].text, &bytes));
		assert_true(bytes == cases[i].bytes);
	}
	assert_error(size_parse("", &bytes), "'' is not a size, as in 64K or 256M");
	assert_error(size_parse("-1", &bytes), "'-1' is not a size, as in 64K or 256M");
	assert_error(size_parse("1MB", &bytes),
		     "'1MB' is not a size: a number of bytes, or of K, M, G, T");
	assert_error(size_parse("1.5G", &bytes),
		     "'1.5G' is not a size: a number of bytes, or of K, M, G, T");
	assert_error(size_parse("16777216T", &bytes), "'16777216T' is too large a size");
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{"10s", 10000000000}, {"3", 3000000000},      {"250ms", 250000000},
		{"5us", 5000},        {"2min", 120000000000},
	};
	uint64_t ns = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_null(duration_parse(cases[i].text, &ns));
		assert_true(ns == cases[i].ns);
	}
	assert_error(duration_parse("s", &ns), "'s' is not a time, as in 10s or 250ms");
	assert_error(duration_parse("1h", &ns),
		     "'1h' is not a time: it has a unit of us, ms, s or min");
	assert_error(duration_parse("10 s", &ns),
		     "'10 s' is not a time: it has a unit of us, ms, s or min");
	assert_error(duration_parse("99999999999s", &ns),
		     "'99999999999s' is too long a time");
}

static void test_counts(void **state)
{
	uint64_t value = 77;

	(void)state;
	assert_null(count_parse("7", 7, 7, &value));
	assert_true(value == 7);
	assert_error(count_parse("8", 1, 7, &value), "'8' is not a number from 1 to 7");
	assert_error(count_parse("0", 1, 7, &value), "'0' is not a number from 1 to 7");
	assert_error(count_parse("+1", 1, 7, &value), "'+1' is not a number from 1 to 7");
	assert_error(count_parse("0x1", 1, 7, &value),
		     "'0x1' is not a number from 1 to 7");
	assert_error(count_parse("18446744073709551617", 0, UINT64_MAX, &value),
		     "'18446744073709551617' is not a number from 0 to "
		     "18446744073709551615");
	assert_true(value == 7);
}

static void test_targets(void **state)
{
	struct drive_target target = {0};

	(void)state;
	assert_null(drive_target_parse("server:7777", &target));
	assert_string_equal(target.guest, "server");
	assert_int_equal(target.port, 7777);
	assert_int_equal(target.family, AF_UNSPEC);
	free(target.guest);
	assert_error(drive_target_parse("server", &target),
		     "'server' is not GUEST:PORT, as in server:7777");
	assert_error(drive_target_parse(":1", &target), "'' can't be a guest's name");
	assert_error(drive_target_parse("a:b:1", &target),
		     "'a:b' can't be a guest's name");
	assert_error(drive_target_parse("a:65536", &target),
		     "port: '65536' is not a number from 1 to 65535");
	assert_error(drive_target_parse("a:0", &target),
		     "port: '0' is not a number from 1 to 65535");
}

static void test_names(void **state)
{
	enum drive_kind kind;
	int family;

	(void)state;
	for (unsigned i = 0; i < DRIVE_KINDS; i++) {
		assert_null(drive_kind_parse(drive_kind_name(i), &kind));
		assert_int_equal(kind, i);
	}
	assert_error(drive_kind_parse("icmp", &kind),
		     "'icmp' is no kind of traffic; there are tcp and udp");
	assert_null(family_parse("ipv6", &family));
	assert_int_equal(family, AF_INET6);
	assert_string_equal(family_name(AF_INET), "ipv4");
	assert_error(family_parse("inet", &family),
		     "'inet' is no family; there are ipv4, ipv6 and any");
}

static void test_checks(void **state)
{
	_cleanup_drive_spec_ struct drive_spec spec;

	(void)state;
	drive_spec_init(&spec);
	assert_error(drive_spec_check(&spec), "no error");
	spec.kind = DRIVE_UDP;
	assert_error(drive_spec_check(&spec),
		     "udp has nothing to send: it needs send or bytes");
	spec.bytes = DRIVE_DATAGRAM_MAX;
	assert_error(drive_spec_check(&spec), "no error");
	spec.send = xstrdup("x");
	assert_error(drive_spec_check(&spec),
		     "udp sends one datagram, of at most 65507 bytes, not 65508");
	spec.kind = DRIVE_TCP;
	spec.send[0] = (char)0xff;
	assert_error(drive_spec_check(&spec), "send is not UTF-8 text");
	spec.send[0] = 'x';
	spec.timeout_ns = 0;
	assert_error(drive_spec_check(&spec),
		     "timeout must be more than 0 and at most a day");
	spec.timeout_ns = 1;
	spec.connections = DRIVE_CONNECTIONS_MAX + 1;
	assert_error(drive_spec_check(&spec), "connections must be from 1 to 10000");
}

static void test_json_round_trip(void **state)
{
	_cleanup_drive_spec_ struct drive_spec spec, back;
	_cleanup_json_ json_t *json = NULL;

	(void)state;
	spec = (struct drive_spec){.kind = DRIVE_UDP,
				   .to = {xstrdup("server"), 7777, AF_INET6},
				   .connections = 3,
				   .send = xstrdup("h\xc3\xa9llo\n\"x\""),
				   .bytes = 1000,
				   .expect = xstrdup(""),
				   .timeout_ns = 5};
	json = drive_spec_to_json(&spec);
	assert_null(drive_spec_from_json(json, &back));
	assert_int_equal(back.kind, DRIVE_UDP);
	assert_string_equal(back.to.guest, "server");
	assert_int_equal(back.to.port, 7777);
	assert_int_equal(back.to.family, AF_INET6);
	assert_int_equal(back.connections, 3);
	assert_string_equal(back.send, spec.send);
	assert_string_equal(back.expect, "");
	assert_true(back.bytes == 1000 && back.timeout_ns == 5);
}

static void test_json_defaults(void **state)
{
	_cleanup_json_ json_t *json =
		json_pack("{s:s, s:s, s:i}", "kind", "tcp", "guest", "a", "port", 1);
	_cleanup_drive_spec_ struct drive_spec spec;

	(void)state;
	assert_null(drive_spec_from_json(json, &spec));
	assert_int_equal(spec.connections, 1);
	assert_int_equal(spec.to.family, AF_UNSPEC);
	assert_null(spec.send);
	assert_null(spec.expect);
	assert_true(spec.timeout_ns == DRIVE_TIMEOUT_DEFAULT_NS);
}

static void assert_json_error(const json_t *json, const char *expected)
{
	struct drive_spec spec;

	assert_error(drive_spec_from_json(json, &spec), expected);
}

#define GOOD "\"kind\":\"tcp\",\"guest\":\"a\",\"port\":1"

static void test_json_hostile(void **state)
{
	static const struct {
		const char *json, *error;
	} cases[] = {
		{"[]", "traffic: not a JSON object"},
		{"{}", "traffic: kind is missing"},
		{"{\"kind\":1}", "traffic: kind is not a string"},
		{"{\"kind\":\"icmp\"}",
		 "traffic: 'icmp' is no kind of traffic; there are tcp and udp"},
		{"{\"kind\":\"\\u001b[2J\"}", "traffic: kind is not a word"},
		{"{\"\\u001b[2J\":1}", "traffic: unknown key '\\x1b[2J'"},
		{"{\"kind\":\"tcp\"}", "traffic: guest is missing"},
		{"{\"kind\":\"tcp\",\"guest\":\"../x\"}",
		 "traffic: that can't be a guest's name"},
		{"{\"kind\":\"tcp\",\"guest\":\"a\"}", "traffic: port is missing"},
		{"{\"kind\":\"tcp\",\"guest\":\"a\",\"port\":65536}",
		 "traffic: port is not a whole number from 1 to 65535"},
		{"{\"kind\":\"tcp\",\"guest\":\"a\",\"port\":1.0}",
		 "traffic: port is not a whole number from 1 to 65535"},
		{"{" GOOD ",\"family\":\"inet\"}",
		 "traffic: 'inet' is no family; there are ipv4, ipv6 and any"},
		{"{" GOOD ",\"bytes\":-1}",
		 "traffic: bytes is not a whole number from 0 to 1099511627776"},
		{"{" GOOD ",\"connections\":10001}",
		 "traffic: connections is not a whole number from 1 to 10000"},
		{"{" GOOD ",\"timeout_ns\":0}",
		 "traffic: timeout_ns is not a whole number from 1 to 86400000000000"},
		{"{" GOOD ",\"send\":null}", "traffic: send is not a string"},
		{"{" GOOD ",\"expect\":\"a\\u0000b\"}",
		 "traffic: expect has a NUL in it"},
		{"{" GOOD ",\"exec\":1}", "traffic: unknown key 'exec'"},
		{"{\"kind\":\"udp\",\"guest\":\"a\",\"port\":1}",
		 "traffic: udp has nothing to send: it needs send or bytes"},
	};

	(void)state;
	assert_json_error(NULL, "traffic: not a JSON object");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *json =
			json_loads(cases[i].json, JSON_ALLOW_NUL, NULL);

		assert_non_null(json);
		assert_json_error(json, cases[i].error);
	}
}

static void test_json_long_text(void **state)
{
	_cleanup_free_ char *text = xcalloc(DRIVE_TEXT_MAX + 2, 1);
	_cleanup_json_ json_t *json = json_loads("{" GOOD "}", 0, NULL);
	_cleanup_drive_spec_ struct drive_spec spec;

	(void)state;
	memset(text, 'a', DRIVE_TEXT_MAX + 1);
	json_object_set_new(json, "send", json_string(text));
	assert_json_error(json, "traffic: send is longer than 65536 bytes");
	text[DRIVE_TEXT_MAX] = '\0';
	json_object_set_new(json, "send", json_string(text));
	assert_null(drive_spec_from_json(json, &spec));
	assert_string_equal(spec.send, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_json_round_trip),
		cmocka_unit_test(test_json_defaults),
		cmocka_unit_test(test_json_hostile),
		cmocka_unit_test(test_json_long_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
