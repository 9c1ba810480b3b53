// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/halts.h"

#include <time.h>

#include "lab/guest.h"
#include "util/clock.h"
#include "util/string.h"

struct halts {
	struct lockstep *lockstep;
	sd_event_source *timer; /* lockstep_next() */
	sd_event_source *post;  /* sets it, behind whatever has happened */
	const struct halts_handlers *handlers;
	void *userdata;
};

static uint64_t now_ns(void *userdata)
{
	(void)userdata;
	return realtime_now();
}

static void stop(void *guest, void *userdata)
{
	(void)userdata;
	guest_stop(guest);
}

static void run(void *guest, void *userdata)
{
	(void)userdata;
	guest_run(guest);
}

static void on_halted(uint64_t ns, void *userdata)
{
	struct halts *halts = userdata;

	halts->handlers->halted(lockstep_holder(halts->lockstep), ns, halts->userdata);
}

static void on_resumed(uint64_t ns, void *userdata)
{
	struct halts *halts = userdata;

	halts->handlers->resumed(ns, halts->userdata);
}

static const struct lockstep_handlers lockstep_handlers = {stop, run, on_halted,
							   on_resumed, now_ns};

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct halts *halts = userdata;

	(void)source, (void)usec;
	lockstep_wake(halts->lockstep);
	return 0;
}

static int set_timer(sd_event_source *source, void *userdata)
{
	struct halts *halts = userdata;
	uint64_t next = lockstep_next(halts->lockstep), now = now_ns(NULL);

	(void)source;
	if (next)
		sd_event_source_set_time_relative(halts->timer,
						  next > now ? (next - now) / 1000 : 0);
	return sd_event_source_set_enabled(halts->timer,
					   next ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

struct error *halts_new(struct halts **result, sd_event *event, bool enabled,
			const struct halts_handlers *handlers, void *userdata)
{
	_cleanup_(halts_freep) struct halts *halts = xcalloc(1, sizeof(*halts));
	int r;

	halts->handlers = handlers;
	halts->userdata = userdata;
	halts->lockstep = lockstep_new(enabled, &lockstep_handlers, halts);
	r = sd_event_add_time_relative(event, &halts->timer, CLOCK_MONOTONIC, 0, 1,
				       on_time, halts);
	if (r >= 0)
		r = sd_event_source_set_enabled(halts->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_post(event, &halts->post, set_timer, halts);
	if (r < 0)
		return error_errno(-r, "lockstep's timer");
	*result = steal_ptr(halts);
	return NULL;
}

struct lockstep *halts_lockstep(const struct halts *halts)
{
	return halts->lockstep;
}

void halts_free(struct halts *halts)
{
	if (!halts)
		return;
	sd_event_source_disable_unref(halts->timer);
	sd_event_source_disable_unref(halts->post);
	lockstep_free(halts->lockstep);
	free(halts);
}
