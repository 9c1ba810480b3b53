// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "util/string.h"
#include "vm/qmp.h"

#define GREETING "{\"QMP\":{\"version\":{},\"capabilities\":[\"oob\"]}}\n"

struct fixture {
	sd_event *event;
	struct qmp *qmp;
	int peer; /* where QEMU sits */
	char **events;
	uint64_t last_ns;
	unsigned closed;
	int closed_code; /* -1: an orderly end */
	char *closed_text;
	char **replies; /* "NAME RESULT" or "NAME !CODE", in the order they came */
	bool free_in_event;
	bool free_in_reply;
	bool free_in_closed;
};

static void on_event(struct qmp *qmp, const char *name, const json_t *data, uint64_t ns,
		     void *userdata)
{
	struct fixture *f = userdata;

	(void)qmp;
	(void)data;
	strv_push(&f->events, xstrdup(name));
	f->last_ns = ns;
	if (f->free_in_event)
		qmp_free(steal_ptr(f->qmp));
}

static void on_closed(struct qmp *qmp, struct error *error, void *userdata)
{
	struct fixture *f = userdata;

	(void)qmp;
	f->closed++;
	f->closed_code = error ? error->code : -1;
	f->closed_text = error ? error_text(error) : NULL;
	error_free(error);
	if (f->free_in_closed)
		qmp_free(steal_ptr(f->qmp));
}

static const struct qmp_handlers handlers = {.event = on_event, .closed = on_closed};

static void note_reply(struct fixture *f, char name, const json_t *result,
		       struct error *error)
{
	_cleanup_free_ char *text = json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY);

	if (error)
		strv_pushf(&f->replies, "%c !%d", name, error->code);
	else
		strv_pushf(&f->replies, "%c %s", name, text);
	error_free(error);
	if (f->free_in_reply && f->qmp)
		qmp_free(steal_ptr(f->qmp));
}

static void reply_a(struct qmp *qmp, const json_t *result, struct error *error,
		    void *userdata)
{
	(void)qmp;
	note_reply(userdata, 'a', result, error);
}

static void reply_b(struct qmp *qmp, const json_t *result, struct error *error,
		    void *userdata)
{
	(void)qmp;
	note_reply(userdata, 'b', result, error);
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
	assert_null(qmp_new(&f->qmp, f->event, pair[0], &handlers, f));
}

static void stop(struct fixture *f)
{
	qmp_free(f->qmp);
	sd_event_unref(f->event);
	close_fd(&f->peer);
	strv_free(f->events);
	strv_free(f->replies);
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

/* What QEMU was told since the last time. */
static void assert_told(struct fixture *f, const char *expected)
{
	char text[4096];
	ssize_t n = recv(f->peer, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, expected);
}

static void negotiate(struct fixture *f)
{
	say(f, GREETING);
	assert_told(f, "{\"execute\":\"qmp_capabilities\",\"id\":0}\n");
	say(f, "{\"return\":{},\"id\":0}\n");
}

static void commands_wait_for_the_negotiation(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	qmp_execute(f.qmp, "stop", NULL, reply_a, &f);
	settle(&f);
	assert_told(&f, "");
	say(&f, GREETING);
	assert_told(&f, "{\"execute\":\"qmp_capabilities\",\"id\":1}\n");
	qmp_execute(f.qmp, "migrate", json_pack("{ss}", "uri", "fd:x"), reply_b, &f);
	assert_told(&f, "");
	say(&f, "{\"return\":{},\"id\":1}\n");
	assert_told(
		&f,
		"{\"execute\":\"stop\",\"id\":0}\n"
		"{\"execute\":\"migrate\",\"id\":2,\"arguments\":{\"uri\":\"fd:x\"}}\n");
	say(&f, "{\"return\":{},\"id\":0}\n");
	assert_string_equal(f.replies[0], "a {}");
	stop(&f);
}

static void answers_are_matched_by_id(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	negotiate(&f);
	qmp_execute(f.qmp, "query-status", NULL, reply_a, &f);
	qmp_execute(f.qmp, "query-cpus-fast", NULL, reply_b, &f);
	say(&f, "{\"return\":[7],\"id\":2}\n{\"return\":\"x\",\"id\":1}\n");
	assert_int_equal(strv_length(f.replies), 2);
	assert_string_equal(f.replies[0], "b [7]");
	assert_string_equal(f.replies[1], "a \"x\"");
	stop(&f);
}

static void a_refusal_is_an_error_of_its_command(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	negotiate(&f);
	qmp_execute(f.qmp, "cont", NULL, reply_a, &f);
	qmp_execute(f.qmp, "dropped", NULL, NULL, NULL);
	say(&f,
	    "{\"id\":2,\"error\":{}}\n{\"id\":1,\"error\":{\"class\":\"GenericError\","
	    "\"desc\":\"no \\u001b[2Jway\"}}\n");
	assert_int_equal(strv_length(f.replies), 1);
	assert_int_equal(f.closed, 0);
	stop(&f);
}

static void a_refused_negotiation_ends(void **state)
{
	_cleanup_free_ char *gone = xasprintf("a !%d", ENOTCONN);
	struct fixture f;

	(void)state;
	start(&f);
	qmp_execute(f.qmp, "stop", NULL, reply_a, &f);
	say(&f, GREETING "{\"id\":1,\"error\":{\"desc\":\"no \\u001b[2Jway\"}}\n");
	assert_string_equal(f.replies[0], gone);
	assert_int_equal(f.closed, 1);
	assert_string_equal(f.closed_text, "QMP: qmp_capabilities: no ?[2Jway");
	stop(&f);
}

static void events_carry_their_time(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	negotiate(&f);
	say(&f, "{\"timestamp\":{\"seconds\":1795232032,\"microseconds\":889879},"
		"\"event\":\"STOP\"}\n");
	assert_string_equal(f.events[0], "STOP");
	assert_int_equal(f.last_ns, 1795232032889879000ull);
	say(&f, "{\"event\":\"RESUME\",\"data\":{},"
		"\"timestamp\":{\"seconds\":-1,\"microseconds\":-1}}\n");
	assert_int_equal(f.last_ns, 0);
	assert_int_equal(strv_length(f.events), 2);
	stop(&f);
}

static void nonsense_ends_the_connection(void **state)
{
	static const char *const nonsense[] = {
		"{}\n",
		"[]\n",
		"{\"return\":{}}\n",
		"{\"return\":{},\"id\":99}\n",
		"{\"return\":{},\"id\":\"1\"}\n",
		"{\"error\":{\"desc\":\"Invalid JSON\"}}\n",
		"{\"event\":1}\n",
		"{\"event\":\"STOP\",\"data\":[]}\n",
		GREETING,
		"\x80\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		struct fixture f;

		start(&f);
		negotiate(&f);
		qmp_execute(f.qmp, "stop", NULL, reply_a, &f);
		say(&f, nonsense[i]);
		assert_int_equal(f.closed, 1);
		assert_true(f.closed_code > 0);
		assert_int_equal(strv_length(f.replies), 1);
		stop(&f);
	}
}

static void an_answer_before_its_command_left_is_nonsense(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	qmp_execute(f.qmp, "stop", NULL, reply_a, &f);
	say(&f, "{\"return\":{},\"id\":0}\n");
	assert_int_equal(f.closed_code, EPROTO);
	stop(&f);
}

static void the_end_answers_what_is_open(void **state)
{
	struct fixture f;
	_cleanup_free_ char *gone = xasprintf("a !%d", ENOTCONN);

	(void)state;
	start(&f);
	negotiate(&f);
	qmp_execute(f.qmp, "quit", NULL, reply_a, &f);
	say(&f, "{\"event\":\"SHUTDOWN\"}\n");
	close_fd(&f.peer);
	settle(&f);
	assert_int_equal(strv_length(f.events), 1);
	assert_string_equal(f.replies[0], gone);
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.closed_code, -1);
	qmp_execute(f.qmp, "late", json_object(), reply_a, &f);
	assert_string_equal(f.replies[1], gone);
	stop(&f);
}

static void freeing_cancels_what_is_open(void **state)
{
	struct fixture f;
	_cleanup_free_ char *cancelled = xasprintf("a !%d", ECANCELED);

	(void)state;
	start(&f);
	qmp_execute(f.qmp, "stop", json_object(), reply_a, &f);
	qmp_free(steal_ptr(f.qmp));
	assert_string_equal(f.replies[0], cancelled);
	assert_int_equal(f.closed, 0);
	stop(&f);
}

static void handlers_may_free(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	f.free_in_event = true;
	negotiate(&f);
	qmp_execute(f.qmp, "stop", NULL, reply_a, &f);
	say(&f, "{\"event\":\"STOP\"}\n{\"event\":\"RESUME\"}\n");
	assert_int_equal(strv_length(f.events), 1);
	assert_int_equal(strv_length(f.replies), 1);
	assert_int_equal(f.closed, 0);
	stop(&f);

	/* In a reply, with another command open. */
	start(&f);
	f.free_in_reply = true;
	negotiate(&f);
	qmp_execute(f.qmp, "stop", NULL, reply_a, &f);
	qmp_execute(f.qmp, "cont", NULL, reply_b, &f);
	say(&f, "{\"return\":{},\"id\":1}\n{\"return\":{},\"id\":2}\n");
	assert_int_equal(strv_length(f.replies), 2);
	assert_int_equal(f.closed, 0);
	stop(&f);

	/* In a reply that says that the connection ended: closed() is called no more. */
	start(&f);
	f.free_in_reply = true;
	negotiate(&f);
	qmp_execute(f.qmp, "stop", NULL, reply_a, &f);
	qmp_execute(f.qmp, "cont", NULL, reply_b, &f);
	close_fd(&f.peer);
	settle(&f);
	assert_int_equal(strv_length(f.replies), 2);
	assert_int_equal(f.closed, 0);
	stop(&f);

	start(&f);
	f.free_in_closed = true;
	say(&f, "nonsense\n");
	assert_int_equal(f.closed, 1);
	assert_null(f.qmp);
	stop(&f);
}

static void a_qemu_that_does_not_read_is_told_no_more(void **state)
{
	_cleanup_free_ char *full = xasprintf("a !%d", ENOBUFS);
	static char uri[65536];
	struct fixture f;

	(void)state;
	memset(uri, 'x', sizeof(uri) - 1);
	start(&f);
	negotiate(&f);
	for (unsigned i = 0; !f.replies && i < 100; i++)
		qmp_execute(f.qmp, "migrate", json_pack("{ss}", "uri", uri), reply_a, &f);
	assert_non_null(f.replies);
	assert_string_equal(f.replies[0], full);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_wait_for_the_negotiation),
		cmocka_unit_test(answers_are_matched_by_id),
		cmocka_unit_test(a_refusal_is_an_error_of_its_command),
		cmocka_unit_test(a_refused_negotiation_ends),
		cmocka_unit_test(events_carry_their_time),
		cmocka_unit_test(nonsense_ends_the_connection),
		cmocka_unit_test(an_answer_before_its_command_left_is_nonsense),
		cmocka_unit_test(the_end_answers_what_is_open),
		cmocka_unit_test(freeing_cancels_what_is_open),
		cmocka_unit_test(handlers_may_free),
		cmocka_unit_test(a_qemu_that_does_not_read_is_told_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
