// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "capture/timeline.h"
#include "util/string.h"

#define MS    1000000ull
#define NEVER UINT64_MAX

enum { LINK, HALTS = 1, CONSOLE = 2 };

static struct timeline timeline;

static int begin(void **state)
{
	(void)state;
	timeline = (struct timeline){.links = 1, .halts = HALTS};
	return 0;
}

static int end(void **state)
{
	(void)state;
	timeline_deinit(&timeline);
	return 0;
}

static void frame(uint64_t ms)
{
	hold_add(
		&timeline.hold,
		&(struct pcapng_frame){.interface = LINK, .stamp = ms * MS, .data = "x"});
}

/* Behind the tags that name the dissector. */
#define TEXT_OFFSET (28 + 16)

/* Texts without the date. */
static char *text_of(const uint8_t *block)
{
	uint32_t captured;
	char *text;

	memcpy(&captured, block + 20, sizeof(captured));
	text = xstrndup((const char *)block + TEXT_OFFSET, captured - 16);
	text[strcspn(text, ";")] = '\0';
	return text;
}

/* "1 frame, 2 server halted": each with its stamp in ms. */
static char *listed(const struct buffer *out)
{
	_cleanup_strv_ char **words = NULL;
	uint32_t length, interface, stamp[2];

	for (size_t at = 0; at < out->size; at += length) {
		_cleanup_free_ char *text = NULL;

		memcpy(&length, out->data + at + 4, 4);
		memcpy(&interface, out->data + at + 8, 4);
		memcpy(stamp, out->data + at + 12, 8);
		text = interface == LINK ? xstrdup("frame") : text_of(out->data + at);
		strv_pushf(&words, "%u %s",
			   (unsigned)((((uint64_t)stamp[0] << 32) + stamp[1]) / MS),
			   text);
	}
	return strv_join(words, ", ");
}

static void assert_out(uint64_t until, uint64_t now, const char *wanted)
{
	_cleanup_buffer_ struct buffer out = {0};
	_cleanup_free_ char *got = NULL;

	timeline_release(&timeline, until == NEVER ? NEVER : until * MS,
			 now == NEVER ? NEVER : now * MS, &out);
	got = listed(&out);
	assert_string_equal(got, wanted);
}

static void halt(const char *guest, uint64_t ms)
{
	timeline_halt(&timeline, guest, "", ms * MS, ms * MS);
}

static void halt_for(const char *cause, uint64_t ms)
{
	timeline_halt(&timeline, "server", cause, ms * MS, ms * MS);
}

static void tell(const char *guest, const char *function, uint64_t ms)
{
	halt_rows_tell(&timeline.rows,
		       &(struct halt_place){guest, function, "net/x.c", 12, 2}, ms * MS);
}

static void resume(uint64_t ms)
{
	timeline_resume(&timeline, ms * MS);
}

static void test_frames_around_a_halt(void **state)
{
	(void)state;
	frame(100);
	halt("server", 110);
	frame(120);
	frame(130);
	assert_out(140, 140, "100 frame");
	tell("server", "tcp_v4_rcv", 140);
	assert_out(
		140, 140,
		"110 server halted at tcp_v4_rcv (net/x.c:12), breakpoint 2, 110 frame, "
		"110 frame");
	frame(500);
	resume(1110);
	frame(1120);
	assert_out(1130, 1130,
		   "110 frame, 110 server goes on after 1.000000 s, 120 frame");
	assert_false(timeline_is_pending(&timeline));
	assert_int_equal(timeline.packets, 7);
}

static void test_no_debugger(void **state)
{
	(void)state;
	halt("server", 100);
	frame(150);
	assert_out(299, 299, "");
	assert_true(timeline_is_pending(&timeline));
	assert_out(300, 300, "100 server halted by a debugger, 100 frame");
	tell("server", "ip_rcv", 400);
	assert_out(420, 420, "100 server is halted at ip_rcv (net/x.c:12), breakpoint 2");
}

static void test_causes(void **state)
{
	(void)state;
	halt_for("paused", 100);
	assert_out(300, 300, "100 server halted: paused");
	resume(400);
	halt_for("Kernel panic\x1b[2J", 500);
	tell("server", "panic", 500);
	assert_out(600, 600,
		   "100 server goes on after 0.300000 s, 200 server halted at panic "
		   "(net/x.c:12), breakpoint 2: Kernel panic?[2J");
}

static void test_what_hurries(void **state)
{
	(void)state;
	halt("server", 100);
	assert_out(101, NEVER, "100 server halted by a debugger");
}

static void test_two_guests(void **state)
{
	(void)state;
	halt("server", 100);
	halt("client", 101);
	tell("client", "ip_output", 102);
	assert_out(120, 120, "");
	tell("server", NULL, 125);
	assert_out(130, 130,
		   "100 server halted (net/x.c:12), breakpoint 2, "
		   "100 client is halted at ip_output (net/x.c:12), breakpoint 2");
}

static void test_a_debugger_faster_than_qmp(void **state)
{
	(void)state;
	tell("server", "ip_rcv", 101);
	halt("server", 100);
	assert_out(110, 110, "100 server halted at ip_rcv (net/x.c:12), breakpoint 2");
	resume(400);
	tell("server", "too_late", 410);
	halt("server", 420);
	assert_out(
		1000, 1000,
		"100 server goes on after 0.300000 s, 120 server halted by a debugger");
}

static void test_a_guest_that_stands_still_alone(void **state)
{
	(void)state;
	tell("server", "ip_rcv", 100);
	frame(150);
	tell("server", "tcp_v4_rcv", 160);
	assert_out(
		300, 300,
		"100 server is halted at ip_rcv (net/x.c:12), breakpoint 2, 150 frame");
	assert_true(timeline_is_pending(&timeline));
	assert_out(360, 360,
		   "300 server is halted at tcp_v4_rcv (net/x.c:12), breakpoint 2");
	assert_false(timeline_is_pending(&timeline));
}

static void test_steps_are_summed_up(void **state)
{
	(void)state;
	for (uint64_t ms = 100; ms < 150; ms += 5) {
		halt("server", ms);
		resume(ms + 2);
		assert_out(ms + 3, ms + 3, "");
	}
	halt("server", 150);
	tell("server", "ip_rcv", 151);
	assert_out(160, 160,
		   "128 10 halts of less than 200 ms, 0.020000 s together, 130 server "
		   "halted at ip_rcv "
		   "(net/x.c:12), breakpoint 2");
}

/* What is released late comes in the order of the halts, too. */
static void test_a_sum_between_halts(void **state)
{
	(void)state;
	halt("server", 100);
	tell("server", "ip_rcv", 101);
	frame(150);
	resume(200);
	frame(201);
	for (uint64_t ms = 210; ms < 230; ms += 5) {
		halt("server", ms);
		resume(ms + 3);
	}
	halt("server", 230);
	tell("server", "tcp_v4_rcv", 231);
	frame(240);
	assert_out(
		250, 250,
		"100 server halted at ip_rcv (net/x.c:12), breakpoint 2, 100 frame, "
		"100 server goes on after 0.100000 s, 101 frame, "
		"116 4 halts of less than 200 ms, 0.012000 s together, "
		"118 server halted at tcp_v4_rcv (net/x.c:12), breakpoint 2, 118 frame");
	resume(250);
	halt("server", 255);
	resume(256);
	assert_out(260, 260, "118 server goes on after 0.020000 s");
	assert_out(NEVER, NEVER, "127 1 halt of less than 200 ms, 0.001000 s");
}

static void test_a_sum_each_second(void **state)
{
	(void)state;
	halt("server", 100);
	resume(101);
	frame(500);
	assert_out(1099, 1099, "499 frame");
	assert_out(1100, 1100, "1098 1 halt of less than 200 ms, 0.001000 s");
	halt("server", 2000);
	resume(2001);
	assert_out(NEVER, NEVER, "1999 1 halt of less than 200 ms, 0.001000 s");
}

static void test_a_halt_told_late(void **state)
{
	(void)state;
	frame(100);
	frame(130);
	assert_out(140, 140, "100 frame, 130 frame");
	halt("server", 110);
	tell("server", "ip_rcv", 150);
	frame(160);
	resume(340);
	frame(350);
	assert_out(400, 400,
		   "140 server halted at ip_rcv (net/x.c:12), breakpoint 2, 140 frame, "
		   "140 server goes on after 0.230000 s, 150 frame");
}

static void test_wall_clock(void **state)
{
	(void)state;
	timeline.wall = true;
	halt("server", 100);
	tell("server", "ip_rcv", 101);
	frame(200);
	resume(300);
	frame(310);
	assert_out(400, 400,
		   "100 server halted at ip_rcv (net/x.c:12), breakpoint 2, 200 frame, "
		   "300 server goes on after 0.200000 s, 310 frame");
}

static void test_lines(void **state)
{
	struct row line = {CONSOLE, 90 * MS, ROW_KERNEL + 3, "oops"};

	(void)state;
	halt("server", 100);
	resume(400);
	assert_out(
		400, 400,
		"100 server halted by a debugger, 100 server goes on after 0.300000 s");
	timeline_add_line(&timeline, &line);
	line.stamp = 410 * MS;
	timeline_add_line(&timeline, &line);
	assert_out(420, 420, "100 <3>oops, 110 <3>oops");
	assert_int_equal(timeline.frames, 0);
}

static void test_names_are_no_escape_sequences(void **state)
{
	struct halt_place place = {.guest = "server", .function = "a\x1b[31m\nb"};

	(void)state;
	halt("server", 100);
	halt_rows_tell(&timeline.rows, &place, 101 * MS);
	assert_out(200, 200, "100 server halted at a?[31m?b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_frames_around_a_halt, begin, end),
		cmocka_unit_test_setup_teardown(test_no_debugger, begin, end),
		cmocka_unit_test_setup_teardown(test_causes, begin, end),
		cmocka_unit_test_setup_teardown(test_what_hurries, begin, end),
		cmocka_unit_test_setup_teardown(test_two_guests, begin, end),
		cmocka_unit_test_setup_teardown(test_a_debugger_faster_than_qmp, begin,
						end),
		cmocka_unit_test_setup_teardown(test_a_guest_that_stands_still_alone,
						begin, end),
		cmocka_unit_test_setup_teardown(test_steps_are_summed_up, begin, end),
		cmocka_unit_test_setup_teardown(test_a_sum_between_halts, begin, end),
		cmocka_unit_test_setup_teardown(test_a_sum_each_second, begin, end),
		cmocka_unit_test_setup_teardown(test_a_halt_told_late, begin, end),
		cmocka_unit_test_setup_teardown(test_wall_clock, begin, end),
		cmocka_unit_test_setup_teardown(test_lines, begin, end),
		cmocka_unit_test_setup_teardown(test_names_are_no_escape_sequences, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
