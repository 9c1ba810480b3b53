// SPDX-License-Identifier: GPL-2.0-or-later
/* The plan of links, and what netlab derives for cards: TAP names and MAC addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "topology/plan.h"
#include "util/buffer.h"
#include "util/string.h"

static struct topology *parse(const char *text)
{
	struct topology *topology = NULL;
	_cleanup_error_ struct error *error =
		topology_parse("t.yaml", text, strlen(text), &topology);

	if (error)
		fail_msg("%s", error->message);
	return topology;
}

static char *mac_of(const struct topology *topology, const char *guest, size_t nic)
{
	return mac_format(topology_guest(topology, guest)->nics[nic].mac,
			  xcalloc(MAC_TEXT_SIZE, 1));
}

static const char two_guests[] =
	"guests:\n"
	"  a: {nics: [{bridge: br1, addresses: [10.0.0.1/24]}, {bridge: br0}]}\n"
	"  b: {nics: [{bridge: br0}]}\n"
	"bridges: {br0: {addresses: [10.0.0.9/24]}, br1: {}}\n";

static void test_order(void **state)
{
	_cleanup_topology_ struct topology *topology = parse(two_guests);
	_cleanup_plan_ struct plan *plan = plan_new(topology);
	static const char *const names[] = {"br0", "br1", "a.0", "a.1", "b.0"};
	static const char *const masters[] = {"", "", "br1", "br0", "br0"};

	(void)state;
	assert_string_equal(plan->file, "t.yaml");
	assert_int_equal(plan->n_links, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_string_equal(plan->links[i].name, names[i]);
		assert_string_equal(plan->links[i].master, masters[i]);
		assert_ptr_equal(plan_link(plan, names[i]), &plan->links[i]);
	}
	assert_null(plan_link(plan, "b.1"));
}

static void test_links(void **state)
{
	_cleanup_topology_ struct topology *topology = parse(two_guests);
	_cleanup_plan_ struct plan *plan = plan_new(topology);
	const struct planned_link *bridge = plan_link(plan, "br0");
	const struct planned_link *tap = plan_link(plan, "a.1");

	(void)state;
	assert_string_equal(link_kind_name(bridge->kind), "bridge");
	assert_int_equal(bridge->n_addresses, 1);
	assert_ptr_equal(bridge->addresses, topology->bridges[0].addresses);
	assert_null(bridge->guest);
	assert_int_equal(bridge->at.line, 4);
	assert_string_equal(link_kind_name(tap->kind), "tap");
	assert_int_equal(tap->n_addresses, 0);
	assert_ptr_equal(tap->guest, topology_guest(topology, "a"));
	assert_int_equal(tap->nic, 1);
	assert_int_equal(tap->at.line, 2);
	assert_int_equal(tap->at.column, 55);
}

static void test_bridges_alone(void **state)
{
	_cleanup_topology_ struct topology *topology = parse("bridges: {br0: {}}");
	_cleanup_plan_ struct plan *plan = plan_new(topology);

	(void)state;
	assert_int_equal(plan->n_links, 1);
	assert_int_equal(topology->n_guests, 0);
}

/* The addresses are pinned: a guest's must not change with a new netlab. */
static void test_macs_are_stable(void **state)
{
	_cleanup_topology_ struct topology *one = parse(two_guests);
	_cleanup_topology_ struct topology *two =
		parse("bridges: {br0: {}}\nguests: {c: {nics: [{bridge: br0}]}, "
		      "b: {nics: [{bridge: br0}]}}");
	_cleanup_topology_ struct topology *other =
		parse("name: other\nbridges: {br0: {}}\nguests: {b: {nics: [{bridge: "
		      "br0}]}}");
	_cleanup_free_ char *b1 = mac_of(one, "b", 0), *b2 = mac_of(two, "b", 0);
	_cleanup_free_ char *a0 = mac_of(one, "a", 0), *a1 = mac_of(one, "a", 1);
	_cleanup_free_ char *b3 = mac_of(other, "b", 0);

	(void)state;
	assert_string_equal(b1, "52:54:00:f4:d0:d5");
	assert_string_equal(b1, b2);
	assert_string_equal(a0, "52:54:00:9b:f3:35");
	assert_string_not_equal(a0, a1);
	assert_string_not_equal(b1, b3);
}

/* A given address that a derived one would have been pushes that one aside. */
static void test_macs_avoid_given(void **state)
{
	_cleanup_topology_ struct topology *topology =
		parse("bridges: {br0: {}}\n"
		      "guests:\n"
		      "  b: {nics: [{bridge: br0}]}\n"
		      "  z: {nics: [{bridge: br0, mac: '52:54:00:f4:d0:d5'}]}\n");
	_cleanup_free_ char *b = mac_of(topology, "b", 0), *z = mac_of(topology, "z", 0);

	(void)state;
	assert_string_equal(z, "52:54:00:f4:d0:d5");
	assert_string_not_equal(b, z);
}

static const char *tap_of(const struct topology *topology, const char *guest, size_t nic)
{
	return topology_guest(topology, guest)->nics[nic].tap;
}

static void test_long_names(void **state)
{
	_cleanup_topology_ struct topology *topology =
		parse("bridges: {br0: {}}\n"
		      "guests:\n"
		      "  thirteen-char: {nics: [{bridge: br0}]}\n"
		      "  fourteen-chars: {nics: [{bridge: br0}, {bridge: br0}]}\n"
		      "  fourteen-chart: {nics: [{bridge: br0}]}\n"
		      "capture: [fourteen-chars.1]\n");

	(void)state;
	assert_string_equal(tap_of(topology, "thirteen-char", 0), "thirteen-char.0");
	assert_string_equal(tap_of(topology, "fourteen-chars", 0), "fourteen-51b8.0");
	assert_string_equal(tap_of(topology, "fourteen-chars", 1), "fourteen-2246.1");
	assert_string_equal(tap_of(topology, "fourteen-chart", 0), "fourteen-64e8.0");
	assert_string_equal(topology->capture[0], "fourteen-2246.1");
}

static void test_taps_avoid_bridges(void **state)
{
	_cleanup_topology_ struct topology *topology =
		parse("bridges: {a.0: {}}\n"
		      "guests: {a: {nics: [{bridge: a.0}]}}\n"
		      "capture: [a.0]\n");
	_cleanup_plan_ struct plan *plan = plan_new(topology);

	(void)state;
	assert_string_equal(tap_of(topology, "a", 0), "a-ba05.0");
	assert_string_equal(topology->capture[0], "a.0");
	assert_int_equal(plan_link(plan, "a.0")->kind, LINK_BRIDGE);
	assert_int_equal(plan_link(plan, "a-ba05.0")->kind, LINK_TAP);
}

static void append(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void append(struct buffer *buffer, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	buffer_append(buffer, text, strlen(text));
}

/* @n guests of one card each on one bridge. */
static struct topology *large(unsigned n)
{
	_cleanup_buffer_ struct buffer text = {0};

	append(&text, "bridges: {br0: {}}\nguests:\n");
	for (unsigned i = 0; i < n; i++)
		append(&text,
		       "  long-named-guest-%u-%u: {nics: [{bridge: br0, addresses: "
		       "[10.1.%u.%u/16]}]}\n",
		       i / 200, i % 200 + 1, i / 200, i % 200 + 1);
	buffer_append(&text, "", 1);
	return parse((char *)text.data);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct planned_link *)a)->name,
		      ((const struct planned_link *)b)->name);
}

static void test_all_unique(void **state)
{
	_cleanup_topology_ struct topology *topology = large(1000);
	_cleanup_plan_ struct plan *plan = plan_new(topology);

	(void)state;
	assert_int_equal(plan->n_links, 1001);
	qsort(plan->links, plan->n_links, sizeof(*plan->links), compare_names);
	for (size_t i = 0; i < plan->n_links; i++) {
		assert_in_range(strlen(plan->links[i].name), 1, IFNAMSIZ - 1);
		if (i)
			assert_string_not_equal(plan->links[i].name,
						plan->links[i - 1].name);
	}
}

static void test_too_many_ports(void **state)
{
	_cleanup_buffer_ struct buffer text = {0};
	struct topology *topology = NULL;
	_cleanup_error_ struct error *error = NULL;

	(void)state;
	append(&text, "bridges: {br0: {}}\nguests:\n");
	for (unsigned i = 0; i < 128; i++)
		append(&text,
		       "  g%u: {nics: [&c {bridge: br0}, *c, *c, *c, *c, *c, *c, "
		       "*c]}\n",
		       i);
	error = topology_parse("t.yaml", (char *)text.data, text.size, &topology);
	assert_null(topology);
	assert_non_null(string_after(error->message,
				     "t.yaml:130:29: bridge 'br0' gets more than the "
				     "1023 ports that Linux allows\n"));
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* 300 links in 50 ms: CPU time, so that a busy machine doesn't fail it; sanitizers on. */
static void test_speed(void **state)
{
	uint64_t begin = cpu_ns();
	_cleanup_topology_ struct topology *topology = large(300);
	_cleanup_plan_ struct plan *plan = plan_new(topology);
	uint64_t took = cpu_ns() - begin;

	(void)state;
	assert_int_equal(plan->n_links, 301);
	print_message("# 300 links: %u us\n", (unsigned)(took / 1000));
	assert_true(took < 50000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_bridges_alone),
		cmocka_unit_test(test_macs_are_stable),
		cmocka_unit_test(test_macs_avoid_given),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_taps_avoid_bridges),
		cmocka_unit_test(test_all_unique),
		cmocka_unit_test(test_too_many_ports),
		cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
