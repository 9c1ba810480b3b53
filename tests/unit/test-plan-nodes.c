// SPDX-License-Identifier: GPL-2.0-or-later
/* The plan of a lab with hosts and virtual links: what is made where, in which order, how. */
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

static const char whole[] =
	"name: whole\n"
	"bridges:\n"
	"  br0:\n"
	"    {addresses: [10.0.0.1/24], mtu: 9000, mac: '02:00:00:00:00:01',\n"
	"     txqueuelen: 7, stp: on, ageing: 30s, multicast_snooping: off,\n"
	"     vlan_filtering: on, vlans: {pvid: 1, tagged: [10]}, offloads: {gro: off},\n"
	"     impair: {rate: 1gbit}}\n"
	"links:\n"
	"  up: {macvlan: vepa, link: mid}\n"
	"  mid: {vlan: 8, link: low}\n"
	"  low: {dummy: on, bridge: br0, vlans: {pvid: 20}}\n"
	"  tap.7: {vlan: 7, link: g.1, addresses: [10.7.0.1/24]}\n"
	"  vx: {vxlan: 5, local: 10.0.0.1, remote: 10.0.0.9, port: 4790, link: br0}\n"
	"guests:\n"
	"  g:\n"
	"    nics:\n"
	"      - {bridge: br0, vlans: {pvid: 10}, mtu: 1400, txqueuelen: 100000,\n"
	"         offloads: {tso: off, sg: on}, impair: {to: {delay: 1ms}, from: {loss: "
	"2%}}}\n"
	"      - {host: {addresses: [10.9.0.1/30]}, addresses: [10.9.0.2/30],\n"
	"         impair: {corrupt: 0.5%}}\n"
	"hosts:\n"
	"  a:\n"
	"    links:\n"
	"      v: {vlan: 9, link: eth0, addresses: [10.4.0.1/24]}\n"
	"      eth0: {bridge: br0, addresses: [10.0.0.2/24], txqueuelen: 9,\n"
	"             vlans: {tagged: [10]}, offloads: {gso: off},\n"
	"             impair: {to: {delay: 3ms}, from: {delay: 4ms}}}\n"
	"      eth1: {mtu: 1400, addresses: [10.1.0.1/24], impair: {to: {delay: 5ms}}}\n"
	"    forward: on\n"
	"    routes: [{to: default, via: 10.1.0.2, metric: 7}]\n"
	"    neighbours: [{address: 10.4.0.9, mac: '02:00:00:00:00:09'}]\n"
	"    sysctls: {net.ipv4.tcp_sack: 0, net.ipv4.tcp_rmem: 1 2 3}\n"
	"  b:\n"
	"    links:\n"
	"      eth1: {peer: a/eth1, mac: '02:00:00:00:00:0b', addresses: [10.1.0.2/24]}\n"
	"routes: [{to: 10.1.0.0/16, via: 10.0.0.2, device: tap.7}]\n"
	"neighbours: [{address: 10.9.0.2, mac: '02:00:00:00:00:07'}]\n"
	"sysctls: {net.core.somaxconn: 9}\n"
	"capture: [a.eth0, up, g.1]\n";

static void test_order(void **state)
{
	_cleanup_topology_ struct topology *topology = parse(whole);
	_cleanup_plan_ struct plan *plan = plan_new(topology);
	static const struct {
		size_t node;
		enum link_kind kind;
		const char *name, *master, *lower;
		size_t peer;
	} expected[] = {
		{0, LINK_BRIDGE, "br0", "", "", PLAN_NO_PEER},
		{0, LINK_TAP, "g.0", "br0", "", PLAN_NO_PEER},
		{0, LINK_TAP, "g.1", "", "", PLAN_NO_PEER},
		{0, LINK_VETH, "a.eth0", "br0", "", 4},
		{1, LINK_VETH, "eth0", "", "", 3},
		{1, LINK_VETH, "eth1", "", "", 6},
		{2, LINK_VETH, "eth1", "", "", 5},
		{0, LINK_DUMMY, "low", "br0", "", PLAN_NO_PEER},
		{0, LINK_VLAN, "tap.7", "", "g.1", PLAN_NO_PEER},
		{0, LINK_VXLAN, "vx", "", "br0", PLAN_NO_PEER},
		{0, LINK_VLAN, "mid", "", "low", PLAN_NO_PEER},
		{0, LINK_MACVLAN, "up", "", "mid", PLAN_NO_PEER},
		{1, LINK_VLAN, "v", "", "eth0", PLAN_NO_PEER},
	};

	(void)state;
	assert_int_equal(plan->n_links, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct planned_link *link = &plan->links[i];

		assert_int_equal(link->node, expected[i].node);
		assert_int_equal(link->kind, expected[i].kind);
		assert_string_equal(link->name, expected[i].name);
		assert_string_equal(link->master, expected[i].master);
		assert_string_equal(link->lower, expected[i].lower);
		assert_int_equal(link->peer, expected[i].peer);
		assert_ptr_equal(plan_link_of(plan, link->node, link->name), link);
	}
	assert_null(plan_link(plan, "eth0"));
	assert_null(plan_link_of(plan, 1, "a.eth0"));
}

static void assert_addresses(const struct planned_link *link, const char *expected)
{
	_cleanup_strv_ char **texts = NULL;
	_cleanup_free_ char *all = NULL;
	char text[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; i < link->n_addresses; i++)
		strv_push(&texts, xstrdup(address_format(&link->addresses[i], text)));
	all = strv_join(texts, " ");
	assert_string_equal(all, expected);
}

static void test_bridge_settings(void **state)
{
	_cleanup_topology_ struct topology *topology = parse(whole);
	_cleanup_plan_ struct plan *plan = plan_new(topology);
	const struct planned_link *link = plan_link(plan, "br0");
	char mac[MAC_TEXT_SIZE];

	(void)state;
	assert_addresses(link, "10.0.0.1/24");
	assert_int_equal(link->settings.mtu, 9000);
	assert_int_equal(link->settings.txqueuelen, 7);
	assert_true(link->settings.mac_given);
	assert_string_equal(mac_format(link->settings.mac, mac), "02:00:00:00:00:01");
	assert_int_equal(link->settings.offloads[OFFLOAD_GRO], CHOICE_OFF);
	assert_int_equal(link->settings.offloads[OFFLOAD_GSO], CHOICE_KERNEL);
	assert_true(link->settings.impair.rate == 1000000000);
	assert_true(link->bridge.stp);
	assert_true(link->bridge.ageing_ns == 30000000000);
	assert_int_equal(link->bridge.multicast_snooping, CHOICE_OFF);
	assert_true(link->bridge.vlan_filtering);
	assert_int_equal(link->bridge.self.pvid, 1);
	assert_int_equal(link->bridge.self.n_untagged, 1);
	assert_int_equal(link->bridge.self.untagged[0], 1);
	assert_int_equal(link->bridge.self.n_tagged, 1);
	assert_int_equal(link->bridge.self.tagged[0], 10);
}

/* The keys of the file are ethtool's names. */
static void test_offload_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < OFFLOADS; i++) {
		_cleanup_free_ char *text = xasprintf(
			"bridges: {br0: {offloads: {%s: on}}}", offload_name(i));
		_cleanup_topology_ struct topology *topology = parse(text);

		for (unsigned j = 0; j < OFFLOADS; j++)
			assert_int_equal(topology->bridges[0].settings.offloads[j],
					 i == j ? CHOICE_ON : CHOICE_KERNEL);
	}
}

static void test_tap_settings(void **state)
{
	_cleanup_topology_ struct topology *topology = parse(whole);
	_cleanup_plan_ struct plan *plan = plan_new(topology);
	const struct planned_link *link = plan_link(plan, "g.0");
	const struct planned_link *alone = plan_link(plan, "g.1");

	(void)state;
	assert_int_equal(link->settings.mtu, 1400);
	assert_int_equal(link->settings.txqueuelen, 100000);
	assert_false(link->settings.mac_given);
	assert_int_equal(link->settings.offloads[OFFLOAD_TSO], CHOICE_OFF);
	assert_int_equal(link->settings.offloads[OFFLOAD_SG], CHOICE_ON);
	assert_true(link->settings.impair.delay_ns == 1000000);
	assert_true(link->settings.impair.loss == 0.0);
	assert_true(link->impair_in.loss == 2.0);
	assert_int_equal(link->vlans.pvid, 10);
	assert_addresses(link, "");
	assert_addresses(alone, "10.9.0.1/30");
	assert_int_equal(alone->settings.mtu, 0);
	assert_true(alone->settings.impair.corrupt == 0.5);
	assert_true(alone->impair_in.corrupt == 0.5);
	assert_ptr_equal(alone->guest, topology_guest(topology, "g"));
	assert_int_equal(alone->nic, 1);
}

static void test_veth_settings(void **state)
{
	_cleanup_topology_ struct topology *topology = parse(whole);
	_cleanup_plan_ struct plan *plan = plan_new(topology);
	const struct planned_link *outer = plan_link(plan, "a.eth0"), *inner = outer + 1;
	char mac[MAC_TEXT_SIZE];

	(void)state;
	assert_addresses(outer, "");
	assert_addresses(inner, "10.0.0.2/24");
	assert_int_equal(outer->settings.mtu, 9000);
	assert_int_equal(inner->settings.mtu, 9000);
	assert_int_equal(outer->settings.txqueuelen, 9);
	assert_int_equal(outer->settings.offloads[OFFLOAD_GSO], CHOICE_OFF);
	assert_int_equal(inner->settings.offloads[OFFLOAD_GSO], CHOICE_OFF);
	assert_true(outer->settings.impair.delay_ns == 3000000);
	assert_true(inner->settings.impair.delay_ns == 4000000);
	assert_true(impairment_is_none(&outer->impair_in));
	assert_true(impairment_is_none(&inner->impair_in));
	assert_false(outer->settings.mac_given);
	assert_true(inner->settings.mac_given);
	assert_string_equal(mac_format(inner->settings.mac, mac), "02:54:00:3f:dc:86");
	assert_int_equal(outer->vlans.n_tagged, 1);
	assert_int_equal(inner->vlans.n_tagged, 0);
	assert_int_equal(outer->at.line, 25);
}

/* What comes to one end is what the other sends; an MTU is of both. */
static void test_pair_settings(void **state)
{
	_cleanup_topology_ struct topology *topology = parse(whole);
	_cleanup_plan_ struct plan *plan = plan_new(topology);
	const struct planned_link *a = plan_link_of(plan, 1, "eth1");
	const struct planned_link *b = plan_link_of(plan, 2, "eth1");
	char mac[MAC_TEXT_SIZE];

	(void)state;
	assert_int_equal(a->settings.mtu, 1400);
	assert_int_equal(b->settings.mtu, 1400);
	assert_true(impairment_is_none(&a->settings.impair));
	assert_true(b->settings.impair.delay_ns == 5000000);
	assert_string_equal(mac_format(b->settings.mac, mac), "02:00:00:00:00:0b");
	assert_addresses(b, "10.1.0.2/24");
}

static void test_virtual_settings(void **state)
{
	_cleanup_topology_ struct topology *topology = parse(whole);
	_cleanup_plan_ struct plan *plan = plan_new(topology);
	const struct planned_link *vxlan = plan_link(plan, "vx");
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	assert_int_equal(plan_link(plan, "mid")->vlan.id, 8);
	assert_int_equal(plan_link(plan, "up")->macvlan, MACVLAN_VEPA);
	assert_int_equal(plan_link(plan, "low")->vlans.pvid, 20);
	assert_addresses(plan_link(plan, "tap.7"), "10.7.0.1/24");
	assert_int_equal(vxlan->vxlan.id, 5);
	assert_int_equal(vxlan->vxlan.port, 4790);
	assert_true(vxlan->vxlan.has_local && vxlan->vxlan.has_remote);
	assert_string_equal(address_format(&vxlan->vxlan.local, text), "10.0.0.1/32");
	assert_string_equal(address_format(&vxlan->vxlan.remote, text), "10.0.0.9/32");
}

static void test_nodes(void **state)
{
	_cleanup_topology_ struct topology *topology = parse(whole);
	_cleanup_plan_ struct plan *plan = plan_new(topology);
	const struct planned_node *lab = &plan->nodes[0], *a = &plan->nodes[1];
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	assert_int_equal(topology->netns, NETNS_LAB);
	assert_int_equal(plan->n_nodes, 3);
	assert_string_equal(lab->name, "host");
	assert_false(lab->forward);
	assert_string_equal(lab->sysctls[0], "net.core.somaxconn=9");
	assert_string_equal(lab->routes[0].device, "tap.7");
	assert_string_equal(address_format(&lab->routes[0].to, text), "10.1.0.0/16");
	assert_string_equal(lab->neighbours[0].device, "g.1");
	assert_string_equal(a->name, "a");
	assert_true(a->forward);
	assert_string_equal(a->sysctls[1], "net.ipv4.tcp_rmem=1 2 3");
	assert_int_equal(a->n_routes, 1);
	assert_string_equal(address_format(&a->routes[0].to, text), "0.0.0.0/0");
	assert_string_equal(a->routes[0].device, "");
	assert_int_equal(a->routes[0].metric, 7);
	assert_int_equal(a->n_neighbours, 1);
	assert_string_equal(a->neighbours[0].device, "v");
	assert_string_equal(plan->nodes[2].name, "b");
	assert_null(plan->nodes[2].sysctls);
	assert_string_equal(topology->capture[0], "a.eth0");
}

/* The bridge's end of a host's link: a name that fits, and is no one else's. */
static void test_outer_names(void **state)
{
	_cleanup_topology_ struct topology *topology =
		parse("bridges: {br0: }\n"
		      "links: {h.e: {dummy: on}}\n"
		      "hosts:\n"
		      "  h: {links: {e: {bridge: br0}}}\n"
		      "  ten-letters: {links: {eth: {bridge: br0}, eth0: {bridge: br0}, "
		      "eth1: {bridge: br0}}}\n"
		      "capture: [ten-letters.eth1, h.e]\n");
	const struct host_link *links = topology->hosts[1].links;

	(void)state;
	assert_string_equal(topology->hosts[0].links[0].outer, "h-d72f");
	assert_string_equal(links[0].outer, "ten-letters.eth");
	assert_string_equal(links[1].outer, "ten-letter-d296");
	assert_string_equal(links[2].outer, "ten-letter-3a7f");
	assert_string_equal(topology->capture[0], links[2].outer);
	assert_string_equal(topology->capture[1], "h.e");
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

/* @n hosts on one bridge, each with a VLAN, a route and a neighbour. */
static char *many_hosts(unsigned n)
{
	struct buffer text = {0};

	append(&text, "bridges: {br0: {addresses: [10.1.250.1/16]}}\nhosts:\n");
	for (unsigned i = 0; i < n; i++)
		append(&text,
		       "  h%u: {links: {v: {vlan: 7, link: eth0}, eth0: {bridge: br0, "
		       "addresses: [10.1.%u.%u/16]}}, routes: [{to: default, via: "
		       "10.1.250.1}], neighbours: [{address: 10.1.250.2, mac: "
		       "02:00:00:00:00:01}]}\n",
		       i, i / 200, i % 200 + 1);
	buffer_append(&text, "", 1);
	return (char *)text.data;
}

static void test_too_many_ports(void **state)
{
	_cleanup_free_ char *fits = many_hosts(1023), *exceeds = many_hosts(1024);
	_cleanup_topology_ struct topology *topology = parse(fits);
	struct topology *none = NULL;
	_cleanup_error_ struct error *error =
		topology_parse("t.yaml", exceeds, strlen(exceeds), &none);

	(void)state;
	assert_null(none);
	assert_non_null(
		strstr(error->message, ": bridge 'br0' gets more than the 1023 ports"));
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
	_cleanup_free_ char *text = many_hosts(100);
	uint64_t begin = cpu_ns();
	_cleanup_topology_ struct topology *topology = parse(text);
	_cleanup_plan_ struct plan *plan = plan_new(topology);
	uint64_t took = cpu_ns() - begin;

	(void)state;
	assert_int_equal(plan->n_links, 301);
	print_message("300 links: %u us\n", (unsigned)(took / 1000));
	assert_true(took < 50000000);
}

static void test_shared_host_side(void **state)
{
	_cleanup_topology_ struct topology *topology =
		parse("netns: host\n"
		      "bridges: {br0: {addresses: [10.0.0.1/24]}}\n"
		      "links: {t: {tap: on, owner: alice, bridge: br0}, u: {tap: on}}\n"
		      "routes: [{to: 10.1.0.0/16, via: 10.0.0.2}]\n");
	_cleanup_plan_ struct plan *plan = plan_new(topology);
	const struct planned_link *tap = plan_link(plan, "t");

	(void)state;
	assert_string_equal(plan->nodes[0].routes[0].device, "br0");
	assert_int_equal(tap->kind, LINK_TAP);
	assert_true(tap->persistent);
	assert_string_equal(tap->owner, "alice");
	assert_string_equal(tap->master, "br0");
	assert_true(plan_link(plan, "u")->persistent);
	assert_null(plan_link(plan, "u")->owner);
	assert_false(plan_link(plan, "br0")->persistent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_bridge_settings),
		cmocka_unit_test(test_offload_names),
		cmocka_unit_test(test_tap_settings),
		cmocka_unit_test(test_veth_settings),
		cmocka_unit_test(test_pair_settings),
		cmocka_unit_test(test_virtual_settings),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_outer_names),
		cmocka_unit_test(test_shared_host_side),
		cmocka_unit_test(test_too_many_ports),
		cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
