// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "util/channel.h"
#include "util/lines.h"
#include "util/string.h"

/* A channel, the other end of its socket, and what its handlers saw. */
struct fixture {
	sd_event *event;
	struct channel *channel;
	int near; /* the channel's descriptor: borrowed */
	int peer;
	char **messages; /* each as compact JSON */
	unsigned garbage;
	unsigned closed;
	int closed_code; /* -1: an orderly end */
	int taken;       /* the descriptor that the last message brought; -1: none */
	unsigned drained;
	bool free_in_message;
	bool free_in_drained;
	bool hold_in_message;
	bool free_in_closed;
	bool echo;
};

static void on_message(struct channel *channel, json_t *message, void *userdata)
{
	struct fixture *f = userdata;

	strv_push(&f->messages, json_dumps(message, JSON_COMPACT));
	if (json_object_get(message, "fd"))
		f->taken = channel_take_fd(channel);
	if (f->echo)
		assert_null(channel_send(channel, json_incref(message)));
	if (f->hold_in_message)
		channel_hold(channel, true);
	if (f->free_in_message)
		channel_free(steal_ptr(f->channel));
}

static void on_garbage(struct channel *channel, struct error *error, void *userdata)
{
	struct fixture *f = userdata;

	(void)channel;
	f->garbage++;
	error_free(error);
}

static void on_drained(struct channel *channel, void *userdata)
{
	struct fixture *f = userdata;

	(void)channel;
	f->drained++;
	if (f->free_in_drained)
		channel_free(steal_ptr(f->channel));
}

static void on_closed(struct channel *channel, struct error *error, void *userdata)
{
	struct fixture *f = userdata;

	(void)channel;
	f->closed++;
	f->closed_code = error ? error->code : -1;
	error_free(error);
	if (f->free_in_closed)
		channel_free(steal_ptr(f->channel));
}

static const struct channel_handlers strict = {
	.message = on_message,
	.drained = on_drained,
	.closed = on_closed,
};
static const struct channel_handlers tolerant = {
	.message = on_message,
	.garbage = on_garbage,
	.closed = on_closed,
};

static void start(struct fixture *f, const struct channel_handlers *handlers)
{
	const struct channel_limits limits = {.line = 1024, .queue = 1 << 20};
	int pair[2];

	*f = (struct fixture){.taken = -1};
	assert_true(sd_event_new(&f->event) >= 0);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
		0);
	f->near = pair[0];
	f->peer = pair[1];
	assert_null(channel_new(&f->channel, f->event, pair[0], &limits, handlers, f));
}

static void stop(struct fixture *f)
{
	channel_free(f->channel);
	sd_event_unref(f->event);
	close_fd(&f->peer);
	close_fd(&f->taken);
	strv_free(f->messages);
}

/* Runs the loop until nothing is left to do. */
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

static void messages_come_whole_and_in_order(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, &strict);
	say(&f, "{\"a\":1}\r\n{\"b\"");
	assert_int_equal(strv_length(f.messages), 1);
	say(&f, ":2}\n{\"c\":3}\n");
	assert_int_equal(strv_length(f.messages), 3);
	assert_string_equal(f.messages[0], "{\"a\":1}");
	assert_string_equal(f.messages[1], "{\"b\":2}");
	assert_string_equal(f.messages[2], "{\"c\":3}");
	assert_int_equal(f.closed, 0);
	close_fd(&f.peer);
	settle(&f);
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.closed_code, -1);
	stop(&f);
}

static void garbage_ends_a_strict_channel(void **state)
{
	static const char *const lines[] = {"[1]\n{}\n", "nonsense\n{}\n",
					    "{\"a\":1,\"a\":2}\n", "\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct fixture f;

		start(&f, &strict);
		say(&f, lines[i]);
		assert_int_equal(f.closed, 1);
		assert_int_equal(f.closed_code, EPROTO);
		assert_null(f.messages);
		stop(&f);
	}
}

static void a_tolerant_channel_goes_on(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, &tolerant);
	say(&f, "[1]\nnonsense\n{\"a\":1}\n");
	assert_int_equal(f.garbage, 2);
	assert_int_equal(strv_length(f.messages), 1);
	assert_int_equal(f.closed, 0);
	stop(&f);
}

static void a_line_without_end_is_refused(void **state)
{
	char line[1100];
	struct fixture f;

	(void)state;
	start(&f, &strict);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	say(&f, line);
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.closed_code, EMSGSIZE);
	stop(&f);
}

static void handlers_may_free(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, &strict);
	f.free_in_message = true;
	say(&f, "{\"a\":1}\n{\"b\":2}\n");
	assert_int_equal(strv_length(f.messages), 1);
	assert_int_equal(f.closed, 0);
	stop(&f);

	start(&f, &strict);
	f.free_in_closed = true;
	say(&f, "nonsense\n");
	assert_int_equal(f.closed, 1);
	assert_null(f.channel);
	stop(&f);
}

/* Reads what there is at the peer; returns the number of lines. */
static size_t peer_lines(struct fixture *f)
{
	char block[4096];
	size_t lines = 0;
	ssize_t n;

	while ((n = recv(f->peer, block, sizeof(block), 0)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			lines += block[i] == '\n';
		settle(f);
	}
	return lines;
}

static struct error *send_block(struct fixture *f)
{
	static char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	return channel_send(f->channel, json_pack("{ss}", "text", text));
}

static void a_peer_that_does_not_read_fills_the_queue(void **state)
{
	_cleanup_error_ struct error *error = NULL;
	struct fixture f;
	size_t sent = 0;

	(void)state;
	start(&f, &strict);
	while (!(error = send_block(&f)) && sent < 100000)
		sent++;
	assert_non_null(error);
	assert_int_equal(error->code, ENOBUFS);
	assert_true(channel_queued(f.channel) > (1 << 20) - 2000);
	assert_int_equal(peer_lines(&f), sent);
	assert_int_equal(channel_queued(f.channel), 0);
	assert_int_equal(f.drained, 1);
	assert_null(send_block(&f));
	assert_int_equal(peer_lines(&f), 1);
	assert_int_equal(f.drained, 1);
	stop(&f);
}

static void drained_may_free(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, &strict);
	f.free_in_drained = true;
	while (!channel_queued(f.channel))
		assert_null(send_block(&f));
	peer_lines(&f);
	assert_int_equal(f.drained, 1);
	assert_null(f.channel);
	stop(&f);
}

static void a_held_channel_hears_nothing(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, &strict);
	f.hold_in_message = true;
	say(&f, "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
	assert_int_equal(strv_length(f.messages), 1);
	/* The peer's end is not heard either, and doesn't make the loop spin. */
	say(&f, "{\"d\":4}\n");
	close_fd(&f.peer);
	assert_int_equal(sd_event_run(f.event, 0), 0);
	assert_int_equal(strv_length(f.messages), 1);
	channel_hold(f.channel, false);
	settle(&f);
	assert_int_equal(strv_length(f.messages), 2);
	f.hold_in_message = false;
	channel_hold(f.channel, false);
	settle(&f);
	assert_int_equal(strv_length(f.messages), 4);
	assert_string_equal(f.messages[3], "{\"d\":4}");
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.closed_code, -1);
	stop(&f);
}

/* epoll doesn't watch regular files: EPERM, when the channel is to be listened to again. */
static void one_that_epoll_refuses_ends(void **state)
{
	_cleanup_close_ int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct fixture f;

	(void)state;
	start(&f, &strict);
	channel_hold(f.channel, true);
	assert_true(file >= 0 && dup3(file, f.near, O_CLOEXEC) >= 0);
	channel_hold(f.channel, false);
	assert_int_equal(f.closed, 0);
	settle(&f);
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.closed_code, EPERM);
	stop(&f);
}

static void drain_sends_the_queue_first(void **state)
{
	_cleanup_error_ struct error *error = NULL;
	struct fixture f;
	size_t sent = 0;

	(void)state;
	start(&f, &strict);
	for (; sent < 500; sent++)
		assert_null(send_block(&f));
	assert_true(channel_queued(f.channel) > 0);
	channel_drain(f.channel, 60 * 1000000ull);
	error = send_block(&f);
	assert_int_equal(error->code, ENOTCONN);
	settle(&f);
	assert_int_equal(f.closed, 0);
	assert_int_equal(peer_lines(&f), sent);
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.closed_code, -1);
	stop(&f);
}

static void drain_of_an_empty_queue_ends(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, &strict);
	channel_drain(f.channel, 60 * 1000000ull);
	assert_int_equal(f.closed, 0);
	settle(&f);
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.closed_code, -1);
	stop(&f);
}

static void drain_has_a_deadline(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, &strict);
	while (!channel_queued(f.channel))
		assert_null(send_block(&f));
	channel_drain(f.channel, 1000);
	while (!f.closed)
		assert_true(sd_event_run(f.event, 10 * 1000000ull) > 0);
	assert_int_equal(f.closed_code, ETIMEDOUT);
	stop(&f);
}

static void last_words_are_heard(void **state)
{
	static const char words[] = "{\"last\":\"words\"}\n";
	struct fixture f;

	(void)state;
	start(&f, &strict);
	assert_int_equal(send(f.peer, words, strlen(words), 0), strlen(words));
	close_fd(&f.peer);
	assert_null(send_block(&f));
	assert_int_equal(f.closed, 0);
	settle(&f);
	assert_int_equal(strv_length(f.messages), 1);
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.closed_code, -1);
	stop(&f);
}

static bool same_file(int a, int b)
{
	char byte = 'x';

	/* Written into one end of a pipe, read from what came over the socket. */
	return write(a, &byte, 1) == 1 && read(b, &byte, 1) == 1;
}

static void descriptors_travel_with_messages(void **state)
{
	struct fixture to = {0}, from;
	struct channel_limits limits = {.line = 1024, .queue = 1 << 20};
	int ends[2];

	(void)state;
	start(&from, &strict);
	/* The peer's end becomes a channel too, on the same loop. */
	to.taken = -1;
	to.event = sd_event_ref(from.event);
	assert_null(channel_new(&to.channel, to.event, steal_fd(from.peer), &limits,
				&strict, &to));
	to.peer = -1;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_null(send_block(&from));
	assert_null(channel_send_fd(from.channel, json_pack("{sb}", "fd", 1), ends[0]));
	assert_null(send_block(&from));
	settle(&from);
	assert_int_equal(strv_length(to.messages), 3);
	assert_true(to.taken >= 0);
	assert_true(to.taken != ends[0]);
	assert_true(fcntl(to.taken, F_GETFD) & FD_CLOEXEC);
	assert_true(same_file(ends[1], to.taken));
	assert_int_equal(channel_take_fd(to.channel), -1);
	close(ends[0]);
	close(ends[1]);
	stop(&to);
	stop(&from);
}

static void queued_descriptors_keep_their_order(void **state)
{
	struct fixture to = {0}, from;
	struct channel_limits limits = {.line = 1024, .queue = 1 << 20};
	int first[2], second[2], got;

	(void)state;
	start(&from, &strict);
	assert_int_equal(pipe2(first, O_CLOEXEC), 0);
	assert_int_equal(pipe2(second, O_CLOEXEC), 0);
	while (!channel_queued(from.channel))
		assert_null(send_block(&from));
	assert_null(channel_send_fd(from.channel, json_pack("{si}", "n", 1), first[0]));
	assert_null(send_block(&from));
	assert_null(channel_send_fd(from.channel, json_pack("{si}", "n", 2), second[0]));
	to.taken = to.peer = -1;
	to.event = sd_event_ref(from.event);
	assert_null(channel_new(&to.channel, to.event, steal_fd(from.peer), &limits,
				&strict, &to));
	settle(&from);
	got = channel_take_fd(to.channel);
	assert_true(same_file(first[1], got));
	close(got);
	got = channel_take_fd(to.channel);
	assert_true(same_file(second[1], got));
	close(got);
	for (int i = 0; i < 2; i++) {
		close(first[i]);
		close(second[i]);
	}
	stop(&to);
	stop(&from);
}

static void a_flood_of_descriptors_is_refused(void **state)
{
	struct fixture f, flood = {0};
	struct channel_limits limits = {.line = 1024, .queue = 1 << 20};

	(void)state;
	start(&f, &strict);
	flood.taken = flood.peer = -1;
	flood.event = sd_event_ref(f.event);
	assert_null(channel_new(&flood.channel, f.event, steal_fd(f.peer), &limits,
				&strict, &flood));
	for (int i = 0; i <= CHANNEL_MAX_FDS; i++)
		assert_null(channel_send_fd(flood.channel, json_object(), 0));
	settle(&f);
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.closed_code, EPROTO);
	stop(&flood);
	stop(&f);
}

static void answers_go_out_from_handlers(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, &strict);
	f.echo = true;
	say(&f, "{}\n{}\n{}\n");
	assert_int_equal(peer_lines(&f), 3);
	stop(&f);
}

static void text_that_is_not_utf8_is_an_error(void **state)
{
	_cleanup_error_ struct error *error = NULL;
	struct fixture f;

	(void)state;
	start(&f, &strict);
	error = channel_send(f.channel, json_pack("{ss}", "a", "\xff"));
	assert_non_null(error);
	assert_int_equal(error->code, EILSEQ);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_whole_and_in_order),
		cmocka_unit_test(garbage_ends_a_strict_channel),
		cmocka_unit_test(a_tolerant_channel_goes_on),
		cmocka_unit_test(a_line_without_end_is_refused),
		cmocka_unit_test(handlers_may_free),
		cmocka_unit_test(a_peer_that_does_not_read_fills_the_queue),
		cmocka_unit_test(drained_may_free),
		cmocka_unit_test(a_held_channel_hears_nothing),
		cmocka_unit_test(one_that_epoll_refuses_ends),
		cmocka_unit_test(drain_sends_the_queue_first),
		cmocka_unit_test(drain_of_an_empty_queue_ends),
		cmocka_unit_test(drain_has_a_deadline),
		cmocka_unit_test(last_words_are_heard),
		cmocka_unit_test(descriptors_travel_with_messages),
		cmocka_unit_test(queued_descriptors_keep_their_order),
		cmocka_unit_test(a_flood_of_descriptors_is_refused),
		cmocka_unit_test(answers_go_out_from_handlers),
		cmocka_unit_test(text_that_is_not_utf8_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
