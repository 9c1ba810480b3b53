// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/egress.h"

#include <assert.h>
#include <time.h>

#include "link/egress.h"
#include "link/halt.h"
#include "util/log.h"
#include "util/string.h"

struct egress {
	sd_event *event;
	sd_event_source *timer; /* for the neighbours; NULL: they are as they are to be */
	enum egress_kind kind;
	char *reason; /* why it is no filter; NULL: it is one, or nothing was asked for */
	struct links *links;
	const struct plan *plan;
	struct egress_filter *filter;
	struct halt_neighbours *neighbours; /* held; NULL: none */
	bool halted;
};

static const char *const kind_names[] = {
	[EGRESS_OFF] = "off",
	[EGRESS_FILTER] = "filter",
	[EGRESS_RTO_MIN] = "rto_min",
};
static_assert(ARRAY_SIZE(kind_names) == EGRESS_RTO_MIN + 1, "a kind without a name");

static void give_up_filter(struct egress *egress, struct error *error)
{
	log_debug("no filter for halts: %s", error->message);
	free(egress->reason);
	egress->reason = xstrdup(error->message);
	error_free(error);
	egress_filter_free(steal_ptr(egress->filter));
	egress->kind = EGRESS_RTO_MIN;
}

static void attach(struct egress *egress)
{
	struct error *error =
		egress_filter_attach(egress->filter, egress->links, egress->plan);

	if (error)
		give_up_filter(egress, error);
}

static void choose(struct egress *egress)
{
	struct error *error = egress_filter_new(&egress->filter);

	egress->kind = EGRESS_FILTER;
	if (error)
		give_up_filter(egress, error);
}

/* The links are there, or are others than before. */
static void prepare(struct egress *egress)
{
	_cleanup_error_ struct error *error = NULL;

	if (egress->kind == EGRESS_FILTER)
		attach(egress);
	error = links_prepare_halts(egress->links, egress->plan);
	if (!error && egress->kind == EGRESS_RTO_MIN)
		error = links_stretch_timeouts(egress->links, egress->plan);
	if (error)
		log_warning("halts may be seen in the host's connections: %s",
			    error->message);
}

struct egress *egress_new(sd_event *event, bool lockstep, const struct topology *topology,
			  struct links *links, const struct plan *plan)
{
	struct egress *egress = xcalloc(1, sizeof(*egress));

	egress->event = sd_event_ref(event);
	egress->links = links;
	egress->plan = plan;
	if (!lockstep || !topology->hold_host || !topology->n_guests)
		return egress;
	choose(egress);
	prepare(egress);
	return egress;
}

/* --- halts ----------------------------------------------------------------------------------- */

void egress_let_go(struct egress *egress)
{
	egress->timer = sd_event_source_disable_unref(egress->timer);
	halt_neighbours_release(egress->links, steal_ptr(egress->neighbours));
}

static void hold_neighbours(struct egress *egress)
{
	_cleanup_error_ struct error *error =
		halt_neighbours_hold(egress->links, egress->plan, &egress->neighbours);

	if (error)
		log_warning("the host may look for halted guests: %s", error->message);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct egress *egress = userdata;

	(void)source, (void)usec;
	egress->timer = sd_event_source_disable_unref(egress->timer);
	if (!egress->halted)
		egress_let_go(egress);
	else if (!egress->neighbours)
		hold_neighbours(egress);
	return 0;
}

/* Never at once: what is done where a halt begins and ends adds to its skew. */
static void see_to_neighbours(struct egress *egress)
{
	uint64_t usec = egress->halted ? EGRESS_NEIGHBOURS_NS / 1000 : 0;

	egress->timer = sd_event_source_disable_unref(egress->timer);
	if (!egress->halted && !egress->neighbours)
		return;
	if (sd_event_add_time_relative(egress->event, &egress->timer, CLOCK_MONOTONIC,
				       usec, 0, on_time, egress) < 0)
		log_warning("the host may look for halted guests: no timer");
}

void egress_update(struct egress *egress, const struct plan *plan)
{
	egress->plan = plan;
	if (egress->kind == EGRESS_OFF)
		return;
	prepare(egress);
	if (egress->halted)
		see_to_neighbours(egress);
}

void egress_halt(struct egress *egress, bool halted)
{
	if (egress->halted == halted)
		return;
	egress->halted = halted;
	if (egress->filter)
		egress_filter_halt(egress->filter, halted);
	if (egress->kind != EGRESS_OFF)
		see_to_neighbours(egress);
}

/* --- status ---------------------------------------------------------------------------------- */

void egress_add_status(const struct egress *egress, json_t *status)
{
	uint64_t dropped;

	if (!egress)
		return;
	dropped = egress->filter ? egress_filter_dropped(egress->filter) : 0;
	json_object_set_new(status, "halts",
			    json_pack("{s:s, s:s*, s:I}", "host",
				      kind_names[egress->kind], "reason", egress->reason,
				      "dropped", (json_int_t)dropped));
}

void egress_free(struct egress *egress)
{
	if (!egress)
		return;
	egress->timer = sd_event_source_disable_unref(egress->timer);
	halt_neighbours_free(egress->neighbours);
	egress_filter_free(egress->filter);
	sd_event_unref(egress->event);
	free(egress->reason);
	free(egress);
}
