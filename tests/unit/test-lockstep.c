// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lab/lockstep.h"
#include "util/string.h"

#define MS 1000000ull

/* A lab of guests that do nothing by themselves: a test tells what QEMU says of them. */
struct fixture {
	struct lockstep *lockstep;
	struct lockstep_member *a, *b, *c;
	uint64_t now;
	char *said; /* what was commanded and told, as words */
};

/* @more is owned from here on. */
static void say(struct fixture *f, char *more)
{
	char *before = f->said;

	f->said = before ? xasprintf("%s %s", before, more) : xstrdup(more);
	free(before);
	free(more);
}

static void on_stop(void *guest, void *userdata)
{
	say(userdata, xasprintf("stop-%s", (const char *)guest));
}

static void on_run(void *guest, void *userdata)
{
	say(userdata, xasprintf("run-%s", (const char *)guest));
}

static void on_halted(uint64_t ns, void *userdata)
{
	say(userdata, xasprintf("halted@%llu", ns / MS));
}

static void on_resumed(uint64_t ns, void *userdata)
{
	say(userdata, xasprintf("resumed@%llu", ns / MS));
}

static uint64_t now(void *userdata)
{
	struct fixture *f = userdata;

	return f->now;
}

static const struct lockstep_handlers handlers = {on_stop, on_run, on_halted, on_resumed,
						  now};

static void begin(struct fixture *f, bool enabled)
{
	f->now = 1000 * MS;
	f->lockstep = lockstep_new(enabled, &handlers, f);
	f->c = lockstep_join(f->lockstep, "c", "c", true);
	f->b = lockstep_join(f->lockstep, "b", "b", true);
	f->a = lockstep_join(f->lockstep, "a", "a", true);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	begin(f, true);
	*state = f;
	return 0;
}

static int setup_off(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	begin(f, false);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	lockstep_free(f->lockstep);
	free(f->said);
	free(f);
	return 0;
}

#define assert_said(f, wanted)                                \
	do {                                                  \
		assert_string_equal((f)->said ?: "", wanted); \
		free(steal_ptr((f)->said));                   \
	} while (0)

static void at(struct fixture *f, unsigned ms)
{
	f->now = (1000 + ms) * MS;
}

static void stopped(struct fixture *f, struct lockstep_member *member, unsigned ms)
{
	at(f, ms);
	lockstep_stopped(member, f->now);
	lockstep_answered(member);
}

static void started(struct fixture *f, struct lockstep_member *member, unsigned ms)
{
	at(f, ms);
	lockstep_started(member, f->now);
}

/* A breakpoint of a's at @ms stops all, @skew later. */
static void halt_by_a(struct fixture *f, unsigned ms, unsigned skew)
{
	lockstep_hold(f->a, LOCKSTEP_DEBUGGER);
	stopped(f, f->a, ms);
	stopped(f, f->b, ms + skew);
	stopped(f, f->c, ms + skew);
	free(steal_ptr(f->said));
}

static void test_all_stop_and_go_on(void **state)
{
	struct fixture *f = *state;

	lockstep_hold(f->a, LOCKSTEP_DEBUGGER);
	assert_said(f, "");
	stopped(f, f->a, 100);
	assert_said(f, "stop-b stop-c halted@1100");
	stopped(f, f->b, 101);
	stopped(f, f->c, 101);
	assert_true(lockstep_is_halted(f->lockstep));
	at(f, 200);
	lockstep_release(f->a, LOCKSTEP_DEBUGGER);
	assert_said(f, "run-a");
	assert_true(lockstep_is_halted(f->lockstep)); /* until QEMU says otherwise */
	started(f, f->a, 200);
	assert_said(f, "resumed@1200");
	assert_int_equal(lockstep_next(f->lockstep), 1201 * MS);
	at(f, 201);
	lockstep_wake(f->lockstep);
	assert_said(f, "run-b run-c");
	started(f, f->b, 201);
	started(f, f->c, 201);
	assert_said(f, "");
	assert_int_equal(lockstep_next(f->lockstep), 0);
}

static void test_leads_do_not_add_up(void **state)
{
	struct fixture *f = *state;

	halt_by_a(f, 100, 3);
	lockstep_release(f->a, LOCKSTEP_DEBUGGER);
	started(f, f->a, 103);
	/* Before b and c are let go, the next breakpoint: their leads are as they were, less
	 * what a has run. */
	lockstep_hold(f->a, LOCKSTEP_DEBUGGER);
	stopped(f, f->a, 104);
	free(steal_ptr(f->said));
	at(f, 200);
	lockstep_release(f->a, LOCKSTEP_DEBUGGER);
	assert_said(f, "run-a");
	assert_int_equal(lockstep_next(f->lockstep), (1200 + 2) * MS);
}

static void test_two_that_stop_at_once(void **state)
{
	struct fixture *f = *state;

	lockstep_hold(f->a, LOCKSTEP_DEBUGGER);
	stopped(f, f->a, 100);
	/* b was told to stop, but its own breakpoint came first: its debugger has said so. */
	lockstep_hold(f->b, LOCKSTEP_DEBUGGER);
	stopped(f, f->b, 100);
	stopped(f, f->c, 101);
	assert_said(f, "stop-b stop-c halted@1100");
	lockstep_release(f->a, LOCKSTEP_DEBUGGER);
	assert_said(f, ""); /* b's user still looks */
	lockstep_release(f->b, LOCKSTEP_DEBUGGER);
	assert_said(f, "run-a run-b");
}

static void test_one_that_runs_by_itself_is_stopped_again(void **state)
{
	struct fixture *f = *state;

	halt_by_a(f, 100, 1);
	/* A debugger comes to b, and detaches: QEMU then lets it run. */
	lockstep_hold(f->b, LOCKSTEP_DEBUGGER);
	lockstep_detached(f->b);
	assert_said(f, "");
	started(f, f->b, 150);
	assert_said(f, "stop-b");
	stopped(f, f->b, 152);
	at(f, 200);
	lockstep_release(f->a, LOCKSTEP_DEBUGGER);
	assert_said(f, "run-a");
	started(f, f->a, 200);
	assert_said(f, "resumed@1200");
	at(f, 201);
	lockstep_wake(f->lockstep);
	assert_said(f, "run-c");
	assert_int_equal(lockstep_next(f->lockstep), 1203 * MS); /* b is 3 ms ahead */
}

static void test_detaching_lets_the_lab_go_on(void **state)
{
	struct fixture *f = *state;

	halt_by_a(f, 100, 0);
	at(f, 200);
	lockstep_detached(f->a);
	assert_said(f, "run-b run-c"); /* a runs without our doing */
	started(f, f->a, 201);
	assert_said(f, "resumed@1201");
}

static void test_steps_are_taken_alone(void **state)
{
	struct fixture *f = *state;

	halt_by_a(f, 100, 0);
	for (unsigned i = 0; i < 3; i++) {
		at(f, 200 + 10 * i);
		lockstep_step(f->a);
		started(f, f->a, 200 + 10 * i);
		stopped(f, f->a, 202 + 10 * i);
	}
	assert_said(f, "run-a run-a run-a");
	at(f, 300);
	lockstep_release(f->a, LOCKSTEP_DEBUGGER);
	assert_said(f, "run-b run-c"); /* 6 ms of steps are a's lead */
	assert_int_equal(lockstep_next(f->lockstep), 1306 * MS);
}

static void test_a_step_that_waits_lets_the_lab_go_on(void **state)
{
	struct fixture *f = *state;

	halt_by_a(f, 100, 0);
	lockstep_step(f->a);
	started(f, f->a, 100);
	assert_said(f, "run-a");
	assert_int_equal(lockstep_next(f->lockstep), 1100 * MS + LOCKSTEP_STEP_NS);
	at(f, 151);
	lockstep_wake(f->lockstep);
	assert_said(f, "resumed@1151 run-b run-c");
	lockstep_hold(f->a, LOCKSTEP_DEBUGGER);
	stopped(f, f->a, 160);
	assert_said(f, "stop-b stop-c halted@1160");
}

static void test_a_guest_that_dies(void **state)
{
	struct fixture *f = *state;

	halt_by_a(f, 100, 0);
	lockstep_leave(f->c); /* one that was stopped */
	assert_said(f, "");
	lockstep_leave(f->a); /* the one that held the lab */
	assert_said(f, "run-b");
	f->a = f->c = NULL;
	started(f, f->b, 110);
	assert_said(f, "resumed@1110");
	lockstep_hold(f->b, LOCKSTEP_DEBUGGER);
	stopped(f, f->b, 120);
	lockstep_leave(f->b);
	assert_said(f, "halted@1120 resumed@1120");
	assert_false(lockstep_is_halted(f->lockstep));
}

static void assert_keepers(const struct lockstep_member *member, const char *wanted)
{
	_cleanup_free_ char *keepers = lockstep_keepers(member);

	assert_string_equal(keepers ?: "", wanted);
}

static void test_a_pause_outlives_a_debugger(void **state)
{
	struct fixture *f = *state;

	lockstep_hold(f->b, LOCKSTEP_USER);
	assert_said(f, "stop-b");
	stopped(f, f->b, 100);
	assert_said(f, "stop-a stop-c halted@1100");
	stopped(f, f->a, 100);
	stopped(f, f->c, 100);
	lockstep_hold(f->b, LOCKSTEP_DEBUGGER);
	assert_keepers(f->a, "b (debugger), b (pause)");
	assert_keepers(f->b, "");
	lockstep_release(f->b, LOCKSTEP_DEBUGGER);
	assert_said(f, "");
	assert_keepers(f->a, "b (pause)");
	lockstep_release(f->b, LOCKSTEP_USER);
	assert_said(f, "run-a run-b run-c");
}

static void test_a_pause_that_is_taken_back_at_once(void **state)
{
	struct fixture *f = *state;

	lockstep_hold(f->b, LOCKSTEP_USER);
	lockstep_release(f->b, LOCKSTEP_USER);
	assert_said(f, "stop-b");
	stopped(f, f->b, 100);
	assert_said(f, "run-b");
	started(f, f->b, 101);
	assert_false(lockstep_is_halted(f->lockstep));
}

static void test_paused_and_resumed_while_it_goes_on(void **state)
{
	struct fixture *f = *state;

	halt_by_a(f, 100, 0);
	lockstep_release(f->a, LOCKSTEP_DEBUGGER);
	assert_said(f, "run-a run-b run-c");
	lockstep_hold(f->a, LOCKSTEP_USER);
	lockstep_release(f->a, LOCKSTEP_USER);
	assert_said(f, "stop-a");
	started(f, f->a, 101);
	stopped(f, f->a, 102); /* ours, even if no one wants it any more */
	assert_said(f, "resumed@1101 run-a");
	started(f, f->a, 103);
	assert_false(lockstep_is_halted(f->lockstep));
}

static void test_nobody_runs_before_qemu_has_answered(void **state)
{
	struct fixture *f = *state;

	lockstep_hold(f->a, LOCKSTEP_DEBUGGER);
	stopped(f, f->a, 100);
	stopped(f, f->c, 100);
	at(f, 101);
	lockstep_stopped(f->b, f->now);
	free(steal_ptr(f->said));
	lockstep_release(f->a, LOCKSTEP_DEBUGGER);
	assert_said(f, "run-a run-c");
	lockstep_answered(f->b);
	assert_said(f, "run-b");
	lockstep_hold(f->c, LOCKSTEP_DEBUGGER);
	started(f, f->c, 102);
	stopped(f, f->c, 102);
	started(f, f->a, 102);
	started(f, f->b, 102);
	assert_said(f, "stop-c stop-a stop-b");
	/* What b's debugger is told before the answer counts. */
	lockstep_stopped(f->b, f->now);
	lockstep_hold(f->b, LOCKSTEP_DEBUGGER);
	lockstep_release(f->c, LOCKSTEP_DEBUGGER);
	lockstep_answered(f->b);
	assert_said(f, "");
}

static void test_a_stop_that_came_before_the_run(void **state)
{
	struct fixture *f = *state;

	halt_by_a(f, 100, 0);
	lockstep_release(f->a, LOCKSTEP_DEBUGGER);
	lockstep_hold(f->a, LOCKSTEP_USER);
	assert_said(f, "run-a run-b run-c stop-a");
	/* The command has overtaken the debugger's packet: it stood still already. */
	lockstep_answered(f->a);
	started(f, f->a, 101);
	assert_said(f, "stop-a");
	stopped(f, f->a, 102);
	assert_true(lockstep_is_halted(f->lockstep));
}

static void test_gone_on_before_all_have_stopped(void **state)
{
	struct fixture *f = *state;

	lockstep_hold(f->a, LOCKSTEP_DEBUGGER);
	stopped(f, f->a, 100);
	lockstep_release(f->a, LOCKSTEP_DEBUGGER);
	assert_said(f, "stop-b stop-c halted@1100 run-a");
	started(f, f->a, 101);
	stopped(f, f->b, 102);
	stopped(f, f->c, 102);
	assert_said(f, "resumed@1101 run-b run-c");
}

static void test_halted_again_while_it_goes_on(void **state)
{
	struct fixture *f = *state;

	halt_by_a(f, 100, 0);
	lockstep_release(f->a, LOCKSTEP_DEBUGGER);
	assert_said(f, "run-a run-b run-c");
	/* None has said yet that it runs when QEMU's stub tells of a breakpoint of b's. */
	lockstep_hold(f->b, LOCKSTEP_DEBUGGER);
	started(f, f->b, 101);
	assert_said(f, "stop-b");
	stopped(f, f->b, 101);
	assert_said(f, "stop-a stop-c");
	/* Those commands come behind the ones to run: nothing more is needed. */
	started(f, f->a, 101);
	started(f, f->c, 101);
	stopped(f, f->a, 102);
	stopped(f, f->c, 102);
	assert_said(f, "");
	assert_true(lockstep_is_halted(f->lockstep));
}

static void test_what_qemu_stops_by_itself(void **state)
{
	struct fixture *f = *state;

	stopped(f, f->c, 100); /* a dump, say */
	assert_said(f, "stop-a stop-b halted@1100");
	stopped(f, f->a, 100);
	stopped(f, f->b, 100);
	started(f, f->c, 150);
	assert_said(f, "resumed@1150 run-a run-b");
}

static void test_one_that_is_frozen_holds_nobody(void **state)
{
	struct fixture *f = *state;
	struct lockstep_member *d = lockstep_join(f->lockstep, "d", "d", false);

	lockstep_hold(d, LOCKSTEP_DEBUGGER);
	assert_false(lockstep_is_halted(f->lockstep));
	lockstep_release(d, LOCKSTEP_DEBUGGER);
	assert_said(f, "run-d");
	started(f, d, 100);
	lockstep_hold(d, LOCKSTEP_DEBUGGER);
	stopped(f, d, 110);
	assert_said(f, "stop-a stop-b stop-c halted@1110");
}

static void test_off(void **state)
{
	struct fixture *f = *state;

	lockstep_hold(f->a, LOCKSTEP_DEBUGGER);
	stopped(f, f->a, 100);
	assert_said(f, "");
	assert_keepers(f->b, "");
	lockstep_step(f->a);
	started(f, f->a, 101);
	stopped(f, f->a, 102);
	lockstep_release(f->a, LOCKSTEP_DEBUGGER);
	assert_said(f, "run-a run-a");
	assert_false(lockstep_is_halted(f->lockstep));
}

static void test_the_end_lets_others_go(void **state)
{
	struct fixture *f = *state;

	halt_by_a(f, 100, 0);
	lockstep_end(f->lockstep);
	assert_said(f, "run-b run-c");
}

static void test_figures(void **state)
{
	struct fixture *f = *state;
	json_t *json;

	halt_by_a(f, 100, 2);
	at(f, 400);
	lockstep_release(f->a, LOCKSTEP_DEBUGGER);
	started(f, f->a, 400);
	json = lockstep_to_json(f->lockstep);
	assert_int_equal(json_integer_value(json_object_get(json, "halts")), 1);
	assert_int_equal(json_integer_value(json_object_get(json, "halted_ns")),
			 300 * MS);
	json_decref(json);
	at(f, 402);
	lockstep_wake(f->lockstep);
	started(f, f->b, 402);
	started(f, f->c, 402);
	halt_by_a(f, 500, 5);
	json = lockstep_to_json(f->lockstep);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(json, "skew_ns"), "worst")),
			 5 * MS);
	assert_int_equal(json_array_size(json_object_get(json, "holders")), 1);
	json_decref(json);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_all_stop_and_go_on),
		test(test_leads_do_not_add_up),
		test(test_two_that_stop_at_once),
		test(test_one_that_runs_by_itself_is_stopped_again),
		test(test_detaching_lets_the_lab_go_on),
		test(test_steps_are_taken_alone),
		test(test_a_step_that_waits_lets_the_lab_go_on),
		test(test_a_guest_that_dies),
		test(test_a_pause_outlives_a_debugger),
		test(test_a_pause_that_is_taken_back_at_once),
		test(test_paused_and_resumed_while_it_goes_on),
		test(test_nobody_runs_before_qemu_has_answered),
		test(test_a_stop_that_came_before_the_run),
		test(test_gone_on_before_all_have_stopped),
		test(test_halted_again_while_it_goes_on),
		test(test_what_qemu_stops_by_itself),
		test(test_one_that_is_frozen_holds_nobody),
		test(test_the_end_lets_others_go),
		test(test_figures),
		cmocka_unit_test_setup_teardown(test_off, setup_off, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
