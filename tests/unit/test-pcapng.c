// SPDX-License-Identifier: GPL-2.0-or-later
/* Blocks are written out by hand, little-endian, as draft-ietf-opsawg-pcapng draws
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "capture/pcapng.h"
#include "util/string.h"

#define assert_bytes(buffer, ...)                                             \
	do {                                                                  \
		static const uint8_t wanted_[] = {__VA_ARGS__};               \
		assert_int_equal((buffer).size, sizeof(wanted_));             \
		assert_memory_equal((buffer).data, wanted_, sizeof(wanted_)); \
	} while (0)

static uint32_t u32_at(const struct buffer *buffer, size_t offset)
{
	uint32_t value;

	assert_true(offset + sizeof(value) <= buffer->size);
	memcpy(&value, buffer->data + offset, sizeof(value));
	return value;
}

static uint16_t u16_at(const struct buffer *buffer, size_t offset)
{
	return (uint16_t)u32_at(buffer, offset);
}

/* One block that fills the buffer: aligned, and its two lengths agree. */
static void assert_one_block(const struct buffer *buffer)
{
	assert_int_equal(buffer->size % 4, 0);
	assert_int_equal(u32_at(buffer, 4), buffer->size);
	assert_int_equal(u32_at(buffer, buffer->size - 4), buffer->size);
	assert_int_equal(pcapng_whole_blocks(buffer->data, buffer->size), buffer->size);
}

static void test_section(void **state)
{
	_cleanup_buffer_ struct buffer out = {0};

	(void)state;
	pcapng_append_section(&out, &(struct pcapng_section){.application = "netlab",
							     .comment = "abcd"});
	assert_bytes(out, 0x0a, 0x0d, 0x0d, 0x0a, 52, 0, 0, 0, /* type, length */
		     0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0,       /* magic, version */
		     255, 255, 255, 255, 255, 255, 255, 255,   /* section's length */
		     1, 0, 4, 0, 'a', 'b', 'c', 'd',           /* comment */
		     4, 0, 6, 0, 'n', 'e', 't', 'l', 'a', 'b', 0, 0, /* shb_userappl */
		     0, 0, 0, 0, 52, 0, 0, 0);
}

static void test_interface(void **state)
{
	_cleanup_buffer_ struct buffer out = {0};

	(void)state;
	pcapng_append_interface(&out, &(struct pcapng_interface){.name = "br0",
								 .filter = "tcp",
								 .snaplen = 0x40000,
								 .link_type = 1});
	assert_bytes(out, 1, 0, 0, 0, 48, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0, /* … snaplen */
		     2, 0, 3, 0, 'b', 'r', '0', 0,  /* if_name, padded */
		     9, 0, 1, 0, 9, 0, 0, 0,        /* if_tsresol: 10^-9 */
		     11, 0, 4, 0, 0, 't', 'c', 'p', /* if_filter */
		     0, 0, 0, 0, 48, 0, 0, 0);
}

static void test_frame(void **state)
{
	_cleanup_buffer_ struct buffer out = {0};

	(void)state;
	pcapng_append_frame(&out, &(struct pcapng_frame){.interface = 3,
							 .stamp = 0x0102030405060708,
							 .data = "hello",
							 .captured = 5,
							 .length = 1500});
	assert_bytes(out, 6, 0, 0, 0, 40, 0, 0, 0, 3, 0, 0, 0, 4, 3, 2, 1, 8, 7, 6, 5, 5,
		     0, 0, 0, 0xdc, 5, 0, 0, 'h', 'e', 'l', 'l', 'o', 0, 0, 0, /* … */
		     40, 0, 0, 0);
}

static void test_frame_with_options(void **state)
{
	_cleanup_buffer_ struct buffer out = {0};

	(void)state;
	pcapng_append_frame(&out, &(struct pcapng_frame){.data = "",
							 .flags = PCAPNG_OUTBOUND,
							 .comment = "stop"});
	assert_bytes(out, 6, 0, 0, 0, 52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		     0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0, 's', 't', 'o',
		     'p',                    /* opt_comment */
		     2, 0, 4, 0, 2, 0, 0, 0, /* epb_flags */
		     0, 0, 0, 0, 52, 0, 0, 0);
}

static void test_statistics(void **state)
{
	_cleanup_buffer_ struct buffer out = {0};

	(void)state;
	pcapng_append_statistics(&out, &(struct pcapng_statistics){.interface = 1,
								   .start = 0x100000002,
								   .end = 0x300000004,
								   .received = 7,
								   .dropped = 5,
								   .os_dropped = 6});
	assert_bytes(out, 5, 0, 0, 0, 88, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 2,
		     0, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 8, 0, 3, 0, 0, 0, 4, 0, 0, 0,
		     4, 0, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 5, 0, 8, 0, 5, 0, 0, 0, 0, 0, 0,
		     0, 7, 0, 8, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 88, 0, 0, 0);
}

static void test_every_length_is_padded(void **state)
{
	static const uint8_t data[64] = {[0 ... 63] = 0xee};

	(void)state;
	for (uint32_t n = 0; n <= sizeof(data); n++) {
		_cleanup_buffer_ struct buffer out = {0};

		pcapng_append_frame(
			&out,
			&(struct pcapng_frame){.data = data, .captured = n, .length = n});
		assert_one_block(&out);
		assert_int_equal(out.size, 32 + (n + 3) / 4 * 4);
		for (size_t i = 28 + n; i < out.size - 4; i++)
			assert_int_equal(out.data[i], 0);
	}
}

static void test_every_filter_length_is_padded(void **state)
{
	(void)state;
	for (size_t n = 0; n < 9; n++) {
		_cleanup_buffer_ struct buffer out = {0};
		char filter[10] = "";

		memset(filter, 'f', n);
		pcapng_append_interface(&out,
					&(struct pcapng_interface){.filter = filter});
		assert_one_block(&out);
		assert_int_equal(u16_at(&out, 26), n + 1);
		assert_int_equal(u32_at(&out, out.size - 8), 0); /* opt_endofopt */
	}
}

static void test_frame_beyond_the_limit_is_cut(void **state)
{
	_cleanup_free_ uint8_t *data = xcalloc(1, PCAPNG_FRAME_MAX + 1);
	_cleanup_buffer_ struct buffer out = {0};

	(void)state;
	pcapng_append_frame(&out, &(struct pcapng_frame){.data = data,
							 .captured = PCAPNG_FRAME_MAX + 1,
							 .length = UINT32_MAX});
	assert_one_block(&out);
	assert_int_equal(u32_at(&out, 20), PCAPNG_FRAME_MAX);
	assert_int_equal(u32_at(&out, 24), UINT32_MAX);
}

/* Three bytes for each character: 65535 is a multiple of three, and 65534 is not. */
static void test_long_text_is_cut_at_a_character(void **state)
{
	_cleanup_free_ char *text = xcalloc(3 * 30000 + 1, 1);
	_cleanup_buffer_ struct buffer comment = {0}, filter = {0};

	(void)state;
	for (size_t i = 0; i < 30000; i++)
		memcpy(text + 3 * i, "€", 3);
	pcapng_append_frame(&comment,
			    &(struct pcapng_frame){.data = "", .comment = text});
	assert_one_block(&comment);
	assert_int_equal(u16_at(&comment, 30), 65535);
	pcapng_append_interface(&filter, &(struct pcapng_interface){.filter = text});
	assert_one_block(&filter);
	assert_int_equal(u16_at(&filter, 26), 1 + 65532);
}

static void test_whole_blocks(void **state)
{
	_cleanup_buffer_ struct buffer out = {0};
	size_t first;

	(void)state;
	pcapng_append_frame(&out, &(struct pcapng_frame){.data = "a", .captured = 1});
	first = out.size;
	pcapng_append_frame(&out,
			    &(struct pcapng_frame){.data = "bcdefgh", .captured = 7});
	for (size_t n = 0; n <= out.size; n++)
		assert_int_equal(pcapng_whole_blocks(out.data, n), n < first ? 0
								   : n < out.size
									   ? first
									   : out.size);
	memset(out.data + 4, 0, 4); /* a length of 0 must end it, not loop */
	assert_int_equal(pcapng_whole_blocks(out.data, out.size), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_section),
		cmocka_unit_test(test_interface),
		cmocka_unit_test(test_frame),
		cmocka_unit_test(test_frame_with_options),
		cmocka_unit_test(test_statistics),
		cmocka_unit_test(test_every_length_is_padded),
		cmocka_unit_test(test_every_filter_length_is_padded),
		cmocka_unit_test(test_frame_beyond_the_limit_is_cut),
		cmocka_unit_test(test_long_text_is_cut_at_a_character),
		cmocka_unit_test(test_whole_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
