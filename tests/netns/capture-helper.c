// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Captures links of a namespace of its own, for test_capture.py:
 *
 *	capture-helper FILE|- FILTER SNAPLEN RING LINK...
 *
 * It says "entered" (with standard error, as FILE may be -), waits for a line while the
 * test makes the links, says "capturing", and finishes at the next line. A filter "" is
 * none.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#include "capture/capture.h"
#include "util/namespace.h"
#include "util/string.h"

struct run {
	sd_event *event;
	struct error *failure;
};

static void say(const char *line)
{
	fprintf(stderr, "%s\n", line);
}

static int fail(struct error *error)
{
	_cleanup_error_ struct error *owned = error;
	_cleanup_free_ char *text = error_text(owned);

	fprintf(stderr, "failed %d %s\n", owned->code, text);
	return 1;
}

static void wait_for_line(void)
{
	char line[16];

	if (!fgets(line, sizeof(line), stdin))
		exit(3);
}

static void on_failed(struct capture *capture, struct error *error, void *userdata)
{
	struct run *run = userdata;

	(void)capture;
	run->failure = error;
	sd_event_exit(run->event, 1);
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)fd, (void)events, (void)userdata;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static struct error *open_output(const char *path, int *fd)
{
	*fd = streq(path, "-")
		      ? dup(1)
		      : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return *fd < 0 ? error_errno(errno, "%s", path) : NULL;
}

static void report(struct capture *capture)
{
	struct capture_statistics statistics;

	for (size_t i = 0; capture_get_statistics(capture, i, &statistics); i++)
		fprintf(stderr, "link %zu %lu %lu %lu\n", i, statistics.received,
			statistics.dropped, statistics.written);
}

static struct error *start(struct run *run, char **argv, struct capture **capture)
{
	struct capture_link links[8];
	struct capture_options options = {
		.links = links,
		.filter = argv[2][0] ? argv[2] : NULL,
		.snaplen = strtoul(argv[3], NULL, 10),
		.ring_bytes = strtoul(argv[4], NULL, 10),
		.comment = "made by a test",
	};
	int fd;

	for (char **name = argv + 5; *name && options.n_links < ARRAY_SIZE(links); name++)
		links[options.n_links++] =
			(struct capture_link){.name = *name,
					      .description = "a link of the test",
					      .namespace = -1};
	try(open_output(argv[1], &fd));
	return capture_new(capture, run->event, fd, &options, on_failed, run);
}

static struct error *finish(struct run *run, struct capture *capture)
{
	struct error *error = capture_finish(capture);

	report(capture);
	return run->failure ?: error;
}

int main(int argc, char **argv)
{
	_cleanup_capture_ struct capture *capture = NULL;
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	struct run run = {0};
	struct error *error;

	if (argc < 6)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	error = namespace_enter_new();
	if (error)
		return fail(error);
	say("entered");
	wait_for_line();
	if (sd_event_default(&event) < 0)
		return 3;
	run.event = event;
	error = start(&run, argv, &capture);
	if (error)
		return fail(error);
	sd_event_add_io(event, NULL, 0, EPOLLIN, on_input, NULL);
	say("capturing");
	sd_event_loop(event);
	error = finish(&run, capture);
	return error ? fail(error) : 0;
}
