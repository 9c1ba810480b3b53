// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "topology/reader.h"
#include "util/string.h"

static const char file[] = "bridges: {br0: {addresses: [192.0.2.1/24]}}\n"
			   "guests:\n"
			   "  server: &it\n"
			   "    memory: 128M\n"
			   "    nics: [{bridge: br0}]\n"
			   "  client: *it\n"
			   "hosts: {outer: {links: {eth0: {bridge: br0},\n"
			   "  eth0.5: {vlan: 5, link: eth0}}}}\n";

#define set(...) ((char *[]){__VA_ARGS__, NULL})

static struct topology *read_set(char *const *settings, struct reports *reports)
{
	*reports = (struct reports){.file = "t.yaml",
				    .text = file,
				    .size = strlen(file),
				    .settings = settings};
	return topology_read("t.yaml", reports);
}

static struct topology *take(char *const *settings)
{
	_cleanup_reports_ struct reports reports = {0};
	struct topology *topology = read_set(settings, &reports);
	_cleanup_error_ struct error *error = reports_error(&reports);

	if (error)
		fail_msg("%s", error->message);
	return topology;
}

static void refuse(char *const *settings, const char *expected)
{
	_cleanup_reports_ struct reports reports = {0};
	_cleanup_topology_ struct topology *topology = read_set(settings, &reports);
	_cleanup_error_ struct error *error = reports_error(&reports);

	assert_null(topology);
	assert_non_null(error);
	assert_string_equal(error->message, expected);
}

static void a_guest_is_known_by_its_name(void **state)
{
	_cleanup_topology_ struct topology *t = take(set(
		"server.memory=512M", "guests.client.cpus=2", "server.cpu=qemu64,+aes"));

	(void)state;
	assert_int_equal(t->guests[0].memory, 512 << 20);
	assert_int_equal(t->guests[0].cpus, 1);
	assert_string_equal(t->guests[0].cpu, "qemu64,+aes");
	assert_int_equal(t->guests[1].cpus, 2);
}

/* The client is an alias of the server: what is set of one is of that one alone. */
static void an_alias_keeps_what_it_had(void **state)
{
	_cleanup_topology_ struct topology *t =
		take(set("server.memory=512M", "client.nics.0.model=rtl8139"));

	(void)state;
	assert_int_equal(t->guests[1].memory, 128 << 20);
	assert_string_equal(t->guests[1].nics[0].model, "rtl8139");
	assert_string_equal(t->guests[0].nics[0].model, NIC_MODEL_DEFAULT);
}

static void values_are_yaml_and_the_last_counts(void **state)
{
	_cleanup_topology_ struct topology *t =
		take(set("name=first", "name=other", "server.run=[epoll-echo, --port, 7]",
			 "server.nics.1={bridge: br0, model: e1000e}",
			 "kernel.flavour=lab", "client.nics="));

	(void)state;
	assert_string_equal(t->name, "other");
	assert_string_equal(t->guests[0].run[2], "7");
	assert_int_equal(t->guests[0].n_nics, 2);
	assert_string_equal(t->guests[0].nics[1].model, "e1000e");
	assert_string_equal(t->guests[0].kernel.flavour, "lab");
	assert_int_equal(t->guests[1].n_nics, 0);
}

static void a_key_with_dots_is_known(void **state)
{
	_cleanup_topology_ struct topology *t = take(set("outer.links.eth0.5.vlan=6"));

	(void)state;
	assert_int_equal(t->hosts[0].n_virtuals, 1);
	assert_int_equal(t->hosts[0].virtuals[0].vlan.id, 6);
}

static void what_is_wrong_names_the_setting(void **state)
{
	(void)state;
	refuse(set("server.cpus=2", "server.cpus=99"),
	       "--set server.cpus=99: cpus: '99' is not a number from 1 to 16");
	refuse(set("server.memmory=1G"),
	       "--set server.memmory=1G: unknown key 'memmory'; did you mean 'memory'?");
	refuse(set("sever.cpus=2"), "--set sever.cpus=2: unknown key 'sever'; a topology "
				    "has: name, netns, lockstep, hold_host, kernel, "
				    "on_panic, bridges, links, guests, "
				    "hosts, routes, neighbours, sysctls, capture, drive, "
				    "debug");
	refuse(set("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1"),
	       "--set "
	       "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1: "
	       "nested more than 32 deep");
	refuse(set("server"),
	       "--set server: PATH=VALUE is wanted, as in server.memory=512M");
	refuse(set("=1"), "--set =1: a key is missing before '.' or '='");
	refuse(set("server.memory.size=1G"), "--set server.memory.size=1G: there is no "
					     "'size' below the text '128M'");
	refuse(set("server.nics.7.model=e1000"),
	       "--set server.nics.7.model=e1000: '7' is no position in a list of 1; the "
	       "first is 0");
	refuse(set("server.nics.x.model=e1000"),
	       "--set server.nics.x.model=e1000: 'x' is no position in a list of 1; the "
	       "first is 0");
}

static void a_value_that_is_no_yaml(void **state)
{
	_cleanup_reports_ struct reports reports = {0};
	_cleanup_topology_ struct topology *t = read_set(set("server.run=[a"), &reports);
	_cleanup_error_ struct error *error = reports_error(&reports);

	(void)state;
	assert_null(t);
	assert_non_null(string_after(error->message, "--set server.run=[a: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_is_known_by_its_name),
		cmocka_unit_test(an_alias_keeps_what_it_had),
		cmocka_unit_test(values_are_yaml_and_the_last_counts),
		cmocka_unit_test(a_key_with_dots_is_known),
		cmocka_unit_test(what_is_wrong_names_the_setting),
		cmocka_unit_test(a_value_that_is_no_yaml),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
