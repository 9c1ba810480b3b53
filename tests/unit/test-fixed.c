// SPDX-License-Identifier: GPL-2.0-or-later
/* What a lab can't become while it is up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "topology/fixed.h"
#include "util/string.h"

#define BRIDGE "bridges: {br0: {}, br1: {}}\n"
#define GUEST(more)                                                             \
	BRIDGE "guests:\n  g: {nics: [{bridge: br0, addresses: [10.0.0.2/24], " \
	       "mac: '02:00:00:00:00:01'}]" more "}\n"

static struct topology *parse(const char *text)
{
	struct topology *topology = NULL;
	_cleanup_error_ struct error *error =
		topology_parse("t.yaml", text, strlen(text), &topology);

	if (error)
		fail_msg("%s", error->message);
	return topology;
}

static void assert_fixed(const char *before, const char *after, const char *expected)
{
	_cleanup_topology_ struct topology *old = parse(before), *wanted = parse(after);
	_cleanup_error_ struct error *error = topology_check_fixed(old, wanted);

	if (!*expected) {
		assert_null(error);
		return;
	}
	assert_non_null(error);
	assert_int_equal(error->code, EBUSY);
	assert_string_equal(error->message, expected);
}

static void test_what_may_change(void **state)
{
	(void)state;
	assert_fixed(GUEST(""), GUEST(""), "");
	assert_fixed(GUEST(""),
		     BRIDGE "guests: {g: {nics: [{bridge: br1, up: off, mtu: 1400, "
			    "addresses: [10.0.0.2/24], mac: '02:00:00:00:00:01', "
			    "impair: {rate: 1mbit}}]}}\n"
			    "hosts: {h: {}}\n",
		     "");
}

static void test_machines(void **state)
{
	(void)state;
	assert_fixed(GUEST(""),
		     GUEST(", memory: 128M, cpus: 2, run: [a], kernel: lab, "
			   "kernel_arguments: b, on_panic: halt"),
		     "t.yaml:3:3: guest 'g' has 256M of memory, not 128M\n"
		     "t.yaml:3:3: guest 'g' has 1 CPUs, not 2\n"
		     "t.yaml:3:3: guest 'g' has booted with on_panic: continue\n"
		     "t.yaml:3:123: guest 'g' has booted another kernel\n"
		     "t.yaml:3:3: guest 'g' runs another command\n"
		     "t.yaml:3:3: guest 'g' has booted with other kernel_arguments");
	assert_fixed(GUEST(""),
		     GUEST(", cpu: qemu64, machine: pc, qemu: [-snapshot], "
			   "modules: [nf_tables]"),
		     "t.yaml:3:3: guest 'g' has the CPU max, not qemu64\n"
		     "t.yaml:3:3: guest 'g' is the machine q35, not pc\n"
		     "t.yaml:3:3: guest 'g' has other arguments of QEMU\n"
		     "t.yaml:3:3: guest 'g' has booted with other modules");
}

static void test_cards(void **state)
{
	(void)state;
	assert_fixed(GUEST(""),
		     BRIDGE
		     "guests: {g: {nics: [{bridge: br0, model: e1000e, addresses: "
		     "[10.0.0.3/24], mac: '02:00:00:00:00:02'}, {bridge: br0}]}}\n",
		     "t.yaml:2:10: guest 'g' has 1 cards, not 2\n"
		     "t.yaml:2:21: card 0 of guest 'g' is e1000, not e1000e\n"
		     "t.yaml:2:21: card 0 of guest 'g' has MAC 02:00:00:00:00:01, not "
		     "02:00:00:00:00:02\n"
		     "t.yaml:2:21: card 0 of guest 'g' was given its addresses when the "
		     "guest booted");
}

static void test_guests_capture_and_namespace(void **state)
{
	(void)state;
	assert_fixed(GUEST(""),
		     BRIDGE "guests: {other: {nics: [{bridge: br0}]}}\n"
			    "capture: {links: [br0], clock: wall, console: on}\n"
			    "netns: host\nlockstep: off\nhold_host: off\n",
		     "t.yaml: netns is 'lab', not 'host'\n"
		     "t.yaml: lockstep is on, not off\n"
		     "t.yaml: hold_host is on, not off\n"
		     "t.yaml:2:10: guest 'other' is new\n"
		     "t.yaml: guest 'g' is up, and is not in it\n"
		     "t.yaml: the capture has begun with other links\n"
		     "t.yaml: the capture's clock is 'lab', not 'wall'\n"
		     "t.yaml: the capture has begun without consoles");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_may_change),
		cmocka_unit_test(test_machines),
		cmocka_unit_test(test_cards),
		cmocka_unit_test(test_guests_capture_and_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
