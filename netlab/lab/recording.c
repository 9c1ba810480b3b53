// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "capture/labtime.h"
#include "topology/describe.h"
#include "util/lines.h"
#include "util/log.h"
#include "util/string.h"

struct recording_watch {
	struct recording *recording;
	recording_watch_fn told;
	void *userdata;
	struct recording_watch *next;
};

struct recording {
	struct capture *capture; /* NULL: none, or it has ended */
	struct capture_link *links;
	char **descriptions; /* owned texts of @links */
	char **labels;       /* owned, too */
	size_t n_links;
	char **consoles; /* guests whose lines are captured; NULL: none */
	bool console;    /* they are to be */
	enum capture_clock clock;
	char *file;         /* NULL: there is no capture */
	struct error *loss; /* why it isn't whole; NULL: it is */
	struct labtime time;
	char *halted_by;  /* guest; NULL: the lab goes on */
	char *halted_for; /* the cause, where @halted_by is set */
	uint64_t halted_since;
	struct recording_watch *watches;
};

/* The lab goes on without it. */
static void lose_capture(struct recording *recording, struct error *error)
{
	recording->loss = error_object(error, recording->file);
}

static void on_capture_failed(struct capture *capture, struct error *error,
			      void *userdata)
{
	struct recording *recording = userdata;

	log_warning("the capture ends: %s", error->message);
	lose_capture(recording, error);
	recording->capture = NULL;
	capture_free(capture);
}

/* @label: a link's name, or that of a host's own link: "HOST/LINK". */
static void add_link(struct recording *recording, const struct recording_options *options,
		     const char *label)
{
	const struct planned_link *link = plan_link_labelled(options->plan, label);
	char *description = link_describe(link), *name = xstrdup(label);

	strv_push(&recording->descriptions, description);
	strv_push(&recording->labels, name);
	grow(recording->links, recording->n_links);
	recording->links[recording->n_links++] = (struct capture_link){
		.name = link->name,
		.label = name,
		.description = description,
		.namespace = link->node == PLAN_LAB_NODE
				     ? -1
				     : links_node_fd(options->links, link->node),
	};
}

static struct error *start_capture(struct recording *recording, sd_event *event,
				   const struct recording_options *options)
{
	const struct topology *topology = options->topology;
	_cleanup_free_ char *comment =
		xasprintf("netlab lab %s, from %s; the stamps are %s time", options->lab,
			  topology->file, capture_clock_name(topology->capture_clock));
	struct capture_options capture = {
		.comment = comment,
		.halts = true,
		.clock = topology->capture_clock,
	};
	int fd = open(recording->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return error_errno(errno, "%s", recording->file);
	for (size_t i = 0; recording->console && i < topology->n_guests; i++)
		strv_push(&recording->consoles, xstrdup(topology->guests[i].name));
	capture.consoles = recording->consoles;
	capture.links = recording->links;
	capture.n_links = recording->n_links;
	return capture_new(&recording->capture, event, fd, &capture, on_capture_failed,
			   recording);
}

struct error *recording_new(struct recording **result, sd_event *event,
			    const struct recording_options *options)
{
	_cleanup_(recording_freep) struct recording *recording =
		xcalloc(1, sizeof(*recording));

	recording->clock = options->topology->capture_clock;
	recording->console = options->topology->capture_console;
	strv_foreach (label, options->topology->capture)
		add_link(recording, options, *label);
	if (recording->n_links) {
		recording->file =
			xasprintf("%s/%s.pcapng", options->output, options->lab);
		try(start_capture(recording, event, options));
	}
	*result = steal_ptr(recording);
	return NULL;
}

bool recording_is_on(const struct recording *recording)
{
	return recording->capture;
}

const struct error *recording_loss(const struct recording *recording)
{
	return recording ? recording->loss : NULL;
}

const char *recording_file(const struct recording *recording)
{
	return recording->file;
}

/* --- halts --------------------------------------------------------------------------------- */

/* Who is told may leave. */
static void tell_watches(struct recording *recording, json_t *event)
{
	_cleanup_json_ json_t *owned = event;
	struct recording_watch *watch = recording->watches, *next;

	for (; watch; watch = next) {
		next = watch->next;
		watch->told(owned, watch->userdata);
	}
}

void recording_halt(struct recording *recording, const char *guest, const char *cause,
		    uint64_t wall)
{
	if (recording->halted_by)
		return;
	recording->halted_by = xstrdup(guest);
	recording->halted_for = xstrdup(cause);
	recording->halted_since = wall;
	labtime_halt(&recording->time, wall);
	if (recording->capture)
		capture_halt(recording->capture, guest, cause, wall);
	tell_watches(recording,
		     json_pack("{s:s, s:s, s:s, s:I}", "event", "halt", "guest", guest,
			       "cause", cause, "ns", (json_int_t)wall));
}

void recording_resume(struct recording *recording, uint64_t wall)
{
	if (!recording->halted_by)
		return;
	free(steal_ptr(recording->halted_by));
	free(steal_ptr(recording->halted_for));
	labtime_resume(&recording->time, wall);
	if (recording->capture)
		capture_resume(recording->capture, wall);
	tell_watches(recording,
		     json_pack("{s:s, s:I}", "event", "resume", "ns", (json_int_t)wall));
}

void recording_tell(struct recording *recording, const struct halt_place *place)
{
	if (recording->capture)
		capture_tell(recording->capture, place);
	tell_watches(recording,
		     json_pack("{s:s, s:s, s:s*, s:s*, s:I, s:I}", "event", "halted",
			       "guest", place->guest, "function", place->function, "file",
			       place->file, "line", (json_int_t)place->line, "breakpoint",
			       (json_int_t)place->breakpoint));
}

void recording_add_line(struct recording *recording, const char *guest, uint64_t wall,
			int priority, const char *line)
{
	size_t i = 0;

	for (; recording->consoles && recording->consoles[i]; i++)
		if (recording->capture && streq(recording->consoles[i], guest))
			capture_add_line(recording->capture, i, wall, priority, line);
}

struct error *recording_flush(struct recording *recording, capture_flushed_fn flushed,
			      void *userdata, struct capture_flush **flush)
{
	if (!recording->capture)
		return error_new(ENODATA, recording->file
						  ? "the lab's capture has ended"
						  : "nothing is captured in this lab");
	*flush = capture_flush(recording->capture, flushed, userdata);
	return NULL;
}

struct recording_watch *recording_watch(struct recording *recording,
					recording_watch_fn told, void *userdata,
					json_t **state)
{
	struct recording_watch *watch = xcalloc(1, sizeof(*watch));
	uint64_t until = recording->halted_by ? recording->halted_since : UINT64_MAX;

	*watch = (struct recording_watch){recording, told, userdata, recording->watches};
	recording->watches = watch;
	*state = json_pack("{s:I}", "halted_ns",
			   (json_int_t)labtime_halted(&recording->time, until));
	if (recording->halted_by)
		json_object_update_new(*state,
				       json_pack("{s:s, s:s, s:I}", "guest",
						 recording->halted_by, "cause",
						 recording->halted_for, "ns",
						 (json_int_t)recording->halted_since));
	return watch;
}

void recording_unwatch(struct recording_watch *watch)
{
	struct recording_watch **link;

	if (!watch)
		return;
	for (link = &watch->recording->watches; *link != watch;)
		link = &(*link)->next;
	*link = watch->next;
	free(watch);
}

/* --- status and the end --------------------------------------------------------------------- */

static json_t *links_to_json(const struct recording *recording)
{
	json_t *links = json_array();

	for (size_t i = 0; recording->capture && i < recording->n_links; i++) {
		struct capture_statistics s = {0};

		capture_get_statistics(recording->capture, i, &s);
		json_array_append_new(links, json_pack("{s:s, s:I, s:I, s:I}", "name",
						       recording->links[i].label,
						       "received", (json_int_t)s.received,
						       "dropped", (json_int_t)s.dropped,
						       "written", (json_int_t)s.written));
	}
	return links;
}

void recording_add_status(const struct recording *recording, json_t *json)
{
	if (!recording->file)
		return;
	json_object_set_new(
		json, "capture",
		json_pack("{s:s, s:s, s:b, s:b, s:s*, s:o}", "file", recording->file,
			  "clock", capture_clock_name(recording->clock), "console",
			  recording->console, "running", recording->capture != NULL,
			  "failure", recording->loss ? recording->loss->message : NULL,
			  "links", links_to_json(recording)));
}

void recording_finish(struct recording *recording)
{
	struct error *error;

	if (!recording->capture)
		return;
	error = capture_finish(recording->capture);
	if (error)
		lose_capture(recording, error);
	capture_free(steal_ptr(recording->capture));
}

void recording_free(struct recording *recording)
{
	if (!recording)
		return;
	recording_finish(recording);
	free(recording->links);
	strv_free(recording->descriptions);
	strv_free(recording->labels);
	strv_free(recording->consoles);
	free(recording->file);
	free(recording->halted_by);
	free(recording->halted_for);
	error_free(recording->loss);
	free(recording);
}
