// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "util/buffer.h"
#include "util/string.h"
#include "vm/agent.h"

#define HELLO \
	"{\"event\":\"hello\",\"version\":1,\"boot_ns\":1234,\"kernel\":\"6.1.192\"}\n"

struct fixture {
	sd_event *event;
	struct agent *agent;
	int peer; /* where the guest sits */
	unsigned hellos;
	uint64_t boot_ns;
	char *kernel;
	char *modules_failed; /* "|" between them */
	unsigned drained;
	unsigned closed;
	int closed_code; /* -1: an orderly end */
	char *closed_text;
	struct agent_exec *exec;
	struct buffer output[2];
	char **done; /* "STATUS" or "!CODE TEXT", in the order they came */
	bool cancel_in_output;
	bool free_in_output;
	bool free_in_done;
	bool free_in_hello;
	bool restart_in_done;
};

static char *const some_argv[] = {"echo", "hi", NULL};

static void on_hello(struct agent *agent, const struct agent_hello *hello, void *userdata)
{
	struct fixture *f = userdata;

	(void)agent;
	f->hellos++;
	f->boot_ns = hello->boot_ns;
	free(f->kernel);
	f->kernel = xstrdup(hello->kernel);
	free(f->modules_failed);
	f->modules_failed = strv_join(hello->modules_failed, "|");
	if (f->free_in_hello)
		agent_free(steal_ptr(f->agent));
}

static void on_drained(struct agent *agent, void *userdata)
{
	struct fixture *f = userdata;

	(void)agent;
	f->drained++;
}

static void on_closed(struct agent *agent, struct error *error, void *userdata)
{
	struct fixture *f = userdata;

	f->closed++;
	f->closed_code = error ? error->code : -1;
	f->closed_text = error ? error_text(error) : NULL;
	error_free(error);
	assert_ptr_equal(agent, f->agent);
	agent_free(steal_ptr(f->agent));
}

static const struct agent_handlers handlers = {
	.hello = on_hello,
	.drained = on_drained,
	.closed = on_closed,
};

static void on_output(struct agent_exec *exec, int stream, const void *data, size_t size,
		      void *userdata)
{
	struct fixture *f = userdata;

	buffer_append(&f->output[stream - 1], data, size);
	if (f->cancel_in_output)
		agent_exec_cancel(exec);
	if (f->free_in_output)
		agent_free(steal_ptr(f->agent));
}

static void on_done(struct agent_exec *exec, int status, struct error *error,
		    void *userdata);

static const struct agent_exec_handlers exec_handlers = {
	.output = on_output,
	.done = on_done,
};

static void on_done(struct agent_exec *exec, int status, struct error *error,
		    void *userdata)
{
	struct fixture *f = userdata;

	if (error)
		strv_pushf(&f->done, "!%d %s", error->code, error->message);
	else
		strv_pushf(&f->done, "%d", status);
	error_free(error);
	agent_exec_cancel(exec); /* too late, and harmless */
	if (f->restart_in_done && f->agent) {
		error = agent_exec_start(&f->exec, f->agent, some_argv, &exec_handlers,
					 f);
		error_free(error);
	}
	if (f->free_in_done && f->agent)
		agent_free(steal_ptr(f->agent));
}

static void start(struct fixture *f)
{
	int pair[2];

	*f = (struct fixture){0};
	assert_true(sd_event_new(&f->event) >= 0);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
		0);
	f->peer = pair[1];
	assert_null(agent_new(&f->agent, f->event, pair[0], &handlers, f));
}

static void stop(struct fixture *f)
{
	agent_free(f->agent);
	sd_event_unref(f->event);
	close_fd(&f->peer);
	buffer_deinit(&f->output[0]);
	buffer_deinit(&f->output[1]);
	strv_free(f->done);
	free(f->kernel);
	free(f->modules_failed);
	free(f->closed_text);
}

static void settle(struct fixture *f)
{
	while (sd_event_run(f->event, 0) > 0)
		;
}

static void say(struct fixture *f, const char *text)
{
	assert_int_equal(send(f->peer, text, strlen(text), 0), strlen(text));
	settle(f);
}

/* What the guest was told since the last time. */
static void assert_told(struct fixture *f, const char *expected)
{
	char text[4096];
	ssize_t n = recv(f->peer, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, expected);
}

static void run(struct fixture *f)
{
	assert_null(agent_exec_start(&f->exec, f->agent, some_argv, &exec_handlers, f));
}

static void start_running(struct fixture *f)
{
	start(f);
	say(f, HELLO);
	run(f);
	assert_told(f, "{\"do\":\"exec\",\"id\":1,\"argv\":[\"echo\",\"hi\"]}\n");
}

static void assert_error(struct error *error, int code)
{
	assert_non_null(error);
	assert_int_equal(error->code, code);
	error_free(error);
}

static void hello_tells_of_the_guest(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	assert_error(agent_exec_start(&f.exec, f.agent, some_argv, &exec_handlers, &f),
		     ENOTCONN);
	assert_error(agent_poweroff(f.agent), ENOTCONN);
	say(&f, HELLO);
	assert_int_equal(f.hellos, 1);
	assert_int_equal(f.boot_ns, 1234);
	assert_string_equal(f.kernel, "6.1.192");
	assert_null(agent_poweroff(f.agent));
	assert_told(&f, "{\"do\":\"poweroff\"}\n");
	stop(&f);
}

static void hello_is_made_fit_for_a_terminal(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	say(&f, "{\"event\":\"hello\",\"version\":1,\"boot_ns\":0,"
		"\"kernel\":\"6\\u001b]0;x\\u0007\\u009b2J\\n\"}\n");
	assert_string_equal(f.kernel, "6?]0;x??2J?");
	stop(&f);
}

static void hello_tells_of_modules(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	say(&f,
	    "{\"event\":\"hello\",\"version\":1,\"boot_ns\":0,\"kernel\":\"6\","
	    "\"modules_failed\":[\"oops: Invalid argument; \\u001b[1m\",\"poc: no\"]}\n");
	assert_string_equal(f.modules_failed, "oops: Invalid argument; ?[1m|poc: no");
	say(&f, HELLO);
	assert_string_equal(f.modules_failed, "");
	stop(&f);
}

static void a_command_runs(void **state)
{
	struct fixture f;

	(void)state;
	start_running(&f);
	say(&f, "{\"event\":\"output\",\"id\":1,\"stream\":1,\"data\":\"aGkK\"}\n"
		"{\"event\":\"output\",\"id\":1,\"stream\":2,\"data\":\"AP8=\"}\n"
		"{\"event\":\"output\",\"id\":1,\"stream\":1,\"data\":\"\"}\n");
	assert_int_equal(f.output[0].size, 3);
	assert_memory_equal(f.output[0].data, "hi\n", 3);
	assert_int_equal(f.output[1].size, 2);
	assert_memory_equal(f.output[1].data, "\0\xff", 2);
	assert_null(f.done);
	say(&f, "{\"event\":\"exit\",\"id\":1,\"status\":137}\n");
	assert_string_equal(f.done[0], "137");
	/* Its id is forgotten: no second end, no nonsense either. */
	say(&f, "{\"event\":\"exit\",\"id\":1,\"status\":1}\n");
	assert_int_equal(strv_length(f.done), 1);
	assert_int_equal(f.closed, 0);
	stop(&f);
}

static void a_command_that_can_not_run(void **state)
{
	_cleanup_free_ char *expected = NULL;
	struct fixture f;

	(void)state;
	start_running(&f);
	say(&f, "{\"event\":\"error\",\"id\":1,\"message\":\"no \\u001b[31mecho\"}\n");
	expected = xasprintf("!%d no ?[31mecho", EREMOTEIO);
	assert_string_equal(f.done[0], expected);
	stop(&f);
}

static void input_is_base64_in_order(void **state)
{
	struct fixture f;

	(void)state;
	start_running(&f);
	assert_null(agent_exec_input(f.exec, "\0hi", 3));
	assert_null(agent_exec_input(f.exec, "x", 1));
	assert_null(agent_exec_input(f.exec, NULL, 0));
	assert_told(&f, "{\"do\":\"input\",\"id\":1,\"data\":\"AGhp\"}\n"
			"{\"do\":\"input\",\"id\":1,\"data\":\"eA==\"}\n"
			"{\"do\":\"input\",\"id\":1}\n");
	stop(&f);
}

/* The longest line that the guest was told; all is read. */
static size_t longest_line(struct fixture *f)
{
	size_t longest = 0, length = 0;
	char block[4096];
	ssize_t n;

	while ((n = recv(f->peer, block, sizeof(block), 0)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			length = block[i] == '\n' ? 0 : length + 1;
			if (length > longest)
				longest = length;
		}
		settle(f);
	}
	return longest;
}

static void much_input_waits_for_the_guest(void **state)
{
	static const uint8_t block[AGENT_INPUT_MAX];
	struct error *error = NULL;
	struct fixture f;
	size_t longest;

	(void)state;
	start_running(&f);
	assert_error(agent_exec_input(f.exec, block, 1 << 30), ENOBUFS);
	assert_told(&f, "");
	for (unsigned i = 0; !error && i < 100; i++)
		error = agent_exec_input(f.exec, block, sizeof(block));
	assert_error(error, ENOBUFS);
	/* A kill still passes. */
	agent_exec_cancel(f.exec);
	assert_int_equal(f.drained, 0);
	longest = longest_line(&f);
	assert_true(longest > 32768 && longest <= AGENT_LINE_LIMIT);
	assert_int_equal(f.drained, 1);
	assert_int_equal(f.closed, 0);
	stop(&f);
}

static void commands_that_can_not_be_said(void **state)
{
	static char word[AGENT_LINE_LIMIT];
	char *const long_argv[] = {"echo", word, NULL};
	char *const odd_argv[] = {"echo", "\xff", NULL};
	struct fixture f;

	(void)state;
	memset(word, 'x', sizeof(word) - 1);
	start_running(&f);
	assert_error(agent_exec_start(&f.exec, f.agent, long_argv, &exec_handlers, &f),
		     E2BIG);
	assert_error(agent_exec_start(&f.exec, f.agent, odd_argv, &exec_handlers, &f),
		     EILSEQ);
	assert_told(&f, "");
	stop(&f);
}

static void cancel_kills_and_forgets(void **state)
{
	struct fixture f;

	(void)state;
	start_running(&f);
	agent_exec_cancel(f.exec);
	assert_told(&f, "{\"do\":\"kill\",\"id\":1}\n");
	say(&f, "{\"event\":\"output\",\"id\":1,\"stream\":1,\"data\":\"aGkK\"}\n"
		"{\"event\":\"exit\",\"id\":1,\"status\":137}\n");
	assert_int_equal(f.output[0].size, 0);
	assert_null(f.done);
	stop(&f);
}

static void nonsense_is_forgiven_a_few_times(void **state)
{
	static const char *const nonsense[] = {
		"{}\n",
		"[]\n",
		"\x1b[31mred\n",
		"{\"event\":5}\n",
		"{\"event\":\"who\"}\n",
		"{\"event\":\"hello\"}\n",
		"{\"event\":\"hello\",\"version\":2,\"boot_ns\":0,\"kernel\":\"6\"}\n",
		"{\"event\":\"hello\",\"version\":1,\"boot_ns\":-1,\"kernel\":\"6\"}\n",
		"{\"event\":\"hello\",\"version\":1,\"boot_ns\":0,\"kernel\":\"6\","
		"\"modules_failed\":\"x\"}\n",
		"{\"event\":\"hello\",\"version\":1,\"boot_ns\":0,\"kernel\":\"6\","
		"\"modules_failed\":[5]}\n",
		"{\"event\":\"output\",\"id\":\"1\",\"stream\":1,\"data\":\"\"}\n",
		"{\"event\":\"output\",\"id\":1,\"stream\":0,\"data\":\"\"}\n",
		"{\"event\":\"output\",\"id\":1,\"stream\":1,\"data\":5}\n",
		"{\"event\":\"output\",\"id\":1,\"stream\":1,\"data\":\"a\"}\n",
		"{\"event\":\"output\",\"id\":1,\"stream\":1,\"data\":\"?!\"}\n",
		"{\"event\":\"exit\",\"id\":1,\"status\":256}\n",
		"{\"event\":\"exit\",\"id\":1,\"status\":-1}\n",
		"{\"event\":\"exit\",\"id\":1}\n",
		"{\"event\":\"error\",\"id\":1}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		struct fixture f;

		start_running(&f);
		for (int n = 0; n < 8; n++)
			say(&f, nonsense[i]);
		assert_int_equal(f.closed, 0);
		assert_null(f.done);
		say(&f, nonsense[i]);
		assert_int_equal(f.closed, 1);
		assert_int_equal(f.closed_code, EPROTO);
		assert_non_null(strstr(f.closed_text, "nonsense"));
		assert_null(strchr(f.closed_text, '\x1b'));
		assert_int_equal(strv_length(f.done), 1);
		stop(&f);
	}
}

static void a_line_too_long_is_nonsense(void **state)
{
	static char line[AGENT_LINE_LIMIT * 2];
	struct fixture f;

	(void)state;
	start_running(&f);
	memset(line, 'x', sizeof(line) - 1);
	for (int i = 0; i < 10 && !f.closed; i++)
		say(&f, line);
	assert_int_equal(f.closed_code, EPROTO);
	stop(&f);
}

static void the_end_ends_what_runs(void **state)
{
	_cleanup_free_ char *gone = xasprintf("!%d the guest's agent is gone", ENOTCONN);
	struct fixture f;

	(void)state;
	start_running(&f);
	close_fd(&f.peer);
	settle(&f);
	assert_string_equal(f.done[0], gone);
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.closed_code, -1);
	stop(&f);
}

static void a_restarted_agent_runs_nothing(void **state)
{
	struct fixture f;

	(void)state;
	start_running(&f);
	f.restart_in_done = true;
	say(&f, HELLO);
	assert_int_equal(f.hellos, 2);
	assert_int_equal(strv_length(f.done), 1);
	f.restart_in_done = false;
	run(&f);
	stop(&f);
}

static void a_hello_that_was_asked_for_ends_nothing(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	assert_null(agent_greet(f.agent));
	assert_told(&f, "{\"do\":\"hello\"}\n");
	say(&f, HELLO);
	run(&f);
	assert_null(agent_greet(f.agent));
	say(&f, HELLO);
	assert_int_equal(f.hellos, 2);
	assert_null(f.done);
	stop(&f);
}

static void a_held_agent_is_not_heard(void **state)
{
	struct fixture f;

	(void)state;
	start_running(&f);
	agent_hold(f.agent, true);
	say(&f, "{\"event\":\"exit\",\"id\":1,\"status\":0}\n");
	assert_null(f.done);
	agent_hold(f.agent, false);
	settle(&f);
	assert_string_equal(f.done[0], "0");
	stop(&f);
}

static void an_abandoned_agent_ends_what_runs(void **state)
{
	_cleanup_free_ char *expected = xasprintf("!%d it panicked", ENOTCONN);
	struct fixture f;

	(void)state;
	start_running(&f);
	agent_abandon(f.agent, "it panicked");
	assert_string_equal(f.done[0], expected);
	agent_abandon(f.agent, "again");
	assert_error(agent_poweroff(f.agent), ENOTCONN);
	settle(&f);
	assert_int_equal(f.closed, 0);
	stop(&f);
}

static void handlers_may_free(void **state)
{
	static const char talk[] =
		"{\"event\":\"output\",\"id\":1,\"stream\":1,\"data\":\"aGkK\"}\n"
		"{\"event\":\"exit\",\"id\":1,\"status\":0}\n" HELLO;
	struct fixture f;

	(void)state;
	start_running(&f);
	f.cancel_in_output = true;
	say(&f, talk);
	assert_null(f.done);
	stop(&f);

	start_running(&f);
	f.free_in_output = true;
	say(&f, talk);
	assert_int_equal(strv_length(f.done), 1);
	assert_int_equal(f.closed, 0);
	stop(&f);

	start_running(&f);
	run(&f);
	f.free_in_done = true;
	say(&f, talk);
	assert_int_equal(strv_length(f.done), 2);
	assert_int_equal(f.closed, 0);
	stop(&f);

	/* In done(), when the connection ended: closed() is called no more. */
	start_running(&f);
	f.free_in_done = true;
	close_fd(&f.peer);
	settle(&f);
	assert_int_equal(f.closed, 0);
	stop(&f);

	/* In done(), for a new hello: hello() is called no more. */
	start_running(&f);
	f.free_in_done = true;
	say(&f, HELLO);
	assert_int_equal(f.hellos, 1);
	stop(&f);

	start(&f);
	f.free_in_hello = true;
	say(&f, HELLO HELLO);
	assert_int_equal(f.hellos, 1);
	stop(&f);
}

/* A flood is worked off in bounded steps, so that others have their turn. */
static void a_flood_leaves_the_loop_to_others(void **state)
{
	static const char line[] =
		"{\"event\":\"output\",\"id\":1,\"stream\":1,\"data\":\"aGkK\"}\n";
	struct fixture f;
	size_t lines = 0;

	(void)state;
	start_running(&f);
	while (send(f.peer, line, strlen(line), 0) == (ssize_t)strlen(line))
		lines++;
	assert_true(sd_event_run(f.event, 0) > 0);
	assert_true(f.output[0].size <= 16384 / strlen(line) * 3);
	settle(&f);
	assert_int_equal(f.output[0].size, lines * 3);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_tells_of_the_guest),
		cmocka_unit_test(hello_is_made_fit_for_a_terminal),
		cmocka_unit_test(hello_tells_of_modules),
		cmocka_unit_test(a_command_runs),
		cmocka_unit_test(a_command_that_can_not_run),
		cmocka_unit_test(input_is_base64_in_order),
		cmocka_unit_test(much_input_waits_for_the_guest),
		cmocka_unit_test(commands_that_can_not_be_said),
		cmocka_unit_test(cancel_kills_and_forgets),
		cmocka_unit_test(nonsense_is_forgiven_a_few_times),
		cmocka_unit_test(a_line_too_long_is_nonsense),
		cmocka_unit_test(the_end_ends_what_runs),
		cmocka_unit_test(a_restarted_agent_runs_nothing),
		cmocka_unit_test(a_hello_that_was_asked_for_ends_nothing),
		cmocka_unit_test(a_held_agent_is_not_heard),
		cmocka_unit_test(an_abandoned_agent_ends_what_runs),
		cmocka_unit_test(handlers_may_free),
		cmocka_unit_test(a_flood_leaves_the_loop_to_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
