// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "traffic/expect.h"
#include "util/string.h"

#define assert_text(call, wanted)                    \
	do {                                         \
		_cleanup_free_ char *got_ = (call);  \
		assert_string_equal(got_, (wanted)); \
	} while (0)

static const uint8_t *bytes(const char *text)
{
	return (const uint8_t *)text;
}

static void test_fill_and_match(void **state)
{
	struct stream stream, other;
	uint8_t whole[105], part[105];

	(void)state;
	stream_init(&stream, "hello", 100, 7);
	assert_int_equal(stream_size(&stream), 105);
	stream_fill(&stream, 0, whole, sizeof(whole));
	assert_memory_equal(whole, "hello", 5);
	for (size_t cut = 0; cut < sizeof(whole); cut++) {
		stream_fill(&stream, cut, part, sizeof(whole) - cut);
		assert_memory_equal(part, whole + cut, sizeof(whole) - cut);
		assert_int_equal(stream_match(&stream, cut, part, sizeof(whole) - cut),
				 sizeof(whole) - cut);
	}
	stream_init(&other, "hello", 100, 8); /* another connection's */
	assert_true(stream_match(&other, 0, whole, sizeof(whole)) < 10);
	whole[60] ^= 1;
	assert_int_equal(stream_match(&stream, 0, whole, sizeof(whole)), 60);
}

static void test_pattern_tells_places_apart(void **state)
{
	struct stream stream;
	uint8_t here[16], there[16];
	static const uint64_t shifts[] = {1, 256, 1400, 65536, 1ull << 32};

	(void)state;
	stream_init(&stream, NULL, UINT64_MAX, 0);
	stream_fill(&stream, 12345, here, sizeof(here));
	for (size_t i = 0; i < ARRAY_SIZE(shifts); i++) {
		stream_fill(&stream, 12345 + shifts[i], there, sizeof(there));
		assert_memory_not_equal(here, there, sizeof(here));
	}
}

static void test_nothing_matches_behind_the_end(void **state)
{
	struct stream stream;

	(void)state;
	stream_init(&stream, "hello", 0, 0);
	assert_int_equal(stream_match(&stream, 0, bytes("hello you"), 9), 5);
	assert_int_equal(stream_match(&stream, 5, bytes("x"), 1), 0);
	stream_init(&stream, NULL, 0, 0);
	assert_int_equal(stream_match(&stream, 0, bytes("x"), 1), 0);
}

static void test_mismatch_texts(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct stream stream;
	uint8_t data[10];

	(void)state;
	stream_init(&stream, "hello", 10, 0);
	assert_text(stream_mismatch_text(&stream, 0, bytes("help!"), 5),
		    "expected \"hello\", got \"help!\"");
	assert_text(stream_mismatch_text(&stream, 3, bytes("p!"), 2),
		    "expected \"hello\", got \"help!\"");
	stream_fill(&stream, 5, data, sizeof(data));
	data[4] ^= 0xff;
	text = stream_mismatch_text(&stream, 5, data, sizeof(data));
	assert_non_null(string_after(text, "byte 9 of the answer is 0x"));
	assert_text(stream_mismatch_text(&stream, 15, bytes("x"), 1),
		    "got more than the 15 bytes expected");
}

static void test_end_texts(void **state)
{
	struct stream stream;

	(void)state;
	stream_init(&stream, "hello", 10, 0);
	assert_text(stream_end_text(&stream, 0),
		    "expected \"hello\", the peer closed without an answer");
	assert_text(stream_end_text(&stream, 3),
		    "expected \"hello\", got \"hel\" and the end");
	assert_text(stream_end_text(&stream, 12),
		    "the peer closed after 12 of 15 bytes expected");
}

/* What a peer sends reaches terminals and JSON: neither may be harmed. */
static void test_quoted_bytes_are_harmless(void **state)
{
	uint8_t all[256];

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = i;
	for (size_t i = 0; i < sizeof(all); i++) {
		_cleanup_free_ char *quoted = quote_bytes(all + i, 1);

		assert_int_equal(quoted[0], '"');
		for (const char *c = quoted; *c; c++)
			assert_in_range(*c, ' ', '~');
	}
	assert_text(quote_bytes(bytes("a\"\\\x1b"), 4), "\"a\\x22\\x5c\\x1b\"");
	assert_text(quote_bytes(bytes("0123456789012345678901234567890123456789+"), 41),
		    "\"0123456789012345678901234567890123456789\"…");
	assert_text(quote_bytes(NULL, 0), "\"\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill_and_match),
		cmocka_unit_test(test_pattern_tells_places_apart),
		cmocka_unit_test(test_nothing_matches_behind_the_end),
		cmocka_unit_test(test_mismatch_texts),
		cmocka_unit_test(test_end_texts),
		cmocka_unit_test(test_quoted_bytes_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
