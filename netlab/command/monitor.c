// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>

#include "command/command.h"
#include "command/node.h"
#include "diag/event.h"
#include "topology/describe.h"
#include "util/namespace.h"
#include "util/string.h"

struct monitor {
	struct net_watch *watch;
	bool json;
	bool ended; /* it can't be read from, or no one reads what we print */
	struct error *failure;
};

static void monitor_deinit(struct monitor *monitor)
{
	net_watch_free(monitor->watch);
	error_free(monitor->failure);
}

static void print_json(const struct net_event *event, const struct link_states *states,
		       const struct timespec *now)
{
	_cleanup_json_ json_t *json = net_event_to_json(event, states);
	_cleanup_free_ char *line = NULL;

	json_object_set_new(json, "time_ns",
			    json_integer(now->tv_sec * 1000000000ll + now->tv_nsec));
	json_object_set_new(json, "node", json_string(HOST_SIDE));
	line = json_line(json);
	fputs(line, stdout);
}

static void print_text(const struct net_event *event, const struct link_states *states,
		       const struct timespec *now)
{
	_cleanup_free_ char *text = net_event_text(event, states);
	char clock[sizeof("hh:mm:ss")] = "";
	struct tm local;

	if (localtime_r(&now->tv_sec, &local))
		strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	printf("%s.%03ld %s\n", clock, now->tv_nsec / 1000000, text);
}

static void on_event(const struct net_event *event, const struct link_states *states,
		     void *userdata)
{
	struct monitor *monitor = userdata;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (monitor->json)
		print_json(event, states, &now);
	else
		print_text(event, states, &now);
}

static void read_events(struct monitor *monitor)
{
	struct error *error = net_watch_read(monitor->watch, on_event, monitor);

	/* Who reads us wants to see an event now, not with the next. */
	if (!error && (fflush(stdout) == EOF || ferror(stdout)))
		error = error_errno(errno, "standard output");
	if (!error)
		return;
	monitor->ended = true;
	monitor->failure = error;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct monitor *monitor = userdata;

	(void)fd, (void)events;
	read_events(monitor);
	if (monitor->ended)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

/* Ctrl-C, the lab's end, and a reader that went away. */
static bool is_natural_end(const struct error *error)
{
	return error->code == ECANCELED || error->code == ENOTCONN ||
	       error->code == EPIPE;
}

static struct error *watch_until_end(struct monitor *monitor, struct client *client)
{
	_cleanup_(sd_event_source_disable_unrefp) sd_event_source *source = NULL;
	struct error *end;
	int r = sd_event_add_io(client_event(client), &source,
				net_watch_fd(monitor->watch), EPOLLIN, on_readable,
				monitor);

	if (r < 0)
		return error_errno(-r, "event loop");
	fprintf(stderr, "netlab: watching lab %s; end with Ctrl-C\n", client_lab(client));
	end = client_wait(client, &monitor->ended, 0);
	if (!monitor->ended) /* what came with the end */
		read_events(monitor);
	if (monitor->failure) {
		error_free(end);
		end = steal_ptr(monitor->failure);
	}
	if (!end || !is_natural_end(end))
		return end;
	error_free(end);
	return NULL;
}

static struct error *monitor_lab(struct monitor *monitor, const char *lab)
{
	_cleanup_client_ struct client *client = NULL;
	_cleanup_json_ json_t *status = NULL;

	try(client_connect(&client, lab));
	try(lab_status(client, &status));
	try(namespace_join(json_integer_value(json_object_get(status, "pid"))));
	try(net_watch_open(&monitor->watch));
	return watch_until_end(monitor, client);
}

static int run(const struct verb *verb, int argc, char **argv)
{
	_cleanup_(monitor_deinit) struct monitor monitor = {0};
	const struct option_spec specs[] = {
		{OPTION_FLAG, "json", 0, NULL, "a JSON object on each line",
		 &monitor.json},
		{0},
	};
	int status = options_parse(verb, specs, &argc, &argv);

	if (status >= 0)
		return status;
	if (argc > 1)
		return misuse(verb, "one LAB, or none where one is up");
	return finish(monitor_lab(&monitor, argc ? argv[0] : NULL));
}

const struct verb verb_monitor = {
	.name = "monitor",
	.usage = "[LAB] [--json]",
	.summary = "Tell what happens to a lab's links, addresses and neighbours.",
	.details = "Until Ctrl-C, or until the lab ends. The JSON is described in\n"
		   "docs/monitor-events.md.",
	.run = run,
};
