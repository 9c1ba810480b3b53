// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "capture/hold.h"
#include "util/string.h"

static void add(struct hold *hold, uint32_t interface, uint64_t stamp)
{
	hold_add(hold, &(struct pcapng_frame){.interface = interface,
					      .stamp = stamp,
					      .data = "x",
					      .captured = 1});
}

static void append(const struct held_block *entry, uint8_t *block, void *userdata)
{
	buffer_append(userdata, block, entry->size);
}

/* The blocks in @out as "interface:stamp interface:stamp …", as small stamps as here
 * allow. */
static char *listed(const struct buffer *out)
{
	_cleanup_strv_ char **words = NULL;
	uint32_t length, interface, stamp;

	for (size_t at = 0; at < out->size; at += length) {
		memcpy(&length, out->data + at + 4, 4);
		memcpy(&interface, out->data + at + 8, 4);
		memcpy(&stamp, out->data + at + 16, 4);
		strv_pushf(&words, "%u:%u", interface, stamp);
	}
	return strv_join(words, " ");
}

static void assert_released(struct hold *hold, uint64_t until, const char *wanted)
{
	_cleanup_buffer_ struct buffer out = {0};
	_cleanup_free_ char *got = NULL;

	hold_release(hold, until, append, &out);
	got = listed(&out);
	assert_string_equal(got, wanted);
}

static void test_order_across_links(void **state)
{
	struct hold hold = {0};

	(void)state;
	add(&hold, 0, 10);
	add(&hold, 0, 30);
	add(&hold, 1, 20);
	add(&hold, 1, 30);
	add(&hold, 1, 40);
	assert_released(&hold, 5, "");
	assert_released(&hold, 30, "0:10 1:20 0:30 1:30");
	assert_int_equal(hold_count(&hold, 0), 0);
	assert_int_equal(hold_count(&hold, 1), 1);
	add(&hold, 0, 35);
	assert_released(&hold, UINT64_MAX, "0:35 1:40");
	assert_released(&hold, UINT64_MAX, "");
	hold_deinit(&hold);
}

static void test_late_frame_is_not_lost(void **state)
{
	struct hold hold = {0};

	(void)state;
	add(&hold, 0, 50);
	assert_released(&hold, 50, "0:50");
	add(&hold, 0, 7);
	assert_released(&hold, 50, "0:7");
	hold_deinit(&hold);
}

/* Parts of what is held go, while frames come in any order. */
static void test_many_small_releases(void **state)
{
	_cleanup_buffer_ struct buffer out = {0};
	struct hold hold = {0};

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		add(&hold, 0, 10 * i + 2000);
		add(&hold, 1, 10 * i + 1000);
		hold_release(&hold, 10 * i + 500, append, &out);
	}
	hold_release(&hold, UINT64_MAX, append, &out);
	assert_true(hold_is_empty(&hold));
	assert_int_equal(hold.blocks.size, 0);
	for (size_t at = 0, last = 0; at < out.size; at += PCAPNG_FILLER_MIN + 24) {
		uint32_t stamp;

		memcpy(&stamp, out.data + at + 16, sizeof(stamp));
		assert_true(stamp >= last);
		last = stamp;
	}
	assert_int_equal(out.size, 2000 * (PCAPNG_FILLER_MIN + 24));
	hold_deinit(&hold);
}

static void test_memory_is_bounded(void **state)
{
	_cleanup_free_ uint8_t *data = xcalloc(1, PCAPNG_FRAME_MAX);
	_cleanup_buffer_ struct buffer out = {0};
	struct hold hold = {0};

	(void)state;
	while (hold.blocks.size <= HOLD_LIMIT)
		hold_add(&hold, &(struct pcapng_frame){.stamp = 1000 - hold.n,
						       .data = data,
						       .captured = PCAPNG_FRAME_MAX});
	hold_release(&hold, 0, append, &out);
	assert_in_range(hold.blocks.size, 1, HOLD_LIMIT / 2);
	assert_true(out.size + hold.blocks.size > HOLD_LIMIT);
	for (size_t i = 1; i < hold.n; i++)
		assert_true(hold.index[i - 1].stamp < hold.index[i].stamp);
	hold_deinit(&hold);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_across_links),
		cmocka_unit_test(test_late_frame_is_not_lost),
		cmocka_unit_test(test_many_small_releases),
		cmocka_unit_test(test_memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
