// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "lab/console-log.h"
#include "lab/console.h"
#include "util/file.h"
#include "util/string.h"

struct fixture {
	char log[32];
	sd_event *event;
	struct console *console;
	int guest;    /* the guest's end of the serial line */
	char **lines; /* that the handler was given */
};

static void on_line(struct console *console, const struct console_line *line,
		    void *userdata)
{
	struct fixture *fixture = userdata;

	(void)console;
	strv_push(&fixture->lines, xstrdup(line->text));
}

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	int pair[2];

	strcpy(fixture->log, "/tmp/test-console-XXXXXX");
	close(mkstemp(fixture->log));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fixture->guest = pair[1];
	assert_int_equal(sd_event_new(&fixture->event), 0);
	assert_null(console_new(&fixture->console, fixture->event, pair[0], fixture->log,
				on_line, fixture));
	*state = fixture;
	return 0;
}

static void remove_logs(const char *path)
{
	unlink(path);
	for (int boot = 0; boot <= CONSOLE_LOGS_KEPT; boot++) {
		_cleanup_free_ char *raw = xasprintf("%s.%d", path, boot);
		_cleanup_free_ char *lines = xasprintf("%s.log", boot ? raw : path);

		unlink(raw);
		unlink(lines);
	}
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	console_free(fixture->console);
	sd_event_unref(fixture->event);
	close_fd(&fixture->guest);
	remove_logs(fixture->log);
	strv_free(fixture->lines);
	free(fixture);
	return 0;
}

static void guest_says(struct fixture *fixture, const char *text)
{
	assert_null(write_all(fixture->guest, text, strlen(text)));
	assert_true(sd_event_run(fixture->event, 1000000) > 0);
}

static void test_what_the_guest_says(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_free_ char *tail = NULL, *log = NULL;

	assert_true(console_is_silent(fixture->console));
	guest_says(fixture, "one\r\ntwo\n\033[31mred\nhal");
	assert_false(console_is_silent(fixture->console));
	assert_int_equal(strv_length(fixture->lines), 3);
	assert_string_equal(fixture->lines[0], "one");
	assert_string_equal(fixture->lines[2], "?[31mred");
	tail = console_tail(fixture->console, 2);
	assert_string_equal(tail, "two\n?[31mred\nhal");
	assert_null(file_read(fixture->log, 1000, &log, NULL));
	assert_string_equal(log, "one\r\ntwo\n\033[31mred\nhal");
}

/* The level goes to the log with times, and is nowhere else; a message that falls into a prompt
 * is a line of its own. */
static void test_levels_and_times(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_free_ char *path = xasprintf("%s.log", fixture->log);
	_cleanup_free_ char *log = NULL, *raw = NULL;
	int pair[2], year;
	char text[128] = "", first[32], second[32], third[32];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_null(console_attach(fixture->console, pair[0]));
	guest_says(fixture, "<6>[ 0.1] up\r\nprompt# <");
	guest_says(fixture, "3>[ 0.2] bad\nls\n");
	console_free(steal_ptr(fixture->console));
	assert_true(read(pair[1], text, sizeof(text)) > 0);
	assert_string_equal(text, "[ 0.1] up\r\nprompt# <3>[ 0.2] bad\nls\n");
	close(pair[1]);
	assert_null(file_read(fixture->log, 1000, &raw, NULL));
	assert_string_equal(raw, "[ 0.1] up\r\nprompt# [ 0.2] bad\nls\n");
	assert_null(file_read(path, 1000, &log, NULL));
	assert_int_equal(sscanf(log,
				"%d-%*[0-9]-%*[0-9]T%*[0-9:.]Z %*[0-9.] %31[^\n]\n"
				"%*s %*s %31[^\n]\n%*s %*s %31[^\n]\n",
				&year, first, second, third),
			 4);
	assert_in_range(year, 2026, 9999);
	assert_string_equal(first, "info [ 0.1] up");
	assert_string_equal(second, "- prompt# ");
	assert_string_equal(third, "err [ 0.2] bad");
	assert_non_null(strstr(log, " - ls\n"));
}

static void boot_that_says(struct fixture *fixture, const char *text)
{
	int pair[2];

	console_free(fixture->console);
	close_fd(&fixture->guest);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fixture->guest = pair[1];
	assert_null(console_new(&fixture->console, fixture->event, pair[0], fixture->log,
				on_line, fixture));
	if (*text)
		guest_says(fixture, text);
}

static void assert_log(const struct fixture *fixture, const char *suffix,
		       const char *expected)
{
	_cleanup_free_ char *path = xasprintf("%s%s", fixture->log, suffix);
	_cleanup_free_ char *text = NULL;
	_cleanup_error_ struct error *error = file_read(path, 1000, &text, NULL);

	if (expected)
		assert_non_null(strstr(text, expected));
	else
		assert_int_equal(error->code, ENOENT);
}

static void test_logs_of_earlier_boots(void **state)
{
	struct fixture *fixture = *state;

	boot_that_says(fixture, "one\n");
	boot_that_says(fixture, "two\n");
	boot_that_says(fixture, "");
	boot_that_says(fixture, "three\n");
	assert_log(fixture, "", "three");
	assert_log(fixture, ".log", "- three\n");
	assert_log(fixture, ".1", "two");
	assert_log(fixture, ".1.log", "- two\n");
	assert_log(fixture, ".2.log", "- one\n");
	assert_log(fixture, ".3", NULL);
	boot_that_says(fixture, "four\n");
	boot_that_says(fixture, "five\n");
	assert_log(fixture, ".3", "two");
	assert_log(fixture, ".4", NULL);
}

static void test_a_line_without_end(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_free_ char *tail = NULL;
	char block[1001] = "";

	memset(block, 'x', sizeof(block) - 1);
	for (int i = 0; i < 5; i++)
		guest_says(fixture, block);
	tail = console_tail(fixture->console, 10);
	assert_int_equal(strlen(tail), 1000);
}

static void test_someone_attached(void **state)
{
	struct fixture *fixture = *state;
	char text[32] = "";
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_null(console_attach(fixture->console, pair[0]));
	guest_says(fixture, "login: ");
	assert_int_equal(read(pair[1], text, sizeof(text)), 7);
	assert_string_equal(text, "login: ");
	assert_null(write_all(pair[1], "root\n", 5));
	assert_true(sd_event_run(fixture->event, 1000000) > 0);
	memset(text, 0, sizeof(text));
	assert_int_equal(read(fixture->guest, text, sizeof(text)), 5);
	assert_string_equal(text, "root\n");
	close(pair[1]);
	assert_true(sd_event_run(fixture->event, 1000000) > 0);
	guest_says(fixture, "no one hears this\n");
}

static void test_what_qemu_says_is_not_the_guest(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_free_ char *tail = NULL;
	int pair[2];

	assert_int_equal(pipe(pair), 0);
	assert_null(console_add_errors(fixture->console, pair[0]));
	guest_says(fixture, "hal");
	assert_null(write_all(pair[1], "qemu: warning\n", 14));
	assert_true(sd_event_run(fixture->event, 1000000) > 0);
	guest_says(fixture, "f\nline");
	tail = console_tail(fixture->console, 10);
	assert_string_equal(tail, "qemu: warning\nhalf\nline");
	close(pair[1]);
	assert_true(sd_event_run(fixture->event, 1000000) > 0);
}

static void test_qemu_alone_leaves_it_silent(void **state)
{
	struct fixture *fixture = *state;
	int pair[2];

	assert_int_equal(pipe(pair), 0);
	assert_null(console_add_errors(fixture->console, pair[0]));
	assert_null(write_all(pair[1], "qemu: warning\n", 14));
	assert_true(sd_event_run(fixture->event, 1000000) > 0);
	assert_true(console_is_silent(fixture->console));
	assert_int_equal(strv_length(fixture->lines), 1);
	close(pair[1]);
}

static void test_a_guest_that_never_stops_to_talk(void **state)
{
	struct fixture *fixture = *state;
	static char block[4096];
	struct stat st;

	memset(block, 'x', sizeof(block));
	for (uint64_t said = 0; said < CONSOLE_LOG_LIMIT + (1 << 20);
	     said += sizeof(block)) {
		assert_null(write_all(fixture->guest, block, sizeof(block)));
		assert_true(sd_event_run(fixture->event, 1000000) > 0);
	}
	assert_int_equal(stat(fixture->log, &st), 0);
	assert_in_range(st.st_size, CONSOLE_LOG_LIMIT, CONSOLE_LOG_LIMIT + sizeof(block));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_the_guest_says, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_levels_and_times, setup, teardown),
		cmocka_unit_test_setup_teardown(test_logs_of_earlier_boots, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_line_without_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_someone_attached, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_qemu_says_is_not_the_guest,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_qemu_alone_leaves_it_silent, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_guest_that_never_stops_to_talk,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
