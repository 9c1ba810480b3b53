// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "capture/labtime.h"

static void halt(struct labtime *time, uint64_t begin, uint64_t end)
{
	labtime_halt(time, begin);
	labtime_resume(time, end);
}

static void test_stands_still_during_halts(void **state)
{
	struct labtime time = {0};

	(void)state;
	assert_int_equal(labtime_at(&time, 100), 100);
	halt(&time, 100, 130);
	labtime_halt(&time, 200);
	assert_int_equal(labtime_at(&time, 99), 99);
	assert_int_equal(labtime_at(&time, 100), 100);
	assert_int_equal(labtime_at(&time, 129), 100);
	assert_int_equal(labtime_at(&time, 131), 101);
	assert_int_equal(labtime_at(&time, 200), 170);
	assert_int_equal(labtime_at(&time, 9999), 170);
	assert_true(labtime_is_halted(&time));
	labtime_resume(&time, 300);
	assert_false(labtime_is_halted(&time));
	assert_int_equal(labtime_at(&time, 301), 171);
	assert_int_equal(labtime_halted(&time, 250), 80);
}

static void test_what_is_told_twice(void **state)
{
	struct labtime time = {0};

	(void)state;
	labtime_resume(&time, 50);
	labtime_halt(&time, 100);
	labtime_halt(&time, 120);
	labtime_resume(&time, 130);
	labtime_resume(&time, 150);
	assert_int_equal(labtime_at(&time, 200), 170);
}

static void test_halts_that_touch(void **state)
{
	struct labtime time = {0};

	(void)state;
	halt(&time, 100, 130);
	halt(&time, 130, 140);
	halt(&time, 140, 140);
	assert_int_equal(labtime_at(&time, 135), 100);
	assert_int_equal(labtime_at(&time, 150), 110);
}

/* QEMU's stamps are those of a clock that someone may set. */
static void test_a_clock_that_is_set_back(void **state)
{
	struct labtime time = {0};

	(void)state;
	halt(&time, 1000, 900);
	assert_int_equal(labtime_at(&time, 1100), 1100);
	halt(&time, 1200, 1300);
	halt(&time, 500, 600);
	assert_int_equal(labtime_at(&time, 1400), 1300);
	halt(&time, 500, 1500);
	assert_int_equal(labtime_at(&time, 1250), 1200);
	assert_int_equal(labtime_at(&time, 1600), 1300);
	assert_int_equal(labtime_at(&time, 550), 550);
}

static void test_more_halted_than_there_was(void **state)
{
	struct labtime time = {.before = 1000};

	(void)state;
	assert_int_equal(labtime_at(&time, 999), 0);
	assert_int_equal(labtime_at(&time, 1001), 1);
}

/* More halts than are kept, in any order: time never goes back. */
static void test_never_goes_back(void **state)
{
	struct labtime time = {0};

	(void)state;
	srand(1);
	for (int i = 0; i < 1000; i++) {
		uint64_t before = 0;

		if (rand() % 2)
			labtime_halt(&time, 1000 + rand() % 10000);
		else
			labtime_resume(&time, 1000 + rand() % 10000);
		for (uint64_t wall = 900; wall < 12000; wall += 37) {
			uint64_t at = labtime_at(&time, wall);

			assert_true(at >= before && at <= wall);
			before = at;
		}
	}
}

static void test_long_ago(void **state)
{
	struct labtime time = {0};

	(void)state;
	for (uint64_t i = 1; i <= 3 * LABTIME_HALTS; i++)
		halt(&time, 100 * i, 100 * i + 10);
	assert_int_equal(labtime_halted(&time, 1000000), 3 * LABTIME_HALTS * 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stands_still_during_halts),
		cmocka_unit_test(test_what_is_told_twice),
		cmocka_unit_test(test_halts_that_touch),
		cmocka_unit_test(test_a_clock_that_is_set_back),
		cmocka_unit_test(test_more_halted_than_there_was),
		cmocka_unit_test(test_never_goes_back),
		cmocka_unit_test(test_long_ago),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
