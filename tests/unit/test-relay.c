// SPDX-License-Identifier: GPL-2.0-or-later
/* The relay between a debugger and a QEMU that are both played by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/string.h"
#include "vm/relay.h"
#include "vm/rsp.h"

#define DEADLINE_MS 10000

struct fixture {
	char folder[32];
	char *gdb_path, *stub_path;
	sd_event *event;
	struct relay *relay;
	int stub_listener, stub, debugger;
	char *said;  /* by the relay to its lab */
	char *heard; /* what the peer that was asked last has got */
};

static void say(struct fixture *f, const char *word)
{
	char *before = f->said;

	f->said = before ? xasprintf("%s %s", before, word) : xstrdup(word);
	free(before);
}

static void on_attached(struct relay *relay, void *userdata)
{
	(void)relay;
	say(userdata, "attached");
}

static void on_continued(struct relay *relay, bool step, void *userdata)
{
	(void)relay;
	say(userdata, step ? "step" : "continued");
}

static void on_stopped(struct relay *relay, void *userdata)
{
	(void)relay;
	say(userdata, "stopped");
}

static void on_detached(struct relay *relay, void *userdata)
{
	(void)relay;
	say(userdata, "detached");
}

static const struct relay_handlers handlers = {on_attached, on_continued, on_stopped,
					       on_detached};

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Let the relay do all that it can do now. */
static void spin(struct fixture *f)
{
	while (sd_event_run(f->event, 0) > 0)
		continue;
}

static void attach(struct fixture *f)
{
	f->debugger = connect_to(f->gdb_path);
	spin(f);
	f->stub = accept(f->stub_listener, NULL, NULL);
	assert_true(f->stub >= 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error *error;

	strcpy(f->folder, "/tmp/relayXXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->gdb_path = xasprintf("%s/gdb", f->folder);
	f->stub_path = xasprintf("%s/stub", f->folder);
	f->stub_listener = listen_at(f->stub_path);
	assert_true(sd_event_new(&f->event) >= 0);
	error = relay_new(&f->relay, f->event, listen_at(f->gdb_path), f->stub_path,
			  &handlers, f);
	assert_null(error);
	attach(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	relay_free(f->relay);
	sd_event_unref(f->event);
	close(f->stub);
	close(f->debugger);
	close(f->stub_listener);
	unlink(f->gdb_path);
	unlink(f->stub_path);
	rmdir(f->folder);
	free(f->gdb_path);
	free(f->stub_path);
	free(f->said);
	free(f->heard);
	free(f);
	return 0;
}

#define assert_said(f, wanted)                                \
	do {                                                  \
		assert_string_equal((f)->said ?: "", wanted); \
		free(steal_ptr((f)->said));                   \
	} while (0)

static void send_packet(struct fixture *f, int fd, const char *data)
{
	_cleanup_buffer_ struct buffer out = {0};

	rsp_append(&out, data, strlen(data));
	assert_int_equal(send(fd, out.data, out.size, MSG_NOSIGNAL), out.size);
	spin(f);
}

static void send_interrupt(struct fixture *f)
{
	assert_int_equal(send(f->debugger, "\3", 1, MSG_NOSIGNAL), 1);
	spin(f);
}

/* All that lies in the socket now, packets without their frame, without acknowledgements. */
static const char *heard(struct fixture *f, int fd)
{
	_cleanup_(rsp_deinit) struct rsp rsp = {0};
	struct rsp_unit unit;
	char bytes[4096];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		rsp_feed(&rsp, bytes, n);
	free(f->heard);
	f->heard = xstrdup(n == 0 ? "EOF" : "");
	for (;;) {
		_cleanup_free_ char *before = f->heard;

		assert_null(rsp_next(&rsp, &unit));
		if (unit.kind == RSP_NOTHING) {
			before = NULL;
			return f->heard;
		}
		f->heard = xasprintf("%s%s%s", before, *before ? " " : "",
				     unit.kind == RSP_PACKET ? unit.data : "^C");
	}
}

static void test_questions_pass(void **state)
{
	struct fixture *f = *state;

	assert_said(f, "attached");
	assert_true(relay_is_attached(f->relay));
	/* QEMU tells the new debugger of the stop that it made for it, which wasn't asked. */
	send_packet(f, f->stub, "T02thread:01;");
	assert_string_equal(heard(f, f->debugger), "");
	send_packet(f, f->debugger, "?");
	assert_string_equal(heard(f, f->stub), "?");
	send_packet(f, f->stub, "T05thread:p01.01;");
	assert_string_equal(heard(f, f->debugger), "T05thread:p01.01;");
	send_packet(f, f->debugger, "QStartNoAckMode");
	assert_string_equal(heard(f, f->stub), "");
	assert_said(f, "");
}

static void test_a_continue_waits_for_the_lab(void **state)
{
	struct fixture *f = *state;

	send_packet(f, f->debugger, "vCont;c:p1.-1");
	assert_said(f, "attached continued");
	assert_string_equal(heard(f, f->stub), "");
	relay_tell(f->relay, "J\xc3\xb6!");
	assert_string_equal(heard(f, f->debugger), "O4ac3b6210a");
	assert_true(relay_run(f->relay));
	assert_string_equal(heard(f, f->stub), "vCont;c:p1.-1");
	relay_tell(f->relay, "too late");
	send_packet(f, f->stub, "T05thread:p01.01;");
	assert_string_equal(heard(f, f->debugger), "T05thread:p01.01;");
	assert_said(f, "stopped");
	assert_false(relay_run(f->relay));
}

static void test_a_step_is_told(void **state)
{
	struct fixture *f = *state;

	send_packet(f, f->debugger, "vCont;s:p1.1;c:p1.-1");
	assert_said(f, "attached step");
	assert_true(relay_run(f->relay));
	assert_string_equal(heard(f, f->stub), "vCont;s:p1.1"); /* it steps alone */
}

static void run(struct fixture *f)
{
	send_packet(f, f->debugger, "vCont;c:p1.-1");
	assert_true(relay_run(f->relay));
	assert_string_equal(heard(f, f->stub), "vCont;c:p1.-1");
	free(steal_ptr(f->said));
}

static void test_the_labs_stop_is_concealed(void **state)
{
	struct fixture *f = *state;

	run(f);
	relay_conceal(f->relay);
	send_packet(f, f->stub, "T02thread:p01.01;");
	assert_string_equal(heard(f, f->debugger), "");
	assert_said(f, "");
	assert_true(relay_run(f->relay));
	assert_string_equal(heard(f, f->stub), "vCont;c:p1.-1");
	/* And one that isn't the lab's is told. */
	send_packet(f, f->stub, "T02thread:p01.01;");
	assert_string_equal(heard(f, f->debugger), "T02thread:p01.01;");
	assert_said(f, "stopped");
}

static void test_a_breakpoint_that_came_first_is_told(void **state)
{
	struct fixture *f = *state;

	run(f);
	relay_conceal(f->relay);
	assert_true(send(f->stub, "$T05thread:01;#07", 17, 0) == 17);
	relay_read(f->relay);
	assert_said(f, "stopped");
	assert_string_equal(heard(f, f->debugger), "T05thread:01;");
}

static void test_an_interrupt_of_a_concealed_stop(void **state)
{
	struct fixture *f = *state;

	run(f);
	relay_conceal(f->relay);
	send_packet(f, f->stub, "T02thread:p01.02;");
	send_interrupt(f);
	assert_string_equal(heard(f, f->debugger), "T02thread:p01.02;");
	assert_string_equal(heard(f, f->stub), "");
	assert_said(f, "stopped");
}

static void test_an_interrupt_of_a_continue_that_waits(void **state)
{
	struct fixture *f = *state;

	send_packet(f, f->stub, "T05thread:p01.02;");
	send_packet(f, f->debugger, "c");
	free(steal_ptr(f->said));
	send_interrupt(f);
	assert_string_equal(heard(f, f->debugger), "T02thread:p01.02;");
	assert_said(f, "stopped");
	assert_false(relay_run(f->relay));
}

static void test_a_guest_that_never_runs_again(void **state)
{
	struct fixture *f = *state;

	relay_refuse(f->relay);
	assert_string_equal(heard(f, f->debugger), "");
	send_packet(f, f->stub, "T03thread:p01.02;");
	send_packet(f, f->debugger, "vCont;s:p1.2");
	free(steal_ptr(f->said));
	relay_refuse(f->relay);
	assert_string_equal(heard(f, f->debugger), "T03thread:p01.02;");
	assert_string_equal(heard(f, f->stub), "");
	assert_said(f, "stopped");
	assert_false(relay_run(f->relay));
}

static void test_an_interrupt_while_it_runs(void **state)
{
	struct fixture *f = *state;

	run(f);
	relay_conceal(f->relay); /* at the same time */
	send_interrupt(f);
	assert_string_equal(heard(f, f->stub), "^C");
	send_packet(f, f->stub, "T02thread:01;");
	assert_string_equal(heard(f, f->debugger), "T02thread:01;");
	assert_said(f, "stopped");
}

static void test_an_interrupt_while_a_condition_is_evaluated(void **state)
{
	struct fixture *f = *state;

	run(f);
	send_packet(f, f->stub, "T05thread:01;");
	assert_string_equal(heard(f, f->debugger), "T05thread:01;");
	send_interrupt(f);
	send_packet(f, f->debugger, "m0,4");
	send_packet(f, f->debugger, "vCont;s:p1.1");
	assert_said(f, "stopped step");
	assert_true(relay_run(f->relay));
	send_packet(f, f->stub, "T05thread:01;");
	assert_string_equal(heard(f, f->debugger), "T05thread:01;");
	send_packet(f, f->debugger, "vCont;c:p1.-1");
	assert_string_equal(heard(f, f->debugger), "T02thread:01;");
	assert_said(f, "stopped stopped");
	send_packet(f, f->debugger, "vCont;c:p1.-1");
	assert_said(f, "continued");
}

static void test_a_debugger_that_detaches(void **state)
{
	struct fixture *f = *state;

	send_packet(f, f->debugger, "D;1");
	assert_said(f, "attached detached");
	assert_string_equal(heard(f, f->stub), "D;1");
	send_packet(f, f->stub, "OK");
	assert_string_equal(heard(f, f->debugger), "OK");
	close(f->debugger);
	spin(f);
	assert_false(relay_is_attached(f->relay));
	assert_string_equal(heard(f, f->stub), "EOF");
	close(f->stub);
	attach(f);
	assert_said(f, "attached");
}

static void test_a_debugger_that_dies(void **state)
{
	struct fixture *f = *state;

	close(f->debugger);
	spin(f);
	assert_string_equal(heard(f, f->stub), "?");
	assert_said(f, "attached");
	send_packet(f, f->stub, "T05thread:01;");
	assert_string_equal(heard(f, f->stub), "D;1");
	assert_said(f, "detached");
	send_packet(f, f->stub, "OK");
	assert_false(relay_is_attached(f->relay));
	f->debugger = -1;
}

static void test_a_debugger_that_kills_leaves(void **state)
{
	struct fixture *f = *state;

	send_packet(f, f->debugger, "vKill;1");
	assert_string_equal(heard(f, f->debugger), "OK");
	send_packet(f, f->debugger, "k");
	assert_string_equal(heard(f, f->debugger), "OK");
	assert_string_equal(heard(f, f->stub), "");
	assert_said(f, "attached");
	close(f->debugger);
	spin(f);
	assert_string_equal(heard(f, f->stub), "?");
	f->debugger = -1;
}

/* The stop that QEMU makes for a new debugger is told behind its end. */
static void test_a_debugger_that_dies_at_once(void **state)
{
	struct fixture *f = *state;
	char byte;

	close(f->debugger);
	spin(f);
	send_packet(f, f->stub, "T02thread:01;");
	assert_string_equal(heard(f, f->stub), "? D;1");
	send_packet(f, f->stub, "T05thread:01;");
	send_packet(f, f->stub, "OK");
	/* For an acknowledgement more QEMU would stop the guest. */
	assert_int_equal(recv(f->stub, &byte, 1, MSG_DONTWAIT), 0);
	f->debugger = -1;
}

static void test_a_debugger_that_dies_while_the_guest_runs(void **state)
{
	struct fixture *f = *state;

	run(f);
	close(f->debugger);
	spin(f);
	assert_string_equal(heard(f, f->stub), "^C");
	send_packet(f, f->stub, "T02thread:01;");
	assert_string_equal(heard(f, f->stub), "?");
	send_packet(f, f->stub, "T05thread:01;");
	assert_string_equal(heard(f, f->stub), "D;1");
	assert_said(f, "detached");
	f->debugger = -1;
}

static void test_a_second_debugger_is_hung_up_on(void **state)
{
	struct fixture *f = *state;
	int second = connect_to(f->gdb_path);

	spin(f);
	assert_string_equal(heard(f, second), "EOF");
	assert_string_equal(heard(f, f->debugger), "");
	assert_true(relay_is_attached(f->relay));
	close(second);
}

static void test_a_debugger_that_comes_when_one_has_gone(void **state)
{
	struct fixture *f = *state;
	int second = connect_to(f->gdb_path);

	close(f->debugger); /* and the relay is told of the second one before */
	spin(f);
	assert_string_equal(heard(f, second), "");
	close(f->stub);
	f->stub = accept(f->stub_listener, NULL, NULL);
	f->debugger = second;
	send_packet(f, second, "?");
	assert_string_equal(heard(f, f->stub), "?");
}

static void test_garbage_ends_the_debuggers_connection(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(send(f->debugger, "$g#00", 5, 0), 5);
	spin(f);
	assert_string_equal(heard(f, f->debugger), "EOF");
	assert_string_equal(heard(f, f->stub), "?"); /* cleans up behind it */
}

static void test_qemu_ends(void **state)
{
	struct fixture *f = *state;

	close(f->stub);
	spin(f);
	assert_string_equal(heard(f, f->debugger), "EOF");
	assert_false(relay_is_attached(f->relay));
	f->stub = -1;
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_questions_pass),
		test(test_a_continue_waits_for_the_lab),
		test(test_a_step_is_told),
		test(test_the_labs_stop_is_concealed),
		test(test_a_breakpoint_that_came_first_is_told),
		test(test_an_interrupt_of_a_concealed_stop),
		test(test_an_interrupt_of_a_continue_that_waits),
		test(test_a_guest_that_never_runs_again),
		test(test_an_interrupt_while_it_runs),
		test(test_an_interrupt_while_a_condition_is_evaluated),
		test(test_a_debugger_that_detaches),
		test(test_a_debugger_that_dies),
		test(test_a_debugger_that_kills_leaves),
		test(test_a_debugger_that_dies_at_once),
		test(test_a_debugger_that_dies_while_the_guest_runs),
		test(test_a_second_debugger_is_hung_up_on),
		test(test_a_debugger_that_comes_when_one_has_gone),
		test(test_garbage_ends_the_debuggers_connection),
		test(test_qemu_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
