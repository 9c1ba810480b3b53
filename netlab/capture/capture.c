// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/capture.h"

#include <errno.h>
#include <poll.h>
#include <sys/utsname.h>
#include <time.h>

#include "capture/ring.h"
#include "capture/sink.h"
#include "capture/timeline.h"
#include "config.h"
#include "util/clock.h"
#include "util/string.h"

#define DRAIN_LIMIT_NS (100ull * 1000000)
#define PASS_AGAIN_US  (RING_BLOCK_TIMEOUT_MS * 1000ull)

/* Who tells of a halt is listened to first: frames are looked at when nothing else waits. */
#define PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)

struct capture_flush {
	struct capture *capture;
	uint64_t wall; /* ns since 1970-01-01 UTC: what came until then */
	capture_flushed_fn flushed;
	void *userdata;
	struct capture_flush *next;
};

struct capture {
	struct ring *rings;
	size_t n_rings;
	struct timeline timeline;
	uint64_t late_ns; /* of those who tell of halts */
	struct capture_flush *flushes;
	struct sink sink;
	uint64_t start; /* ns since 1970-01-01 UTC */
	bool stopped;   /* finished or failed: no source is active, the file is closed */
	sd_event_source **readable; /* one per ring */
	sd_event_source *timer;     /* enabled while frames are held */
	capture_failed_fn failed;
	void *userdata;
};

/* Frames up to here are complete: each ring has been read beyond it. */
static uint64_t known_until(const struct capture *capture)
{
	uint64_t until = UINT64_MAX;

	for (size_t i = 0; i < capture->n_rings; i++)
		if (capture->rings[i].known_until < until)
			until = capture->rings[i].known_until;
	return until > capture->late_ns ? until - capture->late_ns : 0;
}

static void answer_flush(struct capture_flush *flush, struct error *error)
{
	struct capture_flush owned = *flush;

	capture_flush_cancel(flush);
	owned.flushed(owned.capture->timeline.packets, error, owned.userdata);
}

static struct capture_flush *done_flush(const struct capture *capture)
{
	struct capture_flush *flush = capture->flushes;

	while (flush && flush->wall > capture->timeline.released)
		flush = flush->next;
	return flush;
}

/* Who is answered may cancel others. */
static void answer_flushes(struct capture *capture)
{
	struct capture_flush *flush;

	while ((flush = done_flush(capture)))
		answer_flush(flush, NULL);
}

static struct error *write_until(struct capture *capture, uint64_t until)
{
	bool at_once = capture->flushes || until == UINT64_MAX;

	timeline_release(&capture->timeline, until,
			 at_once ? UINT64_MAX : monotonic_now(), &capture->sink.batch);
	if (capture->sink.batch.size)
		try(sink_write(&capture->sink));
	answer_flushes(capture);
	return NULL;
}

/* Reads each ring once, and writes what is complete. Between rings, memory stays
 * bounded. */
static struct error *read_and_write(struct capture *capture)
{
	for (size_t i = 0; i < capture->n_rings; i++) {
		try(ring_read(&capture->rings[i], &capture->timeline.hold));
		if (capture->timeline.hold.held > HOLD_LIMIT)
			try(write_until(capture, 0));
	}
	return write_until(capture, known_until(capture));
}

static struct error *write_statistics(struct capture *capture)
{
	for (size_t i = 0; i < capture->n_rings; i++) {
		struct ring *ring = &capture->rings[i];
		struct pcapng_statistics statistics = {
			.interface = ring->interface,
			.start = timeline_stamp(&capture->timeline, capture->start),
			.end = timeline_stamp(&capture->timeline, realtime_now()),
		};

		ring_count(ring);
		statistics.received = ring->received;
		/* As dumpcap does: Wireshark shows the former only. */
		statistics.dropped = statistics.os_dropped = ring->dropped;
		pcapng_append_statistics(&capture->sink.batch, &statistics);
	}
	return sink_write(&capture->sink);
}

static void disable_sources(struct capture *capture)
{
	capture->stopped = true;
	for (size_t i = 0; i < capture->n_rings; i++)
		capture->readable[i] =
			sd_event_source_disable_unref(capture->readable[i]);
	capture->timer = sd_event_source_disable_unref(capture->timer);
}

/* Writes what is held and the statistics, and closes the file: all that can still be
 * done. */
static struct error *write_end(struct capture *capture)
{
	struct error *error = write_until(capture, UINT64_MAX);
	struct error *closing;

	if (!error)
		error = write_statistics(capture);
	closing = sink_close(&capture->sink);
	if (error)
		error_ignore(closing);
	return error ?: closing;
}

static void fail_capture(struct capture *capture, struct error *error)
{
	disable_sources(capture);
	error_ignore(write_end(capture));
	while (capture->flushes)
		answer_flush(capture->flushes,
			     error_new(error->code, "%s", error->message));
	capture->failed(capture, error, capture->userdata);
}

static bool needs_timer(const struct capture *capture)
{
	bool needed = timeline_is_pending(&capture->timeline) || capture->flushes;

	for (size_t i = 0; i < capture->n_rings; i++)
		needed |= ring_needs_polling(&capture->rings[i]);
	return needed;
}

/* Frames that are held want another pass, even if no further frame wakes us. */
static struct error *arm_timer(struct capture *capture)
{
	bool needed = needs_timer(capture);
	int r = 0;

	if (needed)
		r = sd_event_source_set_time_relative(capture->timer, PASS_AGAIN_US);
	if (r >= 0)
		r = sd_event_source_set_enabled(capture->timer,
						needed ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
	return r < 0 ? error_errno(-r, "the capture's timer") : NULL;
}

static void pass(struct capture *capture)
{
	struct error *error = read_and_write(capture);

	if (!error)
		error = arm_timer(capture);
	if (error)
		fail_capture(capture, error);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source, (void)fd, (void)events;
	pass(userdata);
	return 0;
}

static int on_time(sd_event_source *source, uint64_t time, void *userdata)
{
	(void)source, (void)time;
	pass(userdata);
	return 0;
}

static struct error *open_rings(struct capture *capture,
				const struct capture_options *options)
{
	for (size_t i = 0; i < options->n_links; i++) {
		capture->rings[i].interface = i;
		capture->n_rings++;
		try(ring_open(&capture->rings[i], &options->links[i], options));
	}
	return NULL;
}

static void write_row_interface(struct capture *capture, const char *name,
				const char *description)
{
	pcapng_append_interface(&capture->sink.batch,
				&(struct pcapng_interface){
					.name = name,
					.description = description,
					.link_type = LINKTYPE_WIRESHARK_UPPER_PDU,
				});
}

static void write_row_interfaces(struct capture *capture,
				 const struct capture_options *options)
{
	if (options->halts)
		write_row_interface(capture, "halts", "when the lab stood still");
	strv_foreach (console, options->consoles) {
		_cleanup_free_ char *name = xasprintf("%s console", *console);

		write_row_interface(capture, name, NULL);
	}
}

static struct error *write_header(struct capture *capture,
				  const struct capture_options *options)
{
	struct utsname host = {0};
	_cleanup_free_ char *os = NULL;

	uname(&host);
	os = xasprintf("%s %s", host.sysname, host.release);
	pcapng_append_section(&capture->sink.batch,
			      &(struct pcapng_section){
				      .hardware = host.machine,
				      .os = os,
				      .application = "netlab " NETLAB_VERSION,
				      .comment = options->comment,
			      });
	for (size_t i = 0; i < options->n_links; i++) {
		struct pcapng_interface interface = {
			.name = capture->rings[i].name,
			.description = options->links[i].description,
			.filter = options->filter,
			.snaplen = pcap_snapshot(capture->rings[i].pcap),
			.link_type = ring_link_type(&capture->rings[i]),
		};

		pcapng_append_interface(&capture->sink.batch, &interface);
	}
	write_row_interfaces(capture, options);
	return sink_write(&capture->sink);
}

static struct error *add_sources(struct capture *capture, sd_event *event)
{
	int r = 0;

	for (size_t i = 0; i < capture->n_rings && r >= 0; i++)
		r = sd_event_add_io(event, &capture->readable[i],
				    ring_fd(&capture->rings[i]), EPOLLIN, on_readable,
				    capture);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &capture->timer, CLOCK_MONOTONIC,
					       PASS_AGAIN_US, 1000, on_time, capture);
	for (size_t i = 0; i < capture->n_rings && r >= 0; i++)
		r = sd_event_source_set_priority(capture->readable[i], PRIORITY);
	if (r >= 0)
		r = sd_event_source_set_priority(capture->timer, PRIORITY);
	return r < 0 ? error_errno(-r, "the capture can't wait for frames") : NULL;
}

static struct error *begin(struct capture *capture, sd_event *event,
			   const struct capture_options *options)
{
	try(open_rings(capture, options));
	capture->start = realtime_now();
	try(write_header(capture, options));
	return add_sources(capture, event);
}

struct error *capture_new(struct capture **capture, sd_event *event, int fd,
			  const struct capture_options *options, capture_failed_fn failed,
			  void *userdata)
{
	_cleanup_capture_ struct capture *new = xcalloc(1, sizeof(*new));
	struct error *error;

	new->sink.fd = fd;
	new->failed = failed;
	new->userdata = userdata;
	new->rings = xcalloc(options->n_links, sizeof(*new->rings));
	new->readable = xcalloc(options->n_links, sizeof(sd_event_source *));
	new->late_ns = options->halts ? CAPTURE_LATE_NS : 0;
	new->timeline.wall = options->clock == CAPTURE_CLOCK_WALL;
	new->timeline.links = options->n_links;
	new->timeline.halts = options->halts ? options->n_links : 0;
	new->timeline.time.before = options->halted_ns;
	error = begin(new, event, options);
	if (error) {
		disable_sources(new); /* there is nothing to finish */
		return error;
	}
	*capture = steal_ptr(new);
	return NULL;
}

static bool all_empty(const struct capture *capture)
{
	for (size_t i = 0; i < capture->n_rings; i++)
		if (!ring_is_empty(&capture->rings[i]))
			return false;
	return true;
}

static void wait_for_block(const struct capture *capture, uint64_t ns)
{
	_cleanup_free_ struct pollfd *polled = xcalloc(capture->n_rings, sizeof(*polled));
	struct timespec limit = {0, ns};
	size_t n = 0;

	for (size_t i = 0; i < capture->n_rings; i++)
		if (!ring_is_empty(&capture->rings[i]))
			polled[n++] = (struct pollfd){.fd = ring_fd(&capture->rings[i]),
						      .events = POLLIN};
	ppoll(polled, n, &limit, NULL);
}

/* The frames in the kernel's open block come when its timeout has closed it. */
static struct error *drain(struct capture *capture)
{
	uint64_t begun = monotonic_now(), elapsed;

	for (size_t i = 0; i < capture->n_rings; i++) {
		ring_stop(&capture->rings[i]);
		ring_count(&capture->rings[i]);
	}
	for (;;) {
		try(read_and_write(capture));
		elapsed = monotonic_now() - begun;
		if (all_empty(capture) || elapsed >= DRAIN_LIMIT_NS)
			return NULL;
		wait_for_block(capture, DRAIN_LIMIT_NS - elapsed);
	}
}

struct error *capture_finish(struct capture *capture)
{
	struct error *error, *ending;

	if (capture->stopped)
		return NULL;
	disable_sources(capture);
	error = drain(capture);
	ending = write_end(capture);
	if (error)
		error_ignore(ending);
	return error ?: ending;
}

/* What was told wants a pass, even if no frame wakes us. One that is due is not put off. */
static void wake(struct capture *capture)
{
	int enabled = SD_EVENT_OFF;

	if (capture->stopped)
		return;
	sd_event_source_get_enabled(capture->timer, &enabled);
	if (enabled == SD_EVENT_OFF)
		error_ignore(arm_timer(capture));
}

void capture_halt(struct capture *capture, const char *guest, const char *cause,
		  uint64_t wall)
{
	timeline_halt(&capture->timeline, guest, cause, wall, monotonic_now());
	wake(capture);
}

void capture_tell(struct capture *capture, const struct halt_place *place)
{
	halt_rows_tell(&capture->timeline.rows, place, realtime_now());
	wake(capture);
}

void capture_resume(struct capture *capture, uint64_t wall)
{
	timeline_resume(&capture->timeline, wall);
	wake(capture);
}

void capture_add_line(struct capture *capture, size_t console, uint64_t wall,
		      int priority, const char *text)
{
	if (!*text)
		return;
	timeline_add_line(&capture->timeline,
			  &(struct row){
				  .interface = capture->n_rings +
					       (capture->timeline.halts != 0) + console,
				  .stamp = wall,
				  .priority = priority,
				  .text = text,
			  });
	wake(capture);
}

struct capture_flush *capture_flush(struct capture *capture, capture_flushed_fn flushed,
				    void *userdata)
{
	struct capture_flush *flush = xcalloc(1, sizeof(*flush));

	*flush = (struct capture_flush){
		.capture = capture,
		.wall = realtime_now(),
		.flushed = flushed,
		.userdata = userdata,
		.next = capture->flushes,
	};
	capture->flushes = flush;
	wake(capture);
	return flush;
}

void capture_flush_cancel(struct capture_flush *flush)
{
	struct capture_flush **link;

	if (!flush)
		return;
	for (link = &flush->capture->flushes; *link != flush;)
		link = &(*link)->next;
	*link = flush->next;
	free(flush);
}

bool capture_get_statistics(struct capture *capture, size_t index,
			    struct capture_statistics *statistics)
{
	struct ring *ring;

	if (index >= capture->n_rings)
		return false;
	ring = &capture->rings[index];
	ring_count(ring);
	*statistics = (struct capture_statistics){
		.received = ring->received,
		.dropped = ring->dropped,
		.written = ring->taken - hold_count(&capture->timeline.hold, index),
	};
	return true;
}

void capture_free(struct capture *capture)
{
	if (!capture)
		return;
	error_ignore(capture_finish(capture));
	for (size_t i = 0; i < capture->n_rings; i++)
		ring_close(&capture->rings[i]);
	error_ignore(sink_close(&capture->sink));
	while (capture->flushes)
		capture_flush_cancel(capture->flushes);
	timeline_deinit(&capture->timeline);
	buffer_deinit(&capture->sink.batch);
	free(capture->rings);
	free(capture->readable);
	free(capture);
}
