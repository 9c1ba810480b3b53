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

struct monitor;

/* One network namespace of the lab. */
struct watched {
	struct monitor *monitor;
	const char *node; /* borrowed from the status */
	struct net_watch *watch;
	sd_event_source *source;
};

struct monitor {
	json_t *status;
	struct watched *nodes;
	size_t n_nodes;
	bool json;
	bool ended; /* it can't be read from, or no one reads what we print */
	struct error *failure;
};

static void monitor_deinit(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->n_nodes; i++) {
		sd_event_source_disable_unref(monitor->nodes[i].source);
		net_watch_free(monitor->nodes[i].watch);
	}
	free(monitor->nodes);
	json_decref(monitor->status);
	error_free(monitor->failure);
}

static void print_json(const char *node, const struct net_event *event,
		       const struct link_states *states, const struct timespec *now)
{
	_cleanup_json_ json_t *json = net_event_to_json(event, states);
	_cleanup_free_ char *line = NULL;

	json_object_set_new(json, "time_ns",
			    json_integer(now->tv_sec * 1000000000ll + now->tv_nsec));
	json_object_set_new(json, "node", json_string(node));
	line = json_line(json);
	fputs(line, stdout);
}

static void print_text(const char *node, const struct net_event *event,
		       const struct link_states *states, const struct timespec *now)
{
	_cleanup_free_ char *text = net_event_text(event, states);
	char clock[sizeof("hh:mm:ss")] = "";
	struct tm local;

	if (localtime_r(&now->tv_sec, &local))
		strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	printf("%s.%03ld ", clock, now->tv_nsec / 1000000);
	if (!streq(node, HOST_SIDE))
		printf("%s: ", node);
	printf("%s\n", text);
}

static void on_event(const struct net_event *event, const struct link_states *states,
		     void *userdata)
{
	const struct watched *watched = userdata;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (watched->monitor->json)
		print_json(watched->node, event, states, &now);
	else
		print_text(watched->node, event, states, &now);
}

static void read_events(struct watched *watched)
{
	struct monitor *monitor = watched->monitor;
	struct error *error = net_watch_read(watched->watch, on_event, watched);

	/* Who reads us wants to see an event now, not with the next. */
	if (!error && (fflush(stdout) == EOF || ferror(stdout)))
		error = error_errno(errno, "standard output");
	if (!error)
		return;
	monitor->ended = true;
	if (monitor->failure)
		error_free(error);
	else
		monitor->failure = error;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct watched *watched = userdata;

	(void)fd, (void)events;
	read_events(watched);
	if (watched->monitor->ended)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

static struct error *open_watch_here(void *userdata)
{
	struct watched *watched = userdata;

	return net_watch_open(&watched->watch);
}

static struct error *open_watch(struct watched *watched)
{
	_cleanup_close_ int namespace = -1;

	try(status_open_node(watched->monitor->status, watched->node, &namespace));
	return namespace_visit(namespace, open_watch_here, watched);
}

static struct error *watch_node(struct watched *watched, sd_event *event)
{
	int r;

	try(open_watch(watched));
	r = sd_event_add_io(event, &watched->source, net_watch_fd(watched->watch),
			    EPOLLIN, on_readable, watched);
	return r < 0 ? error_errno(-r, "event loop") : NULL;
}

static struct error *watch_nodes(struct monitor *monitor, sd_event *event)
{
	const json_t *nodes = json_object_get(monitor->status, "nodes");

	monitor->nodes = xcalloc(json_array_size(nodes), sizeof(*monitor->nodes));
	for (size_t i = 0; i < json_array_size(nodes); i++) {
		monitor->nodes[i].monitor = monitor;
		monitor->nodes[i].node = status_text(json_array_get(nodes, i), "name");
		monitor->n_nodes++;
		try(watch_node(&monitor->nodes[i], event));
	}
	return NULL;
}

/* Ctrl-C, the lab's end, and a reader that went away. */
static bool is_natural_end(const struct error *error)
{
	return error->code == ECANCELED || error->code == ENOTCONN ||
	       error->code == EPIPE;
}

static struct error *watch_until_end(struct monitor *monitor, struct client *client)
{
	struct error *end;

	fprintf(stderr, "netlab: watching lab %s; end with Ctrl-C\n", client_lab(client));
	end = client_wait(client, &monitor->ended, 0);
	for (size_t i = 0; i < monitor->n_nodes && !monitor->ended; i++)
		read_events(&monitor->nodes[i]); /* what came with the end */
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
	struct error *error;

	try(client_connect(&client, lab));
	try(lab_status(client, &monitor->status));
	try(namespace_join(json_integer_value(json_object_get(monitor->status, "pid"))));
	error = watch_nodes(monitor, client_event(client));
	return error ?: watch_until_end(monitor, client);
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
