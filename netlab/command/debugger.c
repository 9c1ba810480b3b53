// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/debugger.h"

#include <errno.h>
#include <stdio.h>

#include "command/node.h"
#include "debug/debug.h"
#include "util/string.h"

#define ARM_TIMEOUT_NS   (60ull * 1000000000)
#define REACH_TIMEOUT_NS (30ull * 1000000000)

/* One guest's gdb. */
struct debugger {
	struct debuggers *all;
	const struct guest *guest;
	struct debug_step
		*steps; /* of this guest; what they point to is the topology's */
	unsigned *hits; /* stops at each step so far */
	size_t n_steps;
	struct debug_session *session;
	bool armed;
	bool ended;
	struct error *error;
};

struct debuggers {
	struct client *client;
	struct debugger *each;
	size_t n;
	bool all_armed; /* or ended */
	bool all_ended;
};

static void update(struct debuggers *all)
{
	all->all_armed = all->all_ended = true;
	for (size_t i = 0; i < all->n; i++) {
		all->all_ended &= all->each[i].ended;
		all->all_armed &= all->each[i].ended || all->each[i].armed;
	}
}

static void print_hit(struct debugger *debugger, const json_t *event)
{
	size_t step = json_integer_value(json_object_get(event, "step"));

	if (step >= debugger->n_steps)
		return;
	debugger->hits[step]++;
	printf("%s stopped at %s, %s:%lld (%u of %u):\n%s\n", debugger->guest->name,
	       status_text(event, "function"), status_text(event, "file"),
	       (long long)json_integer_value(json_object_get(event, "line")),
	       debugger->hits[step], debugger->steps[step].times,
	       status_text(event, "text"));
	fflush(stdout);
}

static void on_event(struct debug_session *session, const json_t *event, void *userdata)
{
	struct debugger *debugger = userdata;
	const char *name = status_text(event, "event");

	(void)session;
	if (streq(name, "armed"))
		debugger->armed = true;
	else if (streq(name, "hit"))
		print_hit(debugger, event);
	update(debugger->all);
}

static void on_ended(struct debug_session *session, struct error *error, void *userdata)
{
	struct debugger *debugger = userdata;

	(void)session;
	debugger->ended = true;
	debugger->error = error;
	update(debugger->all);
}

static const struct debug_handlers handlers = {on_event, on_ended};

static void collect_steps(struct debugger *debugger, const struct topology *topology)
{
	for (size_t i = 0; i < topology->n_debugs; i++) {
		if (!streq(topology->debugs[i].guest, debugger->guest->name))
			continue;
		grow(debugger->steps, debugger->n_steps);
		debugger->steps[debugger->n_steps++] = topology->debugs[i];
	}
	debugger->hits = xcalloc(debugger->n_steps, sizeof(*debugger->hits));
}

static struct error *attach(struct debugger *debugger, const json_t *status)
{
	const json_t *guest;
	struct debug_options options = {
		.guest = debugger->guest->name,
		.steps = debugger->steps,
		.n_steps = debugger->n_steps,
	};

	try(status_guest(status, debugger->guest->name, &guest));
	options.vmlinux = status_text(guest, "vmlinux");
	options.kernel_directory = status_text(guest, "kernel_directory");
	options.modules = json_object_get(guest, "modules");
	options.gdb_socket = status_text(guest, "gdb");
	return debug_start(&debugger->session, client_event(debugger->all->client),
			   &options, &handlers, debugger);
}

static struct error *first_error(struct debuggers *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->each[i].error)
			return error_object(steal_ptr(all->each[i].error),
					    all->each[i].guest->name);
	return NULL;
}

struct error *debuggers_start(struct debuggers **result, struct client *client,
			      const struct topology *topology)
{
	_cleanup_(debuggers_freep) struct debuggers *all = xcalloc(1, sizeof(*all));
	_cleanup_json_ json_t *status = NULL;

	all->client = client;
	all->each = xcalloc(topology->n_guests, sizeof(*all->each));
	try(lab_status(client, &status));
	for (size_t i = 0; i < topology->n_guests; i++) {
		struct debugger *debugger = &all->each[all->n];

		debugger->all = all;
		debugger->guest = &topology->guests[i];
		collect_steps(debugger, topology);
		all->n++;
		debugger->ended = debugger->n_steps == 0;
		if (debugger->n_steps)
			try(attach(debugger, status));
	}
	update(all);
	try(error_prefix(client_wait(client, &all->all_armed, ARM_TIMEOUT_NS),
			 "setting the breakpoints"));
	try(first_error(all));
	*result = steal_ptr(all);
	return NULL;
}

static struct error *not_reached(const struct debuggers *all)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct debugger *debugger = &all->each[i];

		for (size_t j = 0; j < debugger->n_steps; j++)
			if (debugger->hits[j] < debugger->steps[j].times)
				return error_object(
					error_new(ETIMEDOUT,
						  "%s was reached %u of %u times within "
						  "%llu s",
						  debugger->steps[j].at,
						  debugger->hits[j],
						  debugger->steps[j].times,
						  REACH_TIMEOUT_NS / 1000000000),
					debugger->guest->name);
	}
	return error_new(ETIMEDOUT, "gdb does not let go of its guest");
}

struct error *debuggers_wait(struct debuggers *all)
{
	struct error *error = client_wait(all->client, &all->all_ended, REACH_TIMEOUT_NS);

	if (error && error->code == ETIMEDOUT) {
		error_free(error);
		return not_reached(all);
	}
	return error ?: first_error(all);
}

void debuggers_free(struct debuggers *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->n; i++) {
		debug_free(all->each[i].session);
		free(all->each[i].steps);
		free(all->each[i].hits);
		error_free(all->each[i].error);
	}
	free(all->each);
	free(all);
}
