// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's answers as it sends them, and cut, bent and lied about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "link/extack.h"
#include "util/cleanup.h"

/* RTM_NEWLINK for a bridge that exists, NETLINK_CAP_ACK on: -EEXIST without words. */
static const uint8_t bare[] = {
	0x24, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00,
	0x10, 0x27, 0x00, 0x00, 0xef, 0xff, 0xff, 0xff, 0x40, 0x00, 0x00, 0x00,
	0x10, 0x00, 0x05, 0x06, 0x01, 0x00, 0x00, 0x00, 0x10, 0x27, 0x00, 0x00,
};

/* RTM_NEWADDR on a link that isn't there, capped: -ENODEV, "No device". */
static const uint8_t worded[] = {
	0x34, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x03, 0x02, 0x00, 0x00, 0x00, 0x10,
	0x27, 0x00, 0x00, 0xed, 0xff, 0xff, 0xff, 0x2c, 0x00, 0x00, 0x00, 0x14, 0x00,
	0x05, 0x06, 0x02, 0x00, 0x00, 0x00, 0x10, 0x27, 0x00, 0x00, 0x0e, 0x00, 0x01,
	0x00, 'N',  'o',  ' ',  'd',  'e',  'v',  'i',  'c',  'e',  0x00, 0x00, 0x00,
};

/*
 * Not capped: the request (header and 5 bytes, padded to 8) comes back before the attributes
 * NLMSGERR_ATTR_OFFS 12 and NLMSGERR_ATTR_MSG "Bad".
 */
static const uint8_t uncapped[] = {
	0x3c, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00,
	0x10, 0x27, 0x00, 0x00, 0xea, 0xff, 0xff, 0xff, 0x15, 0x00, 0x00, 0x00,
	0x14, 0x00, 0x05, 0x06, 0x02, 0x00, 0x00, 0x00, 0x10, 0x27, 0x00, 0x00,
	0x0a, 0x18, 0x80, 0x00, 0x01, 0x00, 0x00, 0x00, 0x08, 0x00, 0x02, 0x00,
	0x0c, 0x00, 0x00, 0x00, 0x08, 0x00, 0x01, 0x00, 'B',  'a',  'd',  0x00,
};

static const struct {
	const char *name;
	const uint8_t *message;
	size_t size;
	int code;
	const char *text;
} answers[] = {
	{"bare", bare, sizeof(bare), EEXIST, ""},
	{"worded", worded, sizeof(worded), ENODEV, "No device"},
	{"uncapped", uncapped, sizeof(uncapped), EINVAL, "Bad"},
};

static void test_answers(void **state)
{
	struct extack extack;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		print_message("# %s\n", answers[i].name);
		assert_true(extack_decode(answers[i].message, answers[i].size, &extack));
		assert_int_equal(extack.code, answers[i].code);
		assert_string_equal(extack.text, answers[i].text);
	}
}

static void test_success(void **state)
{
	uint8_t message[sizeof(worded)];
	struct extack extack = {.code = 1};

	(void)state;
	memcpy(message, worded, sizeof(worded));
	memset(message + 16, 0, 4);
	assert_true(extack_decode(message, sizeof(message), &extack));
	assert_int_equal(extack.code, 0);
	assert_string_equal(extack.text, "No device");
}

static void test_other_messages_are_left_alone(void **state)
{
	uint8_t message[sizeof(worded)];
	struct extack extack = {.code = 77};

	(void)state;
	memcpy(message, worded, sizeof(worded));
	message[4] = 0x10; /* RTM_NEWLINK */
	assert_false(extack_decode(message, sizeof(message), &extack));
	assert_int_equal(extack.code, 77);
}

/* A copy of exactly @size bytes, so that ASan sees a read beyond them. */
static bool decode_cut(const uint8_t *message, size_t size, struct extack *extack)
{
	_cleanup_free_ uint8_t *copy = malloc(size ? size : 1);

	memcpy(copy, message, size);
	return extack_decode(copy, size, extack);
}

static void test_every_length(void **state)
{
	struct extack extack;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		for (size_t size = 0; size < answers[i].size; size++) {
			bool answer = decode_cut(answers[i].message, size, &extack);

			assert_int_equal(answer, size >= sizeof(bare));
			if (answer)
				assert_int_equal(extack.code, answers[i].code);
			if (answer && size < answers[i].size - 4)
				assert_string_equal(extack.text, "");
		}
}

static void test_every_byte_bent(void **state)
{
	static const uint8_t bends[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	uint8_t message[sizeof(uncapped)];
	struct extack extack;

	(void)state;
	for (size_t at = 0; at < sizeof(message); at++)
		for (size_t b = 0; b < sizeof(bends); b++) {
			memcpy(message, uncapped, sizeof(message));
			message[at] = bends[b];
			if (!decode_cut(message, sizeof(message), &extack))
				continue;
			assert_true(extack.code >= 0);
			assert_true(strlen(extack.text) < sizeof(extack.text));
		}
}

static void test_lying_error_values(void **state)
{
	static const uint8_t lies[][4] = {{0, 0, 0, 0x80}, {1, 0, 0, 0}};
	uint8_t message[sizeof(bare)];
	struct extack extack;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		memcpy(message, bare, sizeof(bare));
		memcpy(message + 16, lies[i], 4);
		assert_true(extack_decode(message, sizeof(message), &extack));
		assert_int_equal(extack.code, EPROTO);
	}
}

static void test_long_text_is_cut(void **state)
{
	uint8_t message[36 + 4 + 600];
	struct extack extack;

	(void)state;
	memset(message, 'x', sizeof(message));
	memcpy(message, worded, 40);
	message[0] = sizeof(message) & 0xff;
	message[1] = sizeof(message) >> 8;
	message[36] = 604 & 0xff;
	message[37] = 604 >> 8;
	assert_true(extack_decode(message, sizeof(message), &extack));
	assert_int_equal(strlen(extack.text), sizeof(extack.text) - 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_other_messages_are_left_alone),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_every_byte_bent),
		cmocka_unit_test(test_lying_error_values),
		cmocka_unit_test(test_long_text_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
