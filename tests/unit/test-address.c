// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "topology/address.h"
#include "util/string.h"

static struct address parsed(const char *text)
{
	struct address address = {0};
	_cleanup_error_ struct error *error = address_parse(text, &address);

	if (error)
		fail_msg("%s: %s", text, error->message);
	return address;
}

static void assert_fault(struct error *error, const char *expected)
{
	_cleanup_error_ struct error *owned = error;

	assert_string_equal(owned ? owned->message : "no error", expected);
}

static void test_round_trip(void **state)
{
	static const struct {
		const char *text, *whole, *host;
	} cases[] = {
		{"192.168.100.50/24", "192.168.100.50/24", "192.168.100.50"},
		{"10.0.0.1", "10.0.0.1/32", "10.0.0.1"},
		{"10.0.0.0/0", "10.0.0.0/0", "10.0.0.0"},
		{"fd00:100::50/64", "fd00:100::50/64", "fd00:100::50"},
		{"FD00:0:0:0:0:0:0:1", "fd00::1/128", "fd00::1"},
		{"1111:2222:3333:4444:5555:6666:7777:8888/127",
		 "1111:2222:3333:4444:5555:6666:7777:8888/127",
		 "1111:2222:3333:4444:5555:6666:7777:8888"},
	};
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address address = parsed(cases[i].text);

		assert_string_equal(address_format(&address, text), cases[i].whole);
		assert_string_equal(address_format_host(&address, text), cases[i].host);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"", "'' is not an IPv4 or IPv6 address"},
		{"/24", "'/24' is not an IPv4 or IPv6 address"},
		{"192.168.1.300/24", "'192.168.1.300/24' is not an IPv4 or IPv6 address"},
		{"192.168.1/24", "'192.168.1/24' is not an IPv4 or IPv6 address"},
		{" 10.0.0.1", "' 10.0.0.1' is not an IPv4 or IPv6 address"},
		{"fe80::1%eth0", "'fe80::1%eth0' is not an IPv4 or IPv6 address"},
		{"10.0.0.1/33",
		 "prefix of '10.0.0.1/33': '33' is not a number from 0 to 32"},
		{"10.0.0.1/", "prefix of '10.0.0.1/': '' is not a number from 0 to 32"},
		{"10.0.0.1/-1",
		 "prefix of '10.0.0.1/-1': '-1' is not a number from 0 to 32"},
		{"::1/129", "prefix of '::1/129': '129' is not a number from 0 to 128"},
		{"::1/18446744073709551616",
		 "prefix of '::1/18446744073709551616': '18446744073709551616' is not a "
		 "number from 0 to 128"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address address = {.family = -1};

		assert_fault(address_parse(cases[i].text, &address), cases[i].error);
		assert_int_equal(address.family, -1);
	}
}

static void test_host_faults(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"10.0.0.1/8", "no error"},
		{"10.0.0.0/31", "no error"},
		{"10.0.0.1/31", "no error"},
		{"10.0.0.255/16", "no error"},
		{"10.0.0.7/32", "no error"},
		{"fd00::/127", "no error"},
		{"fd00::1/64", "no error"},
		{"10.0.0.0/24",
		 "10.0.0.0/24 is the network's own address: its host bits are all zero"},
		{"10.0.0.8/29",
		 "10.0.0.8/29 is the network's own address: its host bits are all zero"},
		{"10.0.0.15/29",
		 "10.0.0.15/29 is the network's broadcast address: its host "
		 "bits are all one"},
		{"224.0.0.1/4", "224.0.0.1/4 is a multicast address"},
		{"0.0.0.1/8", "0.0.0.1/8 is reserved (RFC 6890)"},
		{"255.255.255.255/32", "255.255.255.255/32 is reserved (RFC 6890)"},
		{"127.0.0.1/8", "127.0.0.1/8 is a loopback address"},
		{"10.1.1.1/0", "10.1.1.1/0 has a prefix that takes in all addresses"},
		{"ff02::1/64", "ff02::1/64 is a multicast address"},
		{"::/64", "::/64 is the unspecified address"},
		{"::1/128", "::1/128 is the loopback address"},
		{"::ffff:10.0.0.1/96", "::ffff:10.0.0.1/96 is an IPv4 address in IPv6 "
				       "clothes; write it as IPv4"},
		{"fd00::/64",
		 "fd00::/64 is the subnet-router anycast address (RFC 4291): "
		 "its host bits are all zero"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address address = parsed(cases[i].text);

		assert_fault(address_check_host(&address), cases[i].error);
	}
}

static void test_comparison(void **state)
{
	struct address a = parsed("10.1.2.3/20"), b = parsed("10.1.15.1/24"),
		       c = parsed("10.1.16.1/24"), d = parsed("10.1.2.3/8"),
		       e = parsed("fd00::1/63"), f = parsed("fd00:0:0:1::1/64"),
		       g = parsed("fd00:0:0:2::1/64");

	(void)state;
	assert_true(address_same_network(&a, &b));
	assert_false(address_same_network(&b, &a));
	assert_false(address_same_network(&a, &c));
	assert_true(address_equal(&a, &d));
	assert_false(address_equal(&a, &b));
	assert_false(address_equal(&a, &e));
	assert_false(address_same_network(&a, &e));
	assert_true(address_same_network(&e, &f));
	assert_false(address_same_network(&e, &g));
}

static void test_mac(void **state)
{
	uint8_t mac[6] = {0};
	char text[MAC_TEXT_SIZE];

	(void)state;
	assert_null(mac_parse("52:54:00:aB:Cd:0f", mac));
	assert_string_equal(mac_format(mac, text), "52:54:00:ab:cd:0f");
	assert_fault(mac_parse("33:33:00:00:00:01", mac),
		     "33:33:00:00:00:01 is a multicast MAC address");
	assert_fault(mac_parse("00:00:00:00:00:00", mac),
		     "00:00:00:00:00:00 is no card's MAC address");
	assert_fault(mac_parse("52:54:00:ab:cd", mac),
		     "'52:54:00:ab:cd' is not a MAC address, as in 52:54:00:12:34:56");
	assert_fault(mac_parse("52:54:00:ab:cd:0g", mac),
		     "'52:54:00:ab:cd:0g' is not a MAC address, as in 52:54:00:12:34:56");
	assert_fault(mac_parse("52-54-00-ab-cd-0f", mac),
		     "'52-54-00-ab-cd-0f' is not a MAC address, as in 52:54:00:12:34:56");
	assert_string_equal(mac_format(mac, text), "52:54:00:ab:cd:0f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_host_faults), cmocka_unit_test(test_comparison),
		cmocka_unit_test(test_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
