// SPDX-License-Identifier: GPL-2.0-or-later
/* What rtnetlink tells, as recorded on a Linux 6.18 or built here; whole, and cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "diag/event.h"
#include "util/lines.h"
#include "util/string.h"

/* ip address add 192.0.2.1 peer 192.0.2.2/32 dev br0 */
_Alignas(4) static const uint8_t peer_address[] = {
	0x4c, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x6b, 0x22, 0x01, 0x6b, 0x54,
	0x5b, 0x00, 0x00, 0x02, 0x20, 0x80, 0x00, 0x02, 0x00, 0x00, 0x00, 0x08, 0x00,
	0x01, 0x00, 0xc0, 0x00, 0x02, 0x02, 0x08, 0x00, 0x02, 0x00, 0xc0, 0x00, 0x02,
	0x01, 0x08, 0x00, 0x03, 0x00, 0x62, 0x72, 0x30, 0x00, 0x08, 0x00, 0x08, 0x00,
	0x80, 0x00, 0x00, 0x00, 0x14, 0x00, 0x06, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xee, 0xc9, 0x0a, 0x00, 0xee, 0xc9, 0x0a, 0x00,
};

/* ip address add 2001:db8::1/64 dev br0 nodad */
_Alignas(4) static const uint8_t ipv6_address[] = {
	0x48, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x0a, 0x40, 0x82, 0x00, 0x02, 0x00, 0x00, 0x00,
	0x14, 0x00, 0x01, 0x00, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x14, 0x00, 0x06, 0x00,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xd0, 0xc9, 0x0a, 0x00,
	0xd0, 0xc9, 0x0a, 0x00, 0x08, 0x00, 0x08, 0x00, 0x82, 0x00, 0x00, 0x00,
};

/* ip neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 dev br0 */
_Alignas(4) static const uint8_t neighbour[] = {
	0x4c, 0x00, 0x00, 0x00, 0x1c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x55,
	0x5b, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x80, 0x00,
	0x00, 0x01, 0x08, 0x00, 0x01, 0x00, 0xc0, 0x00, 0x02, 0x09, 0x0a, 0x00, 0x02,
	0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x09, 0x00, 0x00, 0x08, 0x00, 0x04, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
};

/* What was told, one line each. */
struct told {
	char **texts;
	json_t *last;
};

static void on_event(const struct net_event *event, const struct link_states *states,
		     void *userdata)
{
	struct told *told = userdata;

	strv_push(&told->texts, net_event_text(event, states));
	json_decref(told->last);
	told->last = net_event_to_json(event, states);
}

static void told_deinit(struct told *told)
{
	strv_free(told->texts);
	json_decref(told->last);
}

#define _cleanup_told_ _cleanup_(told_deinit)

static int take(struct link_states *states, const void *message, size_t size,
		struct told *told)
{
	/* On the heap, so that a read beyond @size is found. */
	_cleanup_free_ void *copy = xcalloc(size, 1);
	_cleanup_error_ struct error *error = NULL;

	memcpy(copy, message, size);
	error = net_events_take(states, copy, size, on_event, told);
	return error ? error->code : 0;
}

/* --- messages about links ---------------------------------------------------------------- */

#define BR0 2

struct message {
	_Alignas(4) char data[1024];
	struct nlmsghdr *header;
};

static void begin(struct message *message, int type, int family, int index)
{
	struct ifinfomsg *body;

	memset(message, 0, sizeof(*message));
	message->header = mnl_nlmsg_put_header(message->data);
	message->header->nlmsg_type = type;
	body = mnl_nlmsg_put_extra_header(message->header, sizeof(*body));
	body->ifi_family = family;
	body->ifi_index = index;
	body->ifi_flags = IFF_UP | 1 << 16; /* IFF_LOWER_UP */
}

static void begin_br0(struct message *message, int type, const char *name, uint32_t mtu)
{
	struct nlattr *info;

	begin(message, type, AF_UNSPEC, BR0);
	mnl_attr_put_strz(message->header, IFLA_IFNAME, name);
	mnl_attr_put_u32(message->header, IFLA_MTU, mtu);
	mnl_attr_put_u32(message->header, IFLA_TXQLEN, 1000);
	mnl_attr_put_u8(message->header, IFLA_OPERSTATE, 6);
	mnl_attr_put(message->header, IFLA_ADDRESS, 6, "\x02\x00\x00\x00\x00\x01");
	info = mnl_attr_nest_start(message->header, IFLA_LINKINFO);
	mnl_attr_put_strz(message->header, IFLA_INFO_KIND, "bridge");
	mnl_attr_nest_end(message->header, info);
}

static int take_message(struct link_states *states, const struct message *message,
			struct told *told)
{
	return take(states, message->data, message->header->nlmsg_len, told);
}

static void test_a_link_comes_changes_and_goes(void **state)
{
	_cleanup_link_states_ struct link_states states = {0};
	_cleanup_told_ struct told told = {0};
	struct message message;

	(void)state;
	begin_br0(&message, RTM_NEWLINK, "br0", 1500);
	assert_int_equal(take_message(&states, &message, &told), 0);
	assert_int_equal(take_message(&states, &message, &told), 0); /* no news */
	begin_br0(&message, RTM_NEWLINK, "br0", 1400);
	assert_int_equal(take_message(&states, &message, &told), 0);
	begin_br0(&message, RTM_NEWLINK, "lan\033[2J", 1400);
	assert_int_equal(take_message(&states, &message, &told), 0);
	begin_br0(&message, RTM_DELLINK, "lan", 1400);
	assert_int_equal(take_message(&states, &message, &told), 0);
	assert_int_equal(strv_length(told.texts), 4);
	assert_string_equal(
		told.texts[0],
		"link br0: new bridge, up, mtu 1500, txqueuelen 1000, 02:00:00:00:00:01");
	assert_string_equal(told.texts[1], "link br0: mtu 1500 -> 1400");
	assert_string_equal(told.texts[2], "link lan?[2J: was called br0");
	assert_string_equal(told.texts[3], "link lan: gone");
	assert_int_equal(states.n, 0);
}

static void test_a_link_as_json(void **state)
{
	_cleanup_link_states_ struct link_states states = {0};
	_cleanup_told_ struct told told = {0};
	_cleanup_json_ json_t *wanted = NULL;
	struct message message;

	(void)state;
	begin_br0(&message, RTM_NEWLINK, "br0", 1500);
	assert_int_equal(take_message(&states, &message, &told), 0);
	wanted = json_pack(
		"{s:s, s:s, s:i, s:b, s:b, s:s, s:b, s:b, s:s, s:i, s:i, s:s, s:n}",
		"event", "link", "link", "br0", "index", BR0, "gone", 0, "new", 1, "kind",
		"bridge", "up", 1, "carrier", 1, "operstate", "up", "mtu", 1500,
		"txqueuelen", 1000, "mac", "02:00:00:00:00:01", "master");
	assert_true(json_equal(told.last, wanted));
}

/* That a port leaves its bridge is told by an RTM_DELLINK: the link itself stays. */
static void test_a_port(void **state)
{
	_cleanup_link_states_ struct link_states states = {0};
	_cleanup_told_ struct told told = {0};
	struct message message;
	struct nlattr *nest;

	(void)state;
	begin_br0(&message, RTM_NEWLINK, "p", 1500);
	assert_int_equal(take_message(&states, &message, &told), 0);
	begin(&message, RTM_NEWLINK, AF_BRIDGE, BR0);
	nest = mnl_attr_nest_start(message.header, IFLA_PROTINFO);
	mnl_attr_put_u8(message.header, IFLA_BRPORT_STATE, BR_STATE_FORWARDING);
	mnl_attr_nest_end(message.header, nest);
	assert_int_equal(take_message(&states, &message, &told), 0);
	assert_int_equal(take_message(&states, &message, &told), 0); /* no news */
	begin(&message, RTM_DELLINK, AF_BRIDGE, BR0);
	assert_int_equal(take_message(&states, &message, &told), 0);
	assert_int_equal(strv_length(told.texts), 3);
	assert_string_equal(told.texts[1], "port p: forwarding");
	assert_string_equal(told.texts[2], "port p: of no bridge any more");
	assert_int_equal(states.n, 1);
}

/* --- recorded ones ----------------------------------------------------------------------- */

static void test_addresses(void **state)
{
	_cleanup_link_states_ struct link_states states = {0};
	_cleanup_told_ struct told told = {0};

	(void)state;
	assert_int_equal(take(&states, peer_address, sizeof(peer_address), &told), 0);
	assert_int_equal(take(&states, ipv6_address, sizeof(ipv6_address), &told), 0);
	assert_int_equal(strv_length(told.texts), 2);
	assert_string_equal(told.texts[0], "address #2: 192.0.2.1/32");
	assert_string_equal(told.texts[1], "address #2: 2001:db8::1/64");
}

static void test_neighbour(void **state)
{
	_cleanup_link_states_ struct link_states states = {0};
	_cleanup_told_ struct told told = {0};
	_cleanup_json_ json_t *wanted =
		json_pack("{s:s, s:s, s:i, s:b, s:s, s:s, s:s}", "event", "neighbour",
			  "link", "#2", "index", 2, "gone", 0, "address", "192.0.2.9",
			  "mac", "02:00:00:00:00:09", "state", "permanent");

	(void)state;
	assert_int_equal(take(&states, neighbour, sizeof(neighbour), &told), 0);
	assert_string_equal(told.texts[0],
			    "neighbour #2: 192.0.2.9 at 02:00:00:00:00:09 permanent");
	assert_true(json_equal(told.last, wanted));
}

static void test_cut_short(void **state)
{
	_cleanup_link_states_ struct link_states states = {0};
	_cleanup_told_ struct told told = {0};
	struct message message;

	(void)state;
	for (size_t n = 1; n < sizeof(neighbour); n++)
		assert_int_equal(take(&states, neighbour, n, &told), EBADMSG);
	assert_null(told.texts);
	begin_br0(&message, RTM_NEWLINK, "br0", 1500);
	message.header->nlmsg_len = sizeof(struct nlmsghdr) + 4; /* no whole body */
	assert_int_equal(take_message(&states, &message, &told), EBADMSG);
	for (unsigned n = 0; n < 0x10000; n += n < 64 ? 1 : 997) {
		struct nlattr *name = (void *)(message.data + sizeof(struct nlmsghdr) +
					       sizeof(struct ifinfomsg));

		begin_br0(&message, RTM_NEWLINK, "br0", 1500);
		name->nla_len = n; /* it lies */
		assert_int_equal(take_message(&states, &message, &told), 0);
	}
}

static void test_all_states_of_a_link(void **state)
{
	(void)state;
	assert_string_equal(operstate_name(6), "up");
	assert_string_equal(operstate_name(3), "lower-layer-down");
	assert_string_equal(operstate_name(99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_link_comes_changes_and_goes),
		cmocka_unit_test(test_a_link_as_json),
		cmocka_unit_test(test_a_port),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_neighbour),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_all_states_of_a_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
