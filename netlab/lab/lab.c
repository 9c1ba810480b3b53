// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/lab-internal.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

#include "capture/row.h"
#include "lab/accel.h"
#include "lab/claim.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/string.h"

static const char *const state_names[] = {
	[LAB_STARTING] = "starting",
	[LAB_UP] = "up",
	[LAB_STOPPING] = "stopping",
	[LAB_STOPPED] = "stopped",
};
static_assert(ARRAY_SIZE(state_names) == LAB_STOPPED + 1, "one name for each state");

const char *lab_state_name(enum lab_state state)
{
	return state_names[state];
}

static void set_state(struct lab *lab, enum lab_state state)
{
	if (lab->state == state)
		return;
	lab->state = state;
	lab->handlers->changed(lab, state, lab->failure ?: recording_loss(lab->recording),
			       lab->userdata);
}

/* --- guests ------------------------------------------------------------------------------- */

/* One that halts with another's panic boots on when the lab does: that may take them a day. */
static bool has_settled(const struct lab *lab, const struct lab_guest *guest)
{
	bool stands = guest_stands_for_good(guest);

	for (size_t i = 0; !stands && guest_is_halted(guest) && i < lab->n_guests; i++)
		stands = lab->guests[i] && guest_stands_for_good(lab->guests[i]);
	return stands || guest_get_state(guest) == GUEST_UP || guest_is_frozen(guest);
}

static void fail_lab(struct lab *lab, struct error *error)
{
	if (lab->failure)
		error_free(error);
	else
		lab->failure = error;
	lab_stop(lab);
}

static void on_starting_changed(struct lab *lab, struct lab_guest *guest)
{
	struct error *error;

	if (guest_get_state(guest) == GUEST_GONE ||
	    (guest_get_state(guest) == GUEST_PANICKED && !guest_is_kept(guest))) {
		fail_lab(lab, guest_obituary(guest));
		return;
	}
	error = guest_check_modules(guest);
	if (error) {
		fail_lab(lab, error);
		return;
	}
	for (size_t i = 0; i < lab->n_guests; i++)
		if (!lab->guests[i] || !has_settled(lab, lab->guests[i]))
			return;
	lab->deadline = sd_event_source_disable_unref(lab->deadline);
	set_state(lab, LAB_UP);
}

static int finish_stop(sd_event_source *source, void *userdata);

/* Taking the guests apart from within one of their own callbacks would pull the ground from
 * under it: the loop does it next. */
static void schedule_finish(struct lab *lab)
{
	sd_event_source *source;

	if (sd_event_add_defer(lab->event, &source, finish_stop, lab) < 0)
		return;
	sd_event_source_disable_unref(lab->deadline);
	lab->deadline = source;
}

/* Only a guest that was up and runs can power off by itself; others aren't waited for. */
static bool someone_is_leaving(const struct lab *lab)
{
	for (size_t i = 0; i < lab->n_guests; i++)
		if (lab->guests[i] && guest_is_leaving(lab->guests[i]))
			return true;
	return false;
}

static void on_guest_changed(struct lab_guest *guest, void *userdata)
{
	struct lab *lab = userdata;
	_cleanup_error_ struct error *obituary = NULL;

	switch (lab->state) {
	case LAB_STARTING:
		on_starting_changed(lab, guest);
		break;
	case LAB_UP:
		if (guest_get_state(guest) != GUEST_GONE)
			break;
		obituary = guest_obituary(guest);
		log_warning("%s: %s", guest_name(guest), obituary->message);
		break;
	case LAB_STOPPING:
		if (!someone_is_leaving(lab))
			schedule_finish(lab);
		break;
	case LAB_STOPPED:
		break;
	}
}

static void on_guest_drained(struct lab_guest *guest, void *userdata)
{
	struct lab *lab = userdata;

	(void)guest;
	lab->handlers->drained(lab, lab->userdata);
}

/* It has to boot once more: what it lost with KVM is not held against it. */
static void on_guest_restarted(struct lab_guest *guest, void *userdata)
{
	struct lab *lab = userdata;

	(void)guest;
	if (lab->state == LAB_STARTING)
		sd_event_source_set_time_relative(lab->deadline,
						  lab->options.timeout_ns / 1000);
}

static void on_guest_line(struct lab_guest *guest, const struct console_line *line,
			  void *userdata)
{
	struct lab *lab = userdata;
	int priority = line->level == LEVEL_NONE ? ROW_USER + ROW_LEVEL_NOTICE
						 : ROW_KERNEL + (int)line->level;

	recording_add_line(lab->recording, guest_name(guest), line->began_ns, priority,
			   line->text);
}

static void on_guest_panicked(struct lab_guest *guest, void *userdata)
{
	_cleanup_error_ struct error *how = guest_obituary(guest);
	struct lab *lab = userdata;

	lab->handlers->panicked(lab, how, lab->userdata);
}

static const struct guest_handlers guest_handlers = {
	.changed = on_guest_changed,
	.drained = on_guest_drained,
	.line = on_guest_line,
	.restarted = on_guest_restarted,
	.panicked = on_guest_panicked,
};

static bool is_frozen_by_wish(const struct lab_options *options, const char *guest)
{
	return options->freeze && (!*options->freeze || streq(options->freeze, guest));
}

static struct error *start_guest(struct lab *lab, size_t i, const char *rundir,
				 enum accel accel)
{
	const struct guest *spec = &lab->options.topology->guests[i];
	struct guest_options options = {
		.spec = spec,
		.kernel = lab->options.kernels[i],
		.image = &lab->options.images[i],
		.lab = lab->options.name,
		.rundir = rundir,
		.links = lab->links,
		.lockstep = halts_lockstep(lab->halts),
		.accel = accel,
		.accel_may_fall_back = lab->options.accel == ACCEL_CHOICE_AUTO,
		.freeze = is_frozen_by_wish(&lab->options, spec->name),
	};

	strv_pushf(&lab->console_logs, "%s/%s.console", lab->options.output, spec->name);
	options.console_log = lab->console_logs[i];
	return guest_start(&lab->guests[i], lab->event, &options, &guest_handlers, lab);
}

static void announce(const struct lab *lab)
{
	_cleanup_strv_ char **names = NULL;
	_cleanup_free_ char *joined = NULL;

	for (size_t i = 0; i < lab->n_guests; i++)
		strv_push(&names, xstrdup(guest_name(lab->guests[i])));
	joined = strv_join(names, ", ");
	log_info("booting %s", joined);
}

static struct error *start_guests(struct lab *lab, const char *rundir)
{
	enum accel accel;

	lab->n_guests = lab->options.topology->n_guests;
	lab->guests = xcalloc(lab->n_guests, sizeof(*lab->guests));
	if (!lab->n_guests)
		return NULL;
	try(accel_choose(lab->options.accel, &accel));
	for (size_t i = 0; i < lab->n_guests; i++)
		try(start_guest(lab, i, rundir, accel));
	announce(lab);
	return NULL;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct lab *lab = userdata;

	(void)source, (void)usec;
	for (size_t i = 0; i < lab->n_guests; i++) {
		if (has_settled(lab, lab->guests[i]))
			continue;
		fail_lab(lab, error_prefix(guest_obituary(lab->guests[i]), "after %g s",
					   lab->options.timeout_ns / 1e9));
		break;
	}
	return 0;
}

static int on_started(sd_event_source *source, void *userdata)
{
	struct lab *lab = userdata;

	(void)source;
	for (size_t i = 0; i < lab->n_guests && lab->state == LAB_STARTING; i++)
		on_starting_changed(lab, lab->guests[i]);
	if (!lab->n_guests)
		set_state(lab, LAB_UP);
	return 0;
}

/* A lab without guests, or with frozen ones alone, is up at once: the loop says so. */
static struct error *await_guests(struct lab *lab)
{
	bool all_settled = true;
	int r;

	for (size_t i = 0; i < lab->n_guests; i++)
		all_settled = all_settled && has_settled(lab, lab->guests[i]);
	if (all_settled)
		r = sd_event_add_defer(lab->event, &lab->deadline, on_started, lab);
	else
		r = sd_event_add_time_relative(
			lab->event, &lab->deadline, CLOCK_MONOTONIC,
			lab->options.timeout_ns / 1000, 0, on_deadline, lab);
	return r < 0 ? error_errno(-r, "timer") : NULL;
}

/* What an earlier lab of this name left, whose supervisor was killed, goes first. */
static struct error *open_shared_links(struct lab *lab)
{
	_cleanup_owned_links_ struct owned_links left = {0};
	_cleanup_free_ char *names = NULL;

	try(claim_take(lab->options.name, &lab->claim));
	try(claim_watch(lab->claim, lab->event, &lab->claim_source));
	try(owner_delete(lab->options.name, &left));
	names = owned_links_text(&left);
	if (left.n)
		log_warning("lab %s had ended without its own doing; removed what it "
			    "left: %s",
			    lab->options.name, names);
	return links_open_shared(&lab->links, lab->options.name);
}

static struct error *make_links(struct lab *lab)
{
	if (lab->options.topology->netns == NETNS_HOST)
		try(open_shared_links(lab));
	else
		try(links_open(&lab->links));
	return links_build(lab->links, lab->plan);
}

static struct error *start_recording(struct lab *lab)
{
	return recording_new(&lab->recording, lab->event,
			     &(struct recording_options){
				     .topology = lab->options.topology,
				     .lab = lab->options.name,
				     .output = lab->options.output,
				     .plan = lab->plan,
				     .links = lab->links,
			     });
}

/* --- time stands still ------------------------------------------------------------------- */

static uint64_t time_left(sd_event_source *timer)
{
	uint64_t due = 0, now = monotonic_now() / 1000;

	sd_event_source_get_time(timer, &due);
	return due > now ? due - now : 0;
}

/* Guests that are halted don't get on with their boot. */
static void hold_deadline(struct lab *lab, bool hold)
{
	if (lab->state != LAB_STARTING || !lab->deadline)
		return;
	if (hold)
		lab->starting_left_us = time_left(lab->deadline);
	else
		sd_event_source_set_time_relative(lab->deadline, lab->starting_left_us);
	sd_event_source_set_enabled(lab->deadline,
				    hold ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static void on_halted(const struct lab_guest *by, uint64_t ns, void *userdata)
{
	struct lab *lab = userdata;

	egress_halt(lab->egress, true);
	recording_halt(lab->recording, guest_name(by), guest_halt_cause(by), ns);
	hold_deadline(lab, true);
	lab->handlers->halted(lab, lab->userdata);
}

static void on_resumed(uint64_t ns, void *userdata)
{
	struct lab *lab = userdata;

	egress_halt(lab->egress, false);
	recording_resume(lab->recording, ns);
	hold_deadline(lab, false);
	lab->handlers->halted(lab, lab->userdata);
}

static const struct halts_handlers halts_handlers = {on_halted, on_resumed};

static bool wants_lockstep(const struct lab_options *options)
{
	return options->topology->lockstep && !options->no_lockstep;
}

bool lab_is_halted(const struct lab *lab)
{
	return lab->halts && lockstep_is_halted(halts_lockstep(lab->halts));
}

struct error *lab_new(struct lab **result, sd_event *event,
		      const struct lab_options *options, const char *rundir,
		      const struct lab_handlers *handlers, void *userdata)
{
	_cleanup_lab_ struct lab *lab = xcalloc(1, sizeof(*lab));

	lab->options = *options;
	lab->event = sd_event_ref(event);
	lab->handlers = handlers;
	lab->userdata = userdata;
	lab->started_ns = monotonic_now();
	lab->claim = -1;
	lab->plan = plan_new(options->topology);
	try(make_links(lab));
	lab->egress = egress_new(event, wants_lockstep(options), options->topology,
				 lab->links, lab->plan);
	try(start_recording(lab));
	try(halts_new(&lab->halts, event, wants_lockstep(options), &halts_handlers, lab));
	try(start_guests(lab, rundir));
	try(await_guests(lab));
	*result = steal_ptr(lab);
	return NULL;
}

/* --- the end ------------------------------------------------------------------------------ */

static void release(struct lab *lab)
{
	lab->deadline = sd_event_source_disable_unref(lab->deadline);
	for (size_t i = 0; i < lab->n_guests; i++)
		guest_free(steal_ptr(lab->guests[i]));
	lab->n_guests = 0;
	halts_free(steal_ptr(lab->halts));
	if (lab->recording)
		recording_finish(lab->recording);
	egress_free(steal_ptr(lab->egress));
	if (lab->links)
		links_delete(lab->links);
	links_free(steal_ptr(lab->links));
	lab->claim_source = sd_event_source_disable_unref(lab->claim_source);
	close_fd(&lab->claim);
}

static int finish_stop(sd_event_source *source, void *userdata)
{
	struct lab *lab = userdata;

	(void)source;
	release(lab);
	set_state(lab, LAB_STOPPED);
	return 0;
}

static int on_poweroff_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)usec;
	return finish_stop(source, userdata);
}

void lab_stop(struct lab *lab)
{
	if (lab->state == LAB_STOPPING || lab->state == LAB_STOPPED)
		return;
	lab->deadline = sd_event_source_disable_unref(lab->deadline);
	set_state(lab, LAB_STOPPING);
	if (lab->halts)
		lockstep_end(halts_lockstep(lab->halts));
	for (size_t i = 0; i < lab->n_guests; i++)
		if (lab->guests[i])
			guest_poweroff(lab->guests[i]);
	if (!someone_is_leaving(lab) ||
	    sd_event_add_time_relative(lab->event, &lab->deadline, CLOCK_MONOTONIC,
				       LAB_POWEROFF_NS / 1000, 0, on_poweroff_deadline,
				       lab) < 0)
		schedule_finish(lab);
}

enum lab_state lab_get_state(const struct lab *lab)
{
	return lab->state;
}

struct recording *lab_recording(const struct lab *lab)
{
	return lab->recording;
}

const struct topology *lab_topology(const struct lab *lab)
{
	return lab->options.topology;
}

struct error *lab_find_guest(struct lab *lab, const char *name, struct lab_guest **guest)
{
	_cleanup_strv_ char **names = NULL;
	_cleanup_free_ char *joined = NULL;

	for (size_t i = 0; i < lab->n_guests; i++) {
		if (streq(guest_name(lab->guests[i]), name)) {
			*guest = lab->guests[i];
			return NULL;
		}
		strv_push(&names, xstrdup(guest_name(lab->guests[i])));
	}
	joined = strv_join(names, ", ");
	return error_new(ENOENT, "no guest '%s' in lab '%s'; it has: %s", name,
			 lab->options.name, *joined ? joined : "none");
}

void lab_free(struct lab *lab)
{
	if (!lab)
		return;
	release(lab);
	plan_free(lab->plan);
	topology_free(lab->applied);
	strv_free(lab->console_logs);
	recording_free(lab->recording);
	free(lab->guests);
	error_free(lab->failure);
	sd_event_unref(lab->event);
	free(lab);
}
