// SPDX-License-Identifier: GPL-2.0-or-later
/* sock_diag's answers without a socket: whole, about someone else, and cut short
 * anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>

#include "diag/tcp.h"

struct answer {
	struct nlmsghdr header;
	struct inet_diag_msg body;
	struct nlattr congestion; /* one that isn't asked for, before the one that is */
	char name[8];
	struct nlattr attribute;
	struct tcp_info info;
};

static struct answer whole_answer(void)
{
	struct answer answer = {
		.header = {.nlmsg_len = sizeof(answer),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY},
		.body = {.idiag_state = 1, .id = {.idiag_sport = 1, .idiag_dport = 2}},
		.congestion = {sizeof(struct nlattr) + 6, INET_DIAG_CONG},
		.attribute = {sizeof(struct nlattr) + sizeof(struct tcp_info),
			      INET_DIAG_INFO},
		.info = {.tcpi_rtt = 1234, .tcpi_snd_wnd = 99},
	};

	return answer;
}

static int parse(const struct answer *answer, size_t size, struct tcp_info *info)
{
	const struct inet_diag_sockid id = {.idiag_sport = 1, .idiag_dport = 2};
	/* On the heap, so that a read beyond @size is found. */
	_cleanup_free_ void *copy = malloc(size);
	_cleanup_error_ struct error *error = NULL;
	unsigned state;

	memcpy(copy, answer, size);
	error = diag_tcp_parse(copy, size, &id, &state, info);
	if (error)
		return error->code;
	assert_int_equal(state, 1);
	return 0;
}

static void test_whole(void **state)
{
	struct answer answer = whole_answer();
	struct tcp_info info;

	(void)state;
	assert_int_equal(parse(&answer, sizeof(answer), &info), 0);
	assert_memory_equal(&info, &answer.info, sizeof(info));
}

static void test_older_kernel_knows_less(void **state)
{
	struct answer answer = whole_answer();
	struct tcp_info info;

	(void)state;
	answer.header.nlmsg_len -= 4;
	answer.attribute.nla_len -= 4;
	assert_int_equal(parse(&answer, answer.header.nlmsg_len, &info), 0);
	assert_int_equal(info.tcpi_rtt, 1234);
	assert_int_equal(info.tcpi_snd_wnd, 0);
}

static void test_someone_else(void **state)
{
	struct answer answer = whole_answer();
	struct tcp_info info;

	(void)state;
	answer.body.id.idiag_dport = 0; /* a listener */
	assert_int_equal(parse(&answer, sizeof(answer), &info), ENOENT);
}

static void test_cut_short(void **state)
{
	struct answer answer = whole_answer();
	struct tcp_info info;

	(void)state;
	for (size_t n = 0; n < sizeof(answer); n++)
		assert_int_equal(parse(&answer, n, &info), EBADMSG);
	for (uint32_t n = 0; n < sizeof(answer); n++) {
		answer.header.nlmsg_len = n; /* the attribute lies */
		assert_int_not_equal(parse(&answer, n, &info), 0);
	}
}

static void test_attribute_that_lies(void **state)
{
	struct answer answer = whole_answer();
	struct tcp_info info;

	(void)state;
	for (unsigned n = 0; n < 0x10000; n += n < 64 ? 1 : 997) {
		answer.attribute.nla_len = n;
		if (n >= sizeof(struct nlattr) &&
		    n <= sizeof(struct nlattr) + sizeof(struct tcp_info))
			assert_int_equal(parse(&answer, sizeof(answer), &info), 0);
		else
			assert_int_equal(parse(&answer, sizeof(answer), &info), ENODATA);
	}
}

static void test_refusals(void **state)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr refusal;
	} message = {.header = {.nlmsg_len = sizeof(message), .nlmsg_type = NLMSG_ERROR},
		     .refusal = {.error = -ENOENT}};
	const struct inet_diag_sockid id = {0};
	struct tcp_info info;
	unsigned ignored;
	struct error *error;

	(void)state;
	error = diag_tcp_parse(&message, sizeof(message), &id, &ignored, &info);
	assert_int_equal(error->code, ENOENT);
	error_free(error);
	message.header.nlmsg_len = sizeof(message.header) + 2;
	error = diag_tcp_parse(&message, sizeof(message), &id, &ignored, &info);
	assert_int_equal(error->code, EBADMSG);
	error_free(error);
}

static void test_state_names(void **state)
{
	(void)state;
	assert_string_equal(diag_tcp_state_name(1), "established");
	assert_string_equal(diag_tcp_state_name(0), "unknown");
	assert_string_equal(diag_tcp_state_name(4711), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_older_kernel_knows_less),
		cmocka_unit_test(test_someone_else),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_attribute_that_lies),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_state_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
