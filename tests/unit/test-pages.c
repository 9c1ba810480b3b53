// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "capture/pages.h"
#include "capture/pcapng.h"
#include "util/string.h"

#define BLOCK_FRAME 6

static void add_frame(struct buffer *blocks, uint32_t size)
{
	_cleanup_free_ uint8_t *data = xcalloc(1, size + 1);

	memset(data, 0xaa, size);
	pcapng_append_frame(
		blocks,
		&(struct pcapng_frame){.data = data, .captured = size, .length = size});
}

/* What is left without the fillers is what was given. */
static void assert_same_frames(const struct buffer *pages, const struct buffer *blocks)
{
	_cleanup_buffer_ struct buffer frames = {0};
	size_t size;

	for (size_t at = 0; at < pages->size; at += size) {
		uint32_t type;

		size = pcapng_first_block(pages->data + at, pages->size - at);
		assert_int_not_equal(size, 0);
		memcpy(&type, pages->data + at, sizeof(type));
		if (type == BLOCK_FRAME)
			buffer_append(&frames, pages->data + at, size);
	}
	assert_int_equal(frames.size, blocks->size);
	assert_memory_equal(frames.data, blocks->data, blocks->size);
}

/* Each write holds whole blocks, and stays in its page: but for blocks too large for
 * that. */
static void assert_writes(const struct buffer *pages, uint64_t position)
{
	size_t size;

	for (size_t at = 0; at < pages->size; at += size, position += size) {
		const uint8_t *data = pages->data + at;

		size = pages_next_write(data, pages->size - at, position);
		assert_int_not_equal(size, 0);
		assert_int_equal(pcapng_whole_blocks(data, size), size);
		if (position % PAGE_BYTES + size > PAGE_BYTES) {
			assert_int_equal(pcapng_first_block(data, size), size);
			assert_true(size > PAGE_BYTES - PCAPNG_FILLER_MIN ||
				    size <= 2 * PCAPNG_FILLER_MIN);
		}
	}
}

static void check(const struct buffer *blocks, uint64_t position, bool may_cross)
{
	_cleanup_buffer_ struct buffer pages = {0};
	size_t size;

	pages_lay_out(&pages, position, blocks);
	assert_same_frames(&pages, blocks);
	assert_writes(&pages, position);
	for (size_t at = 0; !may_cross && at < pages.size; at += size, position += size) {
		size = pages_next_write(pages.data + at, pages.size - at, position);
		assert_true(position % PAGE_BYTES + size <= PAGE_BYTES);
	}
}

static void test_every_size_of_frame(void **state)
{
	(void)state;
	for (uint32_t size = 0; size <= PAGE_BYTES - 44; size += 4) {
		_cleanup_buffer_ struct buffer blocks = {0};

		for (int i = 0; i < 9; i++)
			add_frame(&blocks, size);
		check(&blocks, 0, false);
		check(&blocks, PAGE_BYTES - 12, false);
		check(&blocks, PAGE_BYTES - 16, false);
	}
}

/* Batches follow one another: what one leaves must do for the next. */
static void test_batches(void **state)
{
	uint64_t position = 0;
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		_cleanup_buffer_ struct buffer blocks = {0}, pages = {0};

		random = random * 1103515245 + 12345;
		add_frame(&blocks, (random >> 8) % 3000);
		check(&blocks, position, false);
		pages_lay_out(&pages, position, &blocks);
		position += pages.size;
	}
}

static void test_frames_larger_than_a_page(void **state)
{
	(void)state;
	for (uint32_t size = PAGE_BYTES - 44; size <= 3 * PAGE_BYTES; size += 4) {
		_cleanup_buffer_ struct buffer blocks = {0};

		add_frame(&blocks, size);
		add_frame(&blocks, 60);
		add_frame(&blocks, size);
		check(&blocks, 200, true);
	}
}

static void test_little_is_not_filled(void **state)
{
	_cleanup_buffer_ struct buffer blocks = {0}, pages = {0};

	(void)state;
	add_frame(&blocks, 60);
	add_frame(&blocks, 60);
	pages_lay_out(&pages, 0, &blocks);
	assert_int_equal(pages.size, blocks.size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_size_of_frame),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_frames_larger_than_a_page),
		cmocka_unit_test(test_little_is_not_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
