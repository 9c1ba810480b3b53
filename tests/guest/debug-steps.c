// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * debug-steps VMLINUX SOCKET FUNCTION[=TIMES]...: a debug session as the supervisor runs it.
 * Prints each event as a line of JSON, then {"event": "ended", "error": TEXT or null}.
 * SIGTERM frees the session while it runs.
 *
 * debug-steps --interactive VMLINUX SOCKET GDB-ARGUMENT...: becomes gdb, as `netlab gdb` does.
 */
#include <signal.h>
#include <stdio.h>

#include "debug/debug.h"
#include "util/lines.h"
#include "util/string.h"

static void print_event(struct debug_session *session, const json_t *event,
			void *userdata)
{
	_cleanup_free_ char *line = json_line(event);

	(void)session, (void)userdata;
	fputs(line, stdout);
	fflush(stdout);
}

static void print_end(struct debug_session *session, struct error *error, void *userdata)
{
	_cleanup_free_ char *text = error ? error_text(error) : NULL;
	_cleanup_json_ json_t *event =
		json_pack("{s:s, s:s?}", "event", "ended", "error", text);

	error_free(error);
	print_event(session, event, NULL);
	sd_event_exit(userdata, text ? 1 : 0);
}

static struct debug_step *parse_steps(char **words, size_t n)
{
	struct debug_step *steps = xcalloc(n, sizeof(*steps));

	for (size_t i = 0; i < n; i++) {
		char *times = words[i];

		steps[i].at = strsep(&times, "=");
		steps[i].times = times ? atoi(times) : 1;
	}
	return steps;
}

static int run(sd_event *loop, const struct debug_options *options)
{
	const struct debug_handlers handlers = {print_event, print_end};
	_cleanup_debug_ struct debug_session *session = NULL;
	_cleanup_error_ struct error *error =
		debug_start(&session, loop, options, &handlers, loop);

	return error ? 1 : sd_event_loop(loop);
}

static int interactive(char **argv)
{
	_cleanup_free_ char *directory =
		xstrndup(argv[0], strrchr(argv[0], '/') - argv[0]);
	const struct debug_options options = {
		.guest = "guest",
		.vmlinux = argv[0],
		.kernel_directory = directory,
		.gdb_socket = argv[1],
	};
	_cleanup_strv_ char **command = gdb_argv(&options, argv + 2);

	execvp(command[0], command);
	return 1;
}

int main(int argc, char **argv)
{
	_cleanup_free_ struct debug_step *steps = NULL;
	_cleanup_(sd_event_unrefp) sd_event *loop = NULL;
	sigset_t terminate;

	if (argc < 4 || sd_event_new(&loop) < 0)
		return 2;
	if (streq(argv[1], "--interactive"))
		return interactive(argv + 2);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&terminate);
	sigaddset(&terminate, SIGTERM);
	sigprocmask(SIG_BLOCK, &terminate, NULL);
	sd_event_add_signal(loop, NULL, SIGTERM, NULL, NULL);
	steps = parse_steps(argv + 3, argc - 3);
	return run(loop, &(struct debug_options){
				 .guest = "guest",
				 .vmlinux = argv[1],
				 .gdb_socket = argv[2],
				 .steps = steps,
				 .n_steps = argc - 3,
			 });
}
