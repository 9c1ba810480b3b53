// SPDX-License-Identifier: GPL-2.0-or-later
/* Debug sessions against a gdb that is a shell script, and a QEMU that is this test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "image/symbols.h"
#include "debug/debug.h"
#include "util/file.h"
#include "util/lines.h"
#include "util/process.h"
#include "util/string.h"

/* Takes the place of image/'s: a kernel of two functions. */
bool guest_image_has_function(const struct guest_image *image, const char *name)
{
	(void)image, (void)name;
	return false;
}

struct error *symbols_check_function(const char *vmlinux, const char *name)
{
	(void)vmlinux;
	if (streq(name, "ep_poll") || streq(name, "e1000_clean"))
		return NULL;
	return error_hint(error_new(ENOENT, "no function '%s'", name),
			  "did you mean ep_poll?");
}

struct seen {
	sd_event *loop;
	char *events; /* their names, each with a space behind it */
	char *error;  /* text of what the session ended with; NULL: nothing */
	bool ended;
	const char *free_at; /* leave the loop at this event */
};

struct fixture {
	char folder[32];
	char *path;
	char *socket;
	struct seen seen;
	struct debug_step step;
	struct debug_options options;
};

static void on_event(struct debug_session *session, const json_t *event, void *userdata)
{
	const char *name = json_string_value(json_object_get(event, "event"));
	struct seen *seen = userdata;
	char *events = xasprintf("%s%s ", seen->events ?: "", name);

	(void)session;
	free(seen->events);
	seen->events = events;
	if (seen->free_at && streq(name, seen->free_at))
		sd_event_exit(seen->loop, 0);
}

static void on_ended(struct debug_session *session, struct error *error, void *userdata)
{
	struct seen *seen = userdata;

	(void)session;
	seen->error = error ? error_text(error) : NULL;
	seen->ended = true;
	error_free(error);
	sd_event_exit(seen->loop, 0);
}

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	strcpy(f->folder, "/tmp/nlgdbXXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->path = xstrdup(getenv("PATH"));
	f->socket = xasprintf("%s/gdb.sock", f->folder);
	f->step = (struct debug_step){"server", "ep_poll", DEBUG_BACKTRACE, 2, {7, 3, 0}};
	f->options = (struct debug_options){
		.guest = "server",
		.vmlinux = "/k/vmlinux",
		.kernel_directory = "/k",
		.gdb_socket = f->socket,
		.steps = &f->step,
		.n_steps = 1,
	};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	setenv("PATH", f->path, 1);
	assert_null(remove_tree(f->folder));
	free(f->seen.events);
	free(f->seen.error);
	free(f->socket);
	free(f->path);
	free(f);
	return 0;
}

/* @script runs as gdb; it reports with `say JSON`, in its own folder. */
static void run_session(struct fixture *f, const char *script)
{
	const struct debug_handlers handlers = {on_event, on_ended};
	_cleanup_free_ char *program = xasprintf("%s/gdb", f->folder);
	_cleanup_free_ char *path = xasprintf("%s:%s", f->folder, f->path);
	_cleanup_free_ char *text = xasprintf(
		"#!/bin/sh\ncd %s\nsay() { echo \"$1\" >&$NETLAB_GDB_REPORT; }\n"
		"%s\n",
		f->folder, script);
	_cleanup_(sd_event_unrefp) sd_event *loop = NULL;
	_cleanup_debug_ struct debug_session *session = NULL;

	assert_null(file_write(program, text, strlen(text)));
	assert_int_equal(chmod(program, 0700), 0);
	setenv("PATH", path, 1);
	assert_true(sd_event_new(&loop) >= 0);
	f->seen.loop = loop;
	assert_null(debug_start(&session, loop, &f->options, &handlers, &f->seen));
	assert_true(sd_event_loop(loop) >= 0);
}

static void test_done(void **state)
{
	struct fixture *f = *state;

	run_session(f, "say '{\"event\":\"armed\"}'\nsay '{\"event\":\"hit\"}'\n"
		       "say '{\"event\":\"done\"}'");
	assert_string_equal(f->seen.events, "armed hit done ");
	assert_true(f->seen.ended);
	assert_null(f->seen.error);
}

static void test_gdb_dies(void **state)
{
	struct fixture *f = *state;

	run_session(f, "say '{\"event\":\"armed\"}'\necho no symbol >&2\nkill -SEGV $$");
	assert_string_equal(f->seen.error, "server: gdb: killed by SIGSEGV: no symbol");
}

static void test_gdb_leaves_early(void **state)
{
	struct fixture *f = *state;

	run_session(f, "exit 3");
	assert_string_equal(f->seen.error, "server: gdb: exit status 3");
}

static void test_output_is_bounded(void **state)
{
	struct fixture *f = *state;

	run_session(f, "yes noise | head -n 20000\necho last words\nexit 1");
	assert_non_null(strstr(f->seen.error, "noise\nlast words"));
	assert_true(strlen(f->seen.error) < 2200);
}

static void test_garbage(void **state)
{
	struct fixture *f = *state;

	run_session(f, "say '[1]'\nexec sleep 60");
	assert_non_null(strstr(f->seen.error, "gdb's report: JSON, but not an object"));
}

static void test_no_function(void **state)
{
	struct fixture *f = *state;

	run_session(f, "say '{\"event\":\"error\",\"code\":\"no-function\","
		       "\"function\":\"ep_pol\",\"message\":\"?\"}'\nexit 1");
	assert_string_equal(f->seen.error,
			    "server: no function 'ep_pol'; did you mean ep_poll?");
}

static void test_other_error(void **state)
{
	struct fixture *f = *state;

	run_session(f, "say '{\"event\":\"error\",\"code\":\"guest-ended\","
		       "\"message\":\"the guest ended\"}'\nexit 1");
	assert_string_equal(f->seen.error, "server: gdb: the guest ended");
}

static void test_freed_while_it_runs(void **state)
{
	_cleanup_free_ char *mark = NULL;
	struct fixture *f = *state;

	f->seen.free_at = "armed";
	run_session(f, "trap 'touch left; exit 0' TERM\nsay '{\"event\":\"armed\"}'\n"
		       "while :; do :; done");
	mark = xasprintf("%s/left", f->folder);
	assert_true(file_exists(mark));
	assert_false(f->seen.ended);
}

/* --- a debugger that was killed ----------------------------------------------------- */

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static bool expect(int fd, const char *wanted)
{
	char got[32] = "";

	for (size_t i = 0; i < strlen(wanted); i++)
		if (read(fd, got + i, 1) != 1)
			return false;
	return streq(got, wanted);
}

static bool answer(int fd, const char *text)
{
	return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* What QEMU 7.2 and the relay say to a debugger that comes in another's place. */
static void stub(int listener)
{
	int fd = accept(listener, NULL, NULL);

	alarm(10);
	_exit(expect(fd, "$?#3f$qAttached#8f") && answer(fd, "+$T02thread:p01.01;#03") &&
			      expect(fd, "+") && answer(fd, "+$1#31") &&
			      expect(fd, "+$D;1#b0") && answer(fd, "+$OK#9a") &&
			      !expect(fd, "+") /* would stop the guest */
		      ? 0
		      : 1);
}

static void test_release(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int listener = listen_at(f->socket);
	pid_t pid = fork();
	int status;

	if (pid == 0)
		stub(listener);
	assert_null(debug_release(f->socket));
	assert_null(process_wait(pid, &status));
	assert_int_equal(status, 0);
}

static void test_release_without_guest(void **state)
{
	struct fixture *f = *state;
	_cleanup_error_ struct error *error = debug_release(f->socket);

	assert_non_null(error);
	assert_int_equal(error->code, ENOENT);
}

/* --- what is pure ------------------------------------------------------------------- */

static void test_argv_interactive(void **state)
{
	struct fixture *f = *state;
	char *mine[] = {"-ex", "break x", NULL};
	_cleanup_strv_ char **argv = NULL;
	_cleanup_free_ char *line = NULL;

	f->options.n_steps = 0;
	f->options.gdb_socket = "/run/l/\"g\".sock";
	argv = gdb_argv(&f->options, mine);
	line = strv_join(argv, "|");
	assert_non_null(strstr(
		line, "gdb|-q|-iex|add-auto-load-safe-path /k|-iex|"
		      "python netlab_options = "
		      "{\"guest\":\"server\",\"socket\":\"/run/l/\\\"g\\\".sock\"}|"
		      "/k/vmlinux|-x|"));
	assert_non_null(strstr(line, "/gdb/netlab.py|-ex|break x"));
}

static void test_argv_batch(void **state)
{
	struct fixture *f = *state;
	_cleanup_strv_ char **argv = NULL;
	_cleanup_free_ char *line = NULL;

	f->options.gdb_socket = "s";
	argv = gdb_argv(&f->options, NULL);
	line = strv_join(argv, "|");
	assert_non_null(strstr(line, "gdb|-q|-nx|-batch|"));
	assert_non_null(strstr(
		line, "\"steps\":[{\"at\":\"ep_poll\",\"times\":2}]}|/k/vmlinux|-x|"));
}

static void test_argv_not_utf8(void **state)
{
	struct fixture *f = *state;

	f->options.gdb_socket = "/run/\xff";
	assert_null(gdb_argv(&f->options, NULL));
}

static char *check(const char *at)
{
	struct debug_step step = {"server", (char *)at, DEBUG_BACKTRACE, 1, {7, 3, 0}};
	struct topology topology = {.file = "lab.yaml", .debugs = &step, .n_debugs = 1};
	_cleanup_error_ struct error *error =
		debug_check_steps(&topology, NULL, "vmlinux", NULL);

	return error ? error_text(error) : NULL;
}

static void test_check_steps(void **state)
{
	_cleanup_free_ char *missing = check("ep_pol"),
			    *odd = check("*0 + $_shell(\"\")"), *line = check("17");

	(void)state;
	assert_null(check("ep_poll"));
	assert_null(check("e1000_main.c:e1000_clean"));
	assert_null(check("eventpoll.c:1142"));
	assert_string_equal(missing, "lab.yaml:7:3: no function 'ep_pol'; "
				     "did you mean ep_poll?");
	assert_non_null(strstr(odd, "is not a function's name"));
	assert_non_null(strstr(line, "is not a function's name"));
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_fixture(test_done),
		with_fixture(test_gdb_dies),
		with_fixture(test_gdb_leaves_early),
		with_fixture(test_output_is_bounded),
		with_fixture(test_garbage),
		with_fixture(test_no_function),
		with_fixture(test_other_error),
		with_fixture(test_freed_while_it_runs),
		with_fixture(test_release),
		with_fixture(test_release_without_guest),
		with_fixture(test_argv_interactive),
		with_fixture(test_argv_batch),
		with_fixture(test_argv_not_utf8),
		cmocka_unit_test(test_check_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
