// SPDX-License-Identifier: GPL-2.0-or-later
/* The difference between what the kernel has and a plan, as lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "link/diff.h"
#include "util/string.h"

static const char base[] =
	"name: t\n"
	"bridges:\n"
	"  br0: {addresses: [10.0.0.1/24], vlan_filtering: on}\n"
	"  br1: {}\n"
	"guests:\n"
	"  g: {nics: [{bridge: br0, vlans: {pvid: 10, tagged: [20]},\n"
	"              impair: {to: {delay: 5ms, jitter: 1ms, loss: 1%, rate: 8mbit},\n"
	"                       from: {delay: 1ms}}}]}\n"
	"links:\n"
	"  g7: {vlan: 7, link: g.0}\n"
	"hosts:\n"
	"  h:\n"
	"    links:\n"
	"      eth0: {bridge: br1, addresses: [10.1.0.2/24, fd00::2/64]}\n"
	"      d: {dummy: on}\n"
	"      v: {vlan: 8, link: d}\n"
	"    routes: [{to: default, via: 10.1.0.1}]\n"
	"    neighbours: [{address: 10.1.0.9, mac: '02:00:00:00:00:09'}]\n"
	"    sysctls: {net.ipv4.tcp_sack: 0}\n";

/* A plan with its jobs, and what there would be had they been done. */
struct lab {
	struct topology *topology;
	struct plan *plan;
	struct links links;
	struct build build;
	struct observed observed;
};

static struct observed_node *node_of(struct lab *lab, size_t i)
{
	return &lab->observed.nodes[i];
}

static struct observed_link *link_of(struct lab *lab, size_t node, const char *name)
{
	struct observed_link *link = observed_named(node_of(lab, node), name);

	assert_non_null(link);
	return link;
}

static void see_address(struct observed_node *node, int index, const char *text)
{
	struct observed_address seen = {.index = index, .permanent = true};

	assert_null(address_parse(text, &seen.address));
	grow(node->addresses, node->n_addresses);
	node->addresses[node->n_addresses++] = seen;
}

static void see_addresses(struct lab *lab, const struct link_job *job)
{
	struct observed_node *node = node_of(lab, job->planned->node);
	char text[ADDRESS_TEXT_SIZE];
	struct address own;

	for (size_t i = 0; i < job->planned->n_addresses; i++)
		see_address(node, job->made->index,
			    address_format(&job->planned->addresses[i], text));
	if (!link_wants_link_local(job))
		return;
	own = link_local_address(job->made->mac);
	see_address(node, job->made->index, address_format(&own, text));
}

static void see_link(struct lab *lab, size_t i)
{
	const struct link_job *job = &lab->build.jobs[i];
	const struct planned_link *planned = job->planned;
	struct observed_node *node = node_of(lab, planned->node);
	struct observed_link seen = {
		.index = (int)i + 10,
		.ours = true,
		.up = !planned->settings.down,
		.ipv6 = true,
		.mtu = planned->settings.mtu ?: 1500,
		.txqueuelen = planned->kind == LINK_TAP   ? 4096
			      : planned->kind == LINK_IFB ? 32
							  : 1000,
		.bridge = {.vlan_filtering = planned->bridge.vlan_filtering,
			   .stp = planned->bridge.stp,
			   .ageing = 30000},
		.vlan = planned->vlan.id,
		.vxlan = planned->vxlan,
		.shaping = shaping_wanted(&planned->settings),
		.redirected = !impairment_is_none(&planned->impair_in),
	};

	job->made->index = seen.index;
	seen.master = job->master ? job->master->index : 0;
	seen.lower = job->lower ? job->lower->index : 0;
	if (job->peer)
		seen.lower = (int)(job->peer - lab->build.jobs) + 10;
	seen.n_vlans = link_wanted_vlans(planned, &seen.vlans);
	memcpy(seen.mac, job->made->mac, sizeof(seen.mac));
	memcpy(seen.name, planned->name, sizeof(seen.name));
	strcpy(seen.kind, link_kind_ops(planned->kind)->type);
	grow(node->links, node->n_links);
	node->links[node->n_links++] = seen;
	see_addresses(lab, job);
}

static void see_routing(struct lab *lab, size_t i)
{
	const struct planned_node *planned = &lab->plan->nodes[i];
	struct observed_node *node = node_of(lab, i);

	node->forward = planned->forward;
	for (size_t n = 0; n < planned->n_routes; n++) {
		grow(node->routes, node->n_routes);
		node->routes[node->n_routes++] =
			(struct observed_route){.route = planned->routes[n],
						.index = link_of(lab, i, "eth0")->index,
						.protocol = RTPROT_STATIC};
	}
	for (size_t n = 0; n < planned->n_neighbours; n++) {
		grow(node->neighbours, node->n_neighbours);
		node->neighbours[node->n_neighbours++] = (struct observed_neighbour){
			.neighbour = planned->neighbours[n],
			.index = link_of(lab, i, planned->neighbours[n].device)->index};
	}
	strv_foreach (setting, planned->sysctls)
		strv_push(&node->sysctls, xstrdup(strchr(*setting, '=') + 1));
}

static void lab_init(struct lab *lab, const char *text)
{
	*lab = (struct lab){0};
	assert_null(topology_parse("t.yaml", text, strlen(text), &lab->topology));
	lab->plan = plan_new(lab->topology);
	lab->links.nodes = xcalloc(lab->plan->n_nodes, sizeof(struct node *));
	for (size_t i = 0; i < lab->plan->n_nodes; i++)
		lab->links.nodes[lab->links.n_nodes++] =
			node_alloc(i == PLAN_LAB_NODE ? NULL : lab->plan->nodes[i].name);
	lab->build = (struct build){.links = &lab->links, .plan = lab->plan};
	assert_null(prepare_jobs(&lab->build));
}

static void see_all(struct lab *lab)
{
	lab->observed.nodes = xcalloc(lab->plan->n_nodes, sizeof(struct observed_node));
	lab->observed.n_nodes = lab->plan->n_nodes;
	for (size_t i = 0; i < lab->plan->n_nodes; i++)
		lab->observed.nodes[i].name = lab->links.nodes[i]->name;
	for (size_t i = 0; i < lab->build.n_jobs; i++)
		see_link(lab, i);
	for (size_t i = 0; i < lab->plan->n_nodes; i++)
		see_routing(lab, i);
}

static void lab_deinit(struct lab *lab)
{
	observed_deinit(&lab->observed);
	for (size_t i = 0; i < lab->links.n_nodes; i++)
		node_free(lab->links.nodes[i]);
	free(lab->links.nodes);
	free(lab->links.made);
	free(lab->build.jobs);
	free(lab->build.ifbs);
	plan_free(lab->plan);
	topology_free(lab->topology);
}

static char *difference(struct lab *wanted, struct observed *observed)
{
	_cleanup_changes_ struct changes changes = {0};
	_cleanup_strv_ char **lines = NULL;

	diff_compute(&wanted->build, NULL, observed, &changes);
	for (size_t i = 0; i < changes.n; i++)
		strv_push(&lines, change_text(&changes.list[i]));
	return strv_join(lines, "\n");
}

static void assert_drift(void (*drift)(struct lab *lab), const char *expected)
{
	_cleanup_(lab_deinit) struct lab lab;
	_cleanup_free_ char *text = NULL;

	lab_init(&lab, base);
	see_all(&lab);
	if (drift)
		drift(&lab);
	text = difference(&lab, &lab.observed);
	assert_string_equal(text, expected);
}

static void test_no_difference(void **state)
{
	(void)state;
	assert_drift(NULL, "");
}

static void test_all_is_new(void **state)
{
	_cleanup_(lab_deinit) struct lab lab;
	_cleanup_free_ char *text = NULL;
	struct observed_node host_side = {0};
	struct observed nothing = {&host_side, 1};

	(void)state;
	lab_init(&lab, base);
	text = difference(&lab, &nothing);
	assert_string_equal(text, "+ host h\n"
				  "+ link br0: bridge, 10.0.0.1/24\n"
				  "+ link br1: bridge\n"
				  "+ link g.0: tap, port of br0\n"
				  "+ link h.eth0: veth, port of br1\n"
				  "+ link h/eth0: veth, 10.1.0.2/24, fd00::2/64\n"
				  "+ link g7: vlan, on g.0\n"
				  "+ link h/d: dummy\n"
				  "+ link h/v: vlan, on d\n"
				  "+ link ifb-g.0: ifb\n"
				  "+ sysctl net.ipv4.tcp_sack=0 of h\n"
				  "+ neighbour 10.1.0.9 at 02:00:00:00:00:09 of h/eth0\n"
				  "+ route default via 10.1.0.1 of h");
}

/* --- drift --------------------------------------------------------------------------------- */

static void lose_lower(struct lab *lab)
{
	strcpy(link_of(lab, 1, "d")->name, "other");
}

static void change_vlan_id(struct lab *lab)
{
	link_of(lab, 0, "g7")->vlan = 9;
}

static void lose_veth_end(struct lab *lab)
{
	link_of(lab, 1, "eth0")->lower = 99;
}

static void take_tap_over(struct lab *lab)
{
	link_of(lab, 0, "g.0")->ours = false;
}

static void test_links_made_anew(void **state)
{
	(void)state;
	/* What sits on it goes with it; a link that was renamed is ours still. */
	assert_drift(lose_lower, "- link h/other: dummy\n"
				 "- link h/v: vlan\n"
				 "+ link h/d: dummy\n"
				 "+ link h/v: vlan, on d");
	assert_drift(change_vlan_id, "- link g7: vlan\n"
				     "+ link g7: vlan, on g.0");
	assert_drift(lose_veth_end,
		     "- link h.eth0: veth\n"
		     "- link h/eth0: veth\n"
		     "+ link h.eth0: veth, port of br1\n"
		     "+ link h/eth0: veth, 10.1.0.2/24, fd00::2/64\n"
		     "+ neighbour 10.1.0.9 at 02:00:00:00:00:09 of h/eth0");
	assert_drift(take_tap_over, "- link g.0: tun\n"
				    "- link g7: vlan\n"
				    "+ link g.0: tap, port of br0\n"
				    "+ link g7: vlan, on g.0\n"
				    "+ redirect to ifb-g.0 of g.0");
}

static void change_settings(struct lab *lab)
{
	struct observed_link *eth0 = link_of(lab, 1, "eth0");
	struct observed_link *br1 = link_of(lab, 0, "br1");

	eth0->up = false;
	eth0->mtu = 1400;
	eth0->txqueuelen = 3;
	br1->mtu = 9000;
	br1->bridge = (struct observed_bridge){
		.stp = true, .multicast_snooping = true, .ageing = 100};
	link_of(lab, 0, "h.eth0")->master = link_of(lab, 0, "br0")->index;
}

static void lengthen_queues(struct lab *lab)
{
	link_of(lab, 0, "g.0")->txqueuelen = 100000;
	link_of(lab, 1, "eth0")->txqueuelen = 100000;
}

static void change_vlans(struct lab *lab)
{
	struct observed_link *tap = link_of(lab, 0, "g.0");

	tap->vlans[0].untagged = false;
	tap->n_vlans = 1;
	link_of(lab, 0, "br0")->n_vlans = 0;
}

static void test_settings(void **state)
{
	(void)state;
	assert_drift(change_settings, "~ br1: stp on -> off\n"
				      "~ br1: ageing 1s -> 300s\n"
				      "~ br1: multicast_snooping on -> off\n"
				      "~ h/eth0: txqueuelen 3 -> 1000\n"
				      "~ h/eth0: mtu 1400 -> 1500\n"
				      "~ br1: mtu 9000 -> 1500\n"
				      "~ h.eth0: bridge br0 -> br1\n"
				      "~ h/eth0: state down -> up");
	/* That of a guest's card is as links_prepare_halts() makes it. */
	assert_drift(lengthen_queues, "~ h/eth0: txqueuelen 100000 -> 1000");
	assert_drift(change_vlans, "~ br0: vlans none -> 1 pvid untagged\n"
				   "~ g.0: vlans 10 pvid -> 10 pvid untagged, 20");
}

static void change_impairments(struct lab *lab)
{
	struct observed_link *tap = link_of(lab, 0, "g.0");

	tap->shaping.delay_ns = 7500000;
	tap->shaping.loss = 0;
	tap->redirected = false;
	link_of(lab, 0, "ifb-g.0")->shaping = (struct shaping){0};
}

static void lose_ifb(struct lab *lab)
{
	struct observed_link *ifb = link_of(lab, 0, "ifb-g.0");

	strcpy(ifb->name, "gone");
	ifb->ours = false;
}

static void test_impairments(void **state)
{
	(void)state;
	assert_drift(change_impairments,
		     "~ g.0: impair delay 7.5ms, jitter 1ms, rate 8mbit -> delay 5ms, "
		     "jitter 1ms, loss 1%, rate 8mbit\n"
		     "~ ifb-g.0: impair none -> delay 1ms\n"
		     "+ redirect to ifb-g.0 of g.0");
	/* The filter leads nowhere: it makes room for the new one. */
	assert_drift(lose_ifb, "- redirect to ifb-g.0 of g.0\n"
			       "+ link ifb-g.0: ifb");
}

static void change_addresses(struct lab *lab)
{
	struct observed_node *h = node_of(lab, 1);
	int eth0 = link_of(lab, 1, "eth0")->index;

	h->addresses[0].address.prefix = 16;
	see_address(h, eth0, "fe80::7/64");
	see_address(h, eth0, "fd00::7/64");
	h->addresses[h->n_addresses - 1].permanent = false;
	see_address(h, eth0, "fd00::8/64");
	see_address(h, 1, "127.0.0.2/8");
}

static void change_mac(struct lab *lab)
{
	struct observed_link *eth0 = link_of(lab, 1, "eth0");

	memcpy(eth0->mac, "\x02\0\0\0\0\x66", 6);
	see_address(node_of(lab, 1), eth0->index, "fe80::ff:fe00:66/64");
}

static void test_addresses(void **state)
{
	_cleanup_(lab_deinit) struct lab lab;
	_cleanup_free_ char *expected = NULL;
	char mac[MAC_TEXT_SIZE];

	(void)state;
	/* What the kernel made and what expires is no one's. */
	assert_drift(change_addresses, "- address 10.1.0.2/16 of h/eth0\n"
				       "- address fd00::8/64 of h/eth0\n"
				       "+ address 10.1.0.2/24 of h/eth0");
	lab_init(&lab, base);
	expected = xasprintf("- address fe80::ff:fe00:66/64 of h/eth0\n"
			     "~ h/eth0: mac 02:00:00:00:00:66 -> %s",
			     mac_format(lab.build.jobs[4].made->mac, mac));
	assert_drift(change_mac, expected);
}

static void change_routes(struct lab *lab)
{
	struct observed_node *h = node_of(lab, 1);
	struct observed_route *route = h->routes;

	for (int i = 0; i < 3; i++) {
		grow(h->routes, h->n_routes);
		route = &h->routes[h->n_routes++];
		*route = h->routes[0];
		assert_null(address_parse("10.8.0.0/16", &route->route.to));
	}
	h->routes[0].route.metric = 5;
	h->routes[1].protocol = RTPROT_KERNEL;
	h->routes[2].protocol = RTPROT_BOOT;
	h->routes[3].protocol = RTPROT_BOOT;
	h->routes[3].index = 1;
	h->neighbours[0].neighbour.mac[5] = 0x66;
	free(h->sysctls[0]);
	h->sysctls[0] = xstrdup("1");
}

static void hide_sysctl(struct lab *lab)
{
	struct observed_node *h = node_of(lab, 1);

	free(h->sysctls[0]);
	h->sysctls[0] = xstrdup("?");
}

static void test_routing(void **state)
{
	(void)state;
	assert_drift(change_routes,
		     "- route default via 10.1.0.1 of h/eth0\n"
		     "- route 10.8.0.0/16 via 10.1.0.1 of h/eth0\n"
		     "- neighbour 10.1.0.9 at 02:00:00:00:00:66 of h/eth0\n"
		     "~ h: sysctl net.ipv4.tcp_sack=1 -> net.ipv4.tcp_sack=0\n"
		     "+ neighbour 10.1.0.9 at 02:00:00:00:00:09 of h/eth0\n"
		     "+ route default via 10.1.0.1 of h");
	assert_drift(hide_sysctl, "");
}

/* --- another topology ------------------------------------------------------------------------ */

static void test_another_topology(void **state)
{
	static const char other[] = "name: t\n"
				    "bridges: {br1: {mtu: 9000}}\n"
				    "hosts:\n"
				    "  i: {links: {eth0: {bridge: br1, up: off,\n"
				    "      addresses: [10.1.0.3/24]}},\n"
				    "      routes: [{to: default, via: 10.1.0.1}]}\n";
	_cleanup_(lab_deinit) struct lab lab, wanted;
	_cleanup_free_ char *text = NULL;

	(void)state;
	lab_init(&lab, base);
	see_all(&lab);
	lab_init(&wanted, other);
	text = difference(&wanted, &lab.observed);
	/* The route rests, as the link that it leaves by is down. */
	assert_string_equal(text, "- link br0: bridge\n"
				  "- link g.0: tun\n"
				  "- link h.eth0: veth\n"
				  "- link g7: vlan\n"
				  "- link ifb-g.0: ifb\n"
				  "- link h/eth0: veth\n"
				  "- link h/d: dummy\n"
				  "- link h/v: vlan\n"
				  "- host h\n"
				  "+ host i\n"
				  "~ br1: mtu 1500 -> 9000\n"
				  "+ link i.eth0: veth, port of br1\n"
				  "+ link i/eth0: veth, 10.1.0.3/24");
}

static void test_places_and_names(void **state)
{
	_cleanup_changes_ struct changes changes = {0};
	_cleanup_(lab_deinit) struct lab lab;

	(void)state;
	lab_init(&lab, base);
	see_all(&lab);
	link_of(&lab, 1, "eth0")->mtu = 1400;
	diff_compute(&lab.build, NULL, &lab.observed, &changes);
	assert_int_equal(changes.n, 1);
	assert_string_equal(change_action_name(changes.list[0].action), "set");
	assert_string_equal(change_object_name(changes.list[0].object), "mtu");
	assert_string_equal(changes.list[0].node, "h");
	assert_string_equal(changes.list[0].link, "eth0");
	assert_string_equal(changes.list[0].before, "1400");
	assert_string_equal(changes.list[0].after, "1500");
	assert_int_equal(changes.list[0].at.line, 14);
}

/* --- what the kernel says of netem: net/sched/sch_netem.c, netem_dump() ----------------------- */

static void test_netem(void **state)
{
	struct tc_netem_qopt qopt = {.limit = 100000, .loss = 42949673};
	struct tc_netem_reorder reorder = {.probability = 21474836};
	struct impairment impair = {
		.delay_ns = 5000000, .jitter_ns = 1000000, .loss = 1, .reorder = 0.5};
	struct link_settings settings = {.impair = impair};
	struct shaping seen = {0}, wanted = shaping_wanted(&settings);
	_cleanup_message_ struct nl_msg *message = nlmsg_alloc_simple(0, 0);
	struct nlattr *options = nla_nest_start(message, TCA_OPTIONS);

	(void)state;
	assert_int_equal(nlmsg_append(message, &qopt, sizeof(qopt), NLA_ALIGNTO), 0);
	nla_put_u64(message, TCA_NETEM_LATENCY64, 5000000);
	nla_put_u64(message, TCA_NETEM_JITTER64, 1000000);
	nla_put(message, TCA_NETEM_REORDER, sizeof(reorder), &reorder);
	nla_nest_end(message, options);
	shaping_read(&seen, "netem", options);
	assert_true(shaping_equal(&seen, &wanted));
	shaping_read(&seen, "fq_codel", options);
	assert_true(shaping_equal(&seen, &wanted));
	wanted.jitter_ns++;
	assert_false(shaping_equal(&seen, &wanted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_difference),
		cmocka_unit_test(test_all_is_new),
		cmocka_unit_test(test_links_made_anew),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_impairments),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_routing),
		cmocka_unit_test(test_another_topology),
		cmocka_unit_test(test_places_and_names),
		cmocka_unit_test(test_netem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
