// SPDX-License-Identifier: GPL-2.0-or-later
/* Topology files that are right, what they mean; and files that can't be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/stat.h>

#include "topology/topology.h"
#include "util/string.h"

static struct topology *parse(const char *text)
{
	struct topology *topology = NULL;
	_cleanup_error_ struct error *error =
		topology_parse("dir/t.yaml", text, strlen(text), &topology);

	if (error)
		fail_msg("%s", error->message);
	return topology;
}

#define BR0 "bridges: {br0: {}}\n"

static const char whole[] =
	"# everything\n"
	"name: everything\n"
	"kernel: {flavour: small, source: ../linux}\n"
	"bridges:\n"
	"  br0: {addresses: [192.168.100.50/24, fd00:100::50/64]}\n"
	"  br1:\n"
	"guests:\n"
	"  server:\n"
	"    memory: 1G\n"
	"    cpus: 2\n"
	"    root: host\n"
	"    nics:\n"
	"      - {model: igb, bridge: br0, mac: 52:54:00:AA:bb:cc,\n"
	"         addresses: [10.0.0.1/8, fd00::1/64]}\n"
	"      - &card {bridge: br1}\n"
	"    run: [epoll-echo, --port, 7777]\n"
	"    kernel_arguments: quiet loglevel=3\n"
	"  client:\n"
	"    kernel: {vmlinux: /k/vmlinux, bzimage: bz}\n"
	"    nics: [*card]\n"
	"capture: [br1, server.0]\n"
	"drive:\n"
	"  - tcp: {to: 'server:7777', family: ipv6, connections: 3, send: hello,\n"
	"          expect: hi, bytes: 1M, timeout: 250ms}\n"
	"  - udp: {to: 'server:1', bytes: 9}\n"
	"debug:\n"
	"  - {guest: server, at: ep_poll_callback, do: backtrace, times: 7}\n"
	"  - {guest: client, at: tcp_v4_rcv}\n";

static void test_links_read(void **state)
{
	_cleanup_topology_ struct topology *t = parse(whole);
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	assert_string_equal(t->file, "dir/t.yaml");
	assert_string_equal(t->name, "everything");
	assert_int_equal(t->n_bridges, 2);
	assert_string_equal(t->bridges[0].name, "br0");
	assert_int_equal(t->bridges[0].n_addresses, 2);
	assert_string_equal(address_format(&t->bridges[0].addresses[1], text),
			    "fd00:100::50/64");
	assert_int_equal(t->bridges[1].n_addresses, 0);
	assert_int_equal(t->bridges[1].at.line, 6);
	assert_int_equal(t->bridges[1].at.column, 3);
	assert_ptr_equal(topology_bridge(t, "br1"), &t->bridges[1]);
	assert_null(topology_bridge(t, "br2"));
	assert_string_equal(t->capture[0], "br1");
	assert_string_equal(t->capture[1], "server.0");
	assert_null(t->capture[2]);
	assert_int_equal(t->capture_clock, CAPTURE_CLOCK_LAB);
	assert_false(t->capture_console);
}

static void test_a_capture_that_says_more(void **state)
{
	_cleanup_topology_ struct topology *t =
		parse("bridges: {br0: }\n"
		      "capture: {links: [br0], clock: wall, console: on}\n");

	(void)state;
	assert_string_equal(t->capture[0], "br0");
	assert_null(t->capture[1]);
	assert_int_equal(t->capture_clock, CAPTURE_CLOCK_WALL);
	assert_true(t->capture_console);
}

static void test_guests_read(void **state)
{
	_cleanup_topology_ struct topology *t = parse(whole);
	const struct guest *server = topology_guest(t, "server");
	const struct guest *client = topology_guest(t, "client");
	char text[MAC_TEXT_SIZE];

	(void)state;
	assert_int_equal(t->n_guests, 2);
	assert_true(server->memory == 1 << 30);
	assert_int_equal(server->cpus, 2);
	assert_int_equal(server->root, ROOT_HOST);
	assert_int_equal(server->n_nics, 2);
	assert_string_equal(server->nics[0].model, "igb");
	assert_string_equal(server->nics[0].bridge, "br0");
	assert_true(server->nics[0].mac_given);
	assert_string_equal(mac_format(server->nics[0].mac, text), "52:54:00:aa:bb:cc");
	assert_int_equal(server->nics[0].n_addresses, 2);
	assert_string_equal(server->nics[1].model, "e1000");
	assert_false(server->nics[1].mac_given);
	assert_int_equal(strv_length(server->run), 3);
	assert_string_equal(server->run[2], "7777");
	assert_string_equal(server->kernel_arguments, "quiet loglevel=3");
	assert_true(client->memory == 256 << 20);
	assert_int_equal(client->cpus, 1);
	assert_int_equal(client->root, ROOT_BUSYBOX);
	assert_null(client->run);
	assert_null(client->kernel_arguments);
	assert_string_equal(client->nics[0].bridge, "br1");
	assert_int_equal(client->nics[0].at.line, 20);
	assert_null(topology_guest(t, "nobody"));
}

static void test_kernels_read(void **state)
{
	_cleanup_topology_ struct topology *t = parse(whole);
	_cleanup_topology_ struct topology *plain = parse("guests: {a: {}}\n");
	_cleanup_topology_ struct topology *source = parse("kernel: {source: /src}\n"
							   "guests: {a: {}}\n");
	const struct kernel_choice *server = &t->guests[0].kernel;
	const struct kernel_choice *client = &t->guests[1].kernel;
	_cleanup_free_ char *here = getcwd(NULL, 0);
	_cleanup_free_ char *linux_path = xasprintf("%s/dir/../linux", here);
	_cleanup_free_ char *bzimage_path = xasprintf("%s/dir/bz", here);

	(void)state;
	assert_string_equal(server->flavour, "small+roots");
	assert_string_equal(server->source, linux_path);
	assert_null(server->vmlinux);
	assert_null(client->flavour);
	assert_null(client->source);
	assert_string_equal(client->vmlinux, "/k/vmlinux");
	assert_string_equal(client->bzimage, bzimage_path);
	assert_string_equal(plain->guests[0].kernel.flavour, "debug");
	assert_string_equal(source->guests[0].kernel.flavour, "debug");
	assert_string_equal(source->guests[0].kernel.source, "/src");
}

static void test_steps_read(void **state)
{
	_cleanup_topology_ struct topology *t = parse(whole);
	const struct drive_spec *tcp = &t->drives[0], *udp = &t->drives[1];

	(void)state;
	assert_int_equal(t->n_drives, 2);
	assert_int_equal(tcp->kind, DRIVE_TCP);
	assert_string_equal(tcp->to.guest, "server");
	assert_int_equal(tcp->to.port, 7777);
	assert_int_equal(tcp->to.family, AF_INET6);
	assert_int_equal(tcp->connections, 3);
	assert_string_equal(tcp->send, "hello");
	assert_string_equal(tcp->expect, "hi");
	assert_true(tcp->bytes == 1 << 20);
	assert_true(tcp->timeout_ns == 250000000);
	assert_int_equal(udp->kind, DRIVE_UDP);
	assert_int_equal(udp->to.family, AF_UNSPEC);
	assert_null(udp->send);
	assert_true(udp->timeout_ns == DRIVE_TIMEOUT_DEFAULT_NS);
	assert_int_equal(t->n_debugs, 2);
	assert_string_equal(t->debugs[0].guest, "server");
	assert_string_equal(t->debugs[0].at, "ep_poll_callback");
	assert_string_equal(debug_action_name(t->debugs[0].action), "backtrace");
	assert_int_equal(t->debugs[0].times, 7);
	assert_int_equal(t->debugs[1].times, 1);
}

static void test_resolve(void **state)
{
	_cleanup_topology_ struct topology *t = parse(whole);
	struct drive_target target = {.guest = (char *)"server"};
	_cleanup_error_ struct error *nobody = NULL, *bare = NULL;
	char text[ADDRESS_TEXT_SIZE];
	struct address address;

	(void)state;
	assert_null(topology_resolve(t, &target, &address));
	assert_string_equal(address_format(&address, text), "10.0.0.1/8");
	target.family = AF_INET6;
	assert_null(topology_resolve(t, &target, &address));
	assert_string_equal(address_format(&address, text), "fd00::1/64");
	target.guest = (char *)"servr";
	nobody = topology_resolve(t, &target, &address);
	assert_string_equal(nobody->message,
			    "no guest 'servr' in dir/t.yaml; did you mean "
			    "'server'?");
	target.guest = (char *)"client";
	bare = topology_resolve(t, &target, &address);
	assert_string_equal(bare->message,
			    "guest 'client' has no address of family ipv6");
}

static struct topology *named(const char *file)
{
	struct topology *topology = NULL;

	error_ignore(topology_parse(file, BR0, strlen(BR0), &topology));
	return topology;
}

static void test_lab_names(void **state)
{
	_cleanup_topology_ struct topology *plain = named("/x/tcp-receive.yaml");
	_cleanup_topology_ struct topology *other = named("lab.yml");
	_cleanup_topology_ struct topology *bad = named("My Lab.yaml");

	(void)state;
	assert_string_equal(plain->name, "tcp-receive");
	assert_string_equal(other->name, "lab");
	assert_null(bad);
	assert_true(lab_name_valid("0-a"));
	assert_false(lab_name_valid(""));
	assert_false(lab_name_valid("-a"));
	assert_false(lab_name_valid("a/b"));
	assert_false(lab_name_valid("123456789012345678901234567890123"));
}

static void assert_load_fails(const char *path, int code, const char *expected)
{
	_cleanup_topology_ struct topology *topology = NULL;
	_cleanup_error_ struct error *error = topology_load(path, &topology);

	assert_non_null(error);
	assert_null(topology);
	assert_int_equal(error->code, code);
	assert_string_equal(error->message, expected);
}

static void test_unreadable(void **state)
{
	char directory[] = "/tmp/test-topology-XXXXXX";
	_cleanup_free_ char *fifo = NULL, *expected = NULL;

	(void)state;
	assert_non_null(mkdtemp(directory));
	fifo = xasprintf("%s/fifo", directory);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	expected = xasprintf("%s: not a regular file", fifo);
	assert_load_fails(fifo, EINVAL, expected);
	unlink(fifo);
	rmdir(directory);
	assert_load_fails("/", EISDIR, "/: Is a directory");
	assert_load_fails("/nonexistent/x", ENOENT,
			  "/nonexistent/x: No such file or directory");
	assert_load_fails("/dev/zero", EINVAL, "/dev/zero: not a regular file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links_read),
		cmocka_unit_test(test_guests_read),
		cmocka_unit_test(test_a_capture_that_says_more),
		cmocka_unit_test(test_kernels_read),
		cmocka_unit_test(test_steps_read),
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_lab_names),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
