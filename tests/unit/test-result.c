// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "traffic/result.h"
#include "traffic/traffic.h"
#include "util/lines.h"
#include "util/string.h"

static void test_spread(void **state)
{
	uint64_t odd[] = {5, 1, 9}, even[] = {4, 3, 2, 1}, one[] = {7};
	struct spread spread;

	(void)state;
	assert_false(spread_of(NULL, 0, &spread));
	assert_true(spread_of(odd, 3, &spread));
	assert_true(spread.min == 1 && spread.median == 5 && spread.max == 9);
	assert_true(spread_of(even, 4, &spread));
	assert_true(spread.min == 1 && spread.median == 2 && spread.max == 4);
	assert_true(spread_of(one, 1, &spread));
	assert_true(spread.min == 7 && spread.median == 7 && spread.max == 7);
}

static void set_v4(union endpoint *endpoint, uint8_t last, uint16_t port)
{
	endpoint->v4 = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(0xc0000200u + last),
	};
}

static void test_endpoints(void **state)
{
	union endpoint endpoint;
	char text[ENDPOINT_TEXT_SIZE];

	(void)state;
	set_v4(&endpoint, 1, 7777);
	assert_string_equal(endpoint_format(&endpoint, text), "192.0.2.1:7777");
	endpoint.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
					    .sin6_port = htons(80),
					    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	assert_string_equal(endpoint_format(&endpoint, text), "[::1]:80");
}

/* Of @n connections the first is refused; the others take number * 1 ms. */
static json_t *some_result(size_t n)
{
	_cleanup_free_ struct connection_report *each = xcalloc(n, sizeof(*each));
	struct drive_report report = {
		.kind = "tcp", .duration_ns = 12345678, .each = each, .n = n};
	json_t *result;

	set_v4(&report.to, 9, 7777);
	for (size_t i = 0; i < n; i++) {
		connection_report_init(&each[i]);
		each[i].ok = i > 0;
		each[i].outcome = xstrdup(i ? "ok" : "connect: Connection refused");
		each[i].sent = each[i].received = i ? 5 : 0;
		each[i].connect_ns = i ? i * 1000000 : NS_UNKNOWN;
		set_v4(&each[i].local, 1, 1000 + i);
		set_v4(&each[i].remote, 9, 7777);
	}
	if (n > 1) {
		each[1].has_tcp = true;
		each[1].tcp_state = 1;
		each[1].tcp.tcpi_total_retrans = 3;
	}
	result = drive_result(&report);
	for (size_t i = 0; i < n; i++)
		connection_report_deinit(&each[i]);
	return result;
}

static void test_result(void **state)
{
	_cleanup_json_ json_t *result = some_result(4);
	json_int_t port, n, ok, failed, sent, min, median, max, again;
	json_t *rtt, *connect, *tcp;
	const char *kind, *to, *outcome, *local;
	int held;

	(void)state;
	assert_non_null(result);
	assert_int_equal(json_unpack(result,
				     "{s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:I, s:{s:I, "
				     "s:I, s:I}, s:o, "
				     "s:[{s:s, s:s, s:o}, {s:{s:I}}]}",
				     "kind", &kind, "to", &to, "port", &port,
				     "connections", &n, "ok_count", &ok, "failed_count",
				     &failed, "ok", &held, "sent", &sent, "connect_ns",
				     "min", &min, "median", &median, "max", &max,
				     "rtt_ns", &rtt, "each", "outcome", &outcome, "local",
				     &local, "connect_ns", &connect, "tcp",
				     "total_retrans", &again),
			 0);
	tcp = json_object_get(json_array_get(json_object_get(result, "each"), 0), "tcp");
	assert_string_equal(kind, "tcp");
	assert_string_equal(to, "192.0.2.9");
	assert_string_equal(outcome, "connect: Connection refused");
	assert_string_equal(local, "192.0.2.1:1000");
	assert_true(port == 7777 && n == 4 && ok == 3 && failed == 1 && !held);
	assert_true(sent == 15 && again == 3);
	assert_true(min == 1000000 && median == 2000000 && max == 3000000);
	assert_true(json_is_null(rtt) && json_is_null(connect) && json_is_null(tcp));
}

static void test_text_of_few(void **state)
{
	_cleanup_json_ json_t *result = some_result(2);
	_cleanup_free_ char *text = traffic_result_text(result);

	(void)state;
	assert_string_equal(
		text,
		"tcp to 192.0.2.9:7777: 1 of 2 connections ok, 5 bytes sent, 5 received, "
		"12.3 ms\n"
		"  192.0.2.1:1000  connect: Connection refused\n"
		"  192.0.2.1:1001  ok, connect 1 ms, 3 retransmitted\n");
}

static void test_text_of_many(void **state)
{
	_cleanup_json_ json_t *result = some_result(6);
	_cleanup_free_ char *text = traffic_result_text(result);

	(void)state;
	assert_string_equal(
		text, "tcp to 192.0.2.9:7777: 5 of 6 connections ok, 25 bytes sent, 25 "
		      "received, 12.3 ms\n"
		      "  connect     min 1 ms      median 3 ms      max 5 ms\n"
		      "  1 × connect: Connection refused\n");
}

static void test_text_of_anything(void **state)
{
	_cleanup_json_ json_t *odd = json_pack("{s:[i, {s:i}], s:s}", "each", 1, "ok", 1,
					       "connections", "many");
	_cleanup_free_ char *text = traffic_result_text(odd);
	_cleanup_free_ char *none = traffic_result_text(NULL);

	(void)state;
	assert_non_null(text);
	assert_non_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_result),
		cmocka_unit_test(test_text_of_few),
		cmocka_unit_test(test_text_of_many),
		cmocka_unit_test(test_text_of_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
