// SPDX-License-Identifier: GPL-2.0-or-later
#include "traffic/traffic.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "traffic/connection.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/process.h"
#include "util/string.h"

#define EVENTS_AT_ONCE 128
#define FILES_SPARE    256 /* descriptors that the process may want besides */

/* What paced drivers send: 20,000 datagrams a second, which a guest under TCG can
 * take. */
#define PACE_US      1000
#define PACE_AT_ONCE 20

static const struct driver *driver_of(enum drive_kind kind)
{
	switch (kind) {
	case DRIVE_TCP:
		return &tcp_driver;
	case DRIVE_UDP:
		return &udp_driver;
	}
	return NULL;
}

void connection_watch(struct connection *connection, uint32_t events)
{
	/* EPOLLERR comes in any case: with it, 0 means that nothing is watched yet. */
	struct epoll_event event = {.events = events | EPOLLERR, .data.ptr = connection};
	int how = connection->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (connection->watched == event.events)
		return;
	connection->watched = event.events;
	if (epoll_ctl(connection->traffic->epoll, how, connection->fd, &event) < 0)
		connection_fail(connection,
				xasprintf("can't wait for it: %s", strerror(errno)));
}

bool connection_expects(const struct connection *connection)
{
	return connection->traffic->spec.expect != NULL;
}

void connection_count_sent(struct connection *connection, size_t n)
{
	if (connection->first_sent_ns == 0)
		connection->first_sent_ns = monotonic_now();
	connection->report.sent += n;
}

void connection_count_received(struct connection *connection, size_t n)
{
	struct connection_report *report = &connection->report;

	if (report->received == 0 && connection->first_sent_ns)
		report->rtt_ns = monotonic_now() - connection->first_sent_ns;
	report->received += n;
}

bool connection_sent_all(const struct connection *connection)
{
	return connection->report.sent == stream_size(&connection->sends);
}

static void set_outcome(struct connection *connection, bool ok, char *text)
{
	if (connection->traffic->driver->inspect && connection->fd >= 0)
		connection->traffic->driver->inspect(connection);
	connection->report.ok = ok;
	free(connection->report.outcome);
	connection->report.outcome = text;
}

void connection_succeed(struct connection *connection)
{
	set_outcome(connection, true, xstrdup("ok"));
}

void connection_fail(struct connection *connection, char *text)
{
	set_outcome(connection, false, text);
	connection_end(connection);
}

void connection_end(struct connection *connection)
{
	if (connection->phase == CONNECTION_ENDED)
		return;
	close_fd(&connection->fd);
	connection->phase = CONNECTION_ENDED;
	connection->report.duration_ns = monotonic_now() - connection->started_ns;
	connection->traffic->active--;
}

static json_t *result_of(const struct traffic *traffic)
{
	_cleanup_free_ struct connection_report *each =
		xcalloc(traffic->n, sizeof(*each));
	struct drive_report report = {
		.kind = traffic->driver->name,
		.to = traffic->to,
		.duration_ns = monotonic_now() - traffic->started_ns,
		.each = each,
		.n = traffic->n,
	};

	for (unsigned i = 0; i < traffic->n; i++)
		each[i] = traffic->connections[i].report;
	return drive_result(&report);
}

static void disable_sources(struct traffic *traffic)
{
	traffic->readable = sd_event_source_disable_unref(traffic->readable);
	traffic->deadline = sd_event_source_disable_unref(traffic->deadline);
	traffic->pacer = sd_event_source_disable_unref(traffic->pacer);
}

/* The last thing that an event's handler does: the traffic may be gone behind it. */
static void finish_if_done(struct traffic *traffic)
{
	if (traffic->active > 0)
		return;
	disable_sources(traffic);
	traffic->done(traffic, result_of(traffic), traffic->userdata);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct epoll_event ready[EVENTS_AT_ONCE];
	struct traffic *traffic = userdata;
	int n = epoll_wait(fd, ready, EVENTS_AT_ONCE, 0);

	(void)source, (void)events;
	for (int i = 0; i < n; i++)
		traffic->driver->handle(ready[i].data.ptr, ready[i].events);
	finish_if_done(traffic);
	return 0;
}

/* A deadline that passes while the connection closes changes nothing of its outcome. */
static void expire(struct connection *connection)
{
	const struct traffic *traffic = connection->traffic;

	if (connection->phase == CONNECTION_CLOSING) {
		connection->report.closed = "left open by the peer";
		connection_end(connection);
		return;
	}
	connection_fail(connection, xasprintf("timeout after %g s while %s",
					      traffic->spec.timeout_ns / 1e9,
					      traffic->driver->awaited(connection)));
}

/* Ends what is overdue; returns the next deadline in ns, UINT64_MAX where there is
 * none. */
static uint64_t expire_overdue(struct traffic *traffic)
{
	uint64_t now = monotonic_now(), next = UINT64_MAX;

	for (unsigned i = 0; i < traffic->n; i++) {
		struct connection *connection = &traffic->connections[i];

		if (connection->phase == CONNECTION_ENDED)
			continue;
		if (connection->deadline_ns <= now)
			expire(connection);
		else if (connection->deadline_ns < next)
			next = connection->deadline_ns;
	}
	return next;
}

static int on_deadline(sd_event_source *source, uint64_t time, void *userdata)
{
	struct traffic *traffic = userdata;
	uint64_t next = expire_overdue(traffic);

	(void)time;
	if (next != UINT64_MAX) {
		sd_event_source_set_time(source, next / 1000 + 1);
		sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	finish_if_done(traffic);
	return 0;
}

static bool any_unsent(const struct traffic *traffic)
{
	for (unsigned i = 0; i < traffic->n; i++)
		if (traffic->connections[i].phase != CONNECTION_ENDED &&
		    !connection_sent_all(&traffic->connections[i]))
			return true;
	return false;
}

/* Each millisecond the connections take turns, where they left off. */
static int on_pace(sd_event_source *source, uint64_t time, void *userdata)
{
	struct traffic *traffic = userdata;
	unsigned left = PACE_AT_ONCE;

	(void)time;
	for (unsigned i = 0; i < traffic->n && left > 0; i++) {
		struct connection *connection =
			&traffic->connections[traffic->next_paced];

		traffic->next_paced = (traffic->next_paced + 1) % traffic->n;
		if (connection->phase != CONNECTION_ENDED)
			left -= traffic->driver->pace(connection, left);
	}
	if (any_unsent(traffic)) {
		sd_event_source_set_time_relative(source, PACE_US);
		sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	finish_if_done(traffic);
	return 0;
}

static struct error *raise_file_limit(unsigned connections)
{
	rlim_t needed = (rlim_t)connections + FILES_SPARE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return error_errno(errno, "the limit of open files");
	if (limit.rlim_cur >= needed)
		return NULL;
	if (limit.rlim_max < needed)
		return error_hint(error_new(EMFILE,
					    "%u connections are too many: at most %lu "
					    "files may be open",
					    connections, (unsigned long)limit.rlim_max),
				  "raise the hard limit (ulimit -Hn), or use fewer");
	file_limit_raise();
	return NULL;
}

static socklen_t set_endpoint(union endpoint *endpoint, const struct address *address,
			      uint16_t port)
{
	if (address->family == AF_INET6) {
		endpoint->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
						     .sin6_port = htons(port),
						     .sin6_addr = address->v6};
		return sizeof(endpoint->v6);
	}
	endpoint->v4 = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = address->v4};
	return sizeof(endpoint->v4);
}

static void init_connection(struct traffic *traffic, unsigned number)
{
	const struct drive_spec *spec = &traffic->spec;
	struct connection *connection = &traffic->connections[number];

	connection->traffic = traffic;
	connection->fd = -1;
	connection->phase = CONNECTION_CONNECTING;
	connection_report_init(&connection->report);
	connection->report.remote = traffic->to;
	stream_init(&connection->sends, spec->send, spec->bytes, number);
	stream_init(&connection->expects, spec->expect, spec->expect ? spec->bytes : 0,
		    number);
}

static void start_connection(struct connection *connection, socklen_t to_size)
{
	struct traffic *traffic = connection->traffic;
	socklen_t size = sizeof(connection->report.local);

	connection->started_ns = monotonic_now();
	connection->deadline_ns = connection->started_ns + traffic->spec.timeout_ns;
	connection->fd =
		socket(traffic->to.any.sa_family,
		       traffic->driver->socket_type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connection->fd < 0) {
		connection_fail(connection, xasprintf("socket: %s", strerror(errno)));
		return;
	}
	if (connect(connection->fd, &traffic->to.any, to_size) < 0 &&
	    errno != EINPROGRESS) {
		connection_fail(connection, xasprintf("connect: %s", strerror(errno)));
		return;
	}
	getsockname(connection->fd, &connection->report.local.any, &size);
	traffic->driver->start(connection);
}

static int add_timers(struct traffic *traffic, sd_event *event)
{
	/* Where nothing could be started, the deadline is now: done() is never called
	 * from within traffic_start(). */
	uint64_t wait = traffic->active ? traffic->spec.timeout_ns / 1000 : 0;
	int r = sd_event_add_time_relative(event, &traffic->deadline, CLOCK_MONOTONIC,
					   wait, 1000, on_deadline, traffic);

	if (r >= 0 && traffic->driver->pace)
		r = sd_event_add_time_relative(event, &traffic->pacer, CLOCK_MONOTONIC, 0,
					       1, on_pace, traffic);
	return r;
}

static struct error *add_sources(struct traffic *traffic, sd_event *event)
{
	int r = sd_event_add_io(event, &traffic->readable, traffic->epoll, EPOLLIN,
				on_readable, traffic);

	if (r >= 0)
		r = add_timers(traffic, event);
	return r < 0 ? error_errno(-r, "the traffic can't wait for events") : NULL;
}

static void copy_spec(struct drive_spec *copy, const struct drive_spec *spec)
{
	*copy = *spec;
	copy->to.guest = NULL;
	copy->send = xstrdup(spec->send);
	copy->expect = xstrdup(spec->expect);
}

/* TCP_INFO is an extra: a kernel without sock_diag can be driven too. */
static struct diag *open_diag(void)
{
	struct diag *diag = NULL;
	_cleanup_error_ struct error *error = diag_open(&diag);

	if (error)
		log_debug("traffic: %s", error->message);
	return diag;
}

static struct error *prepare(struct traffic *traffic)
{
	traffic->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (traffic->epoll < 0)
		return error_errno(errno, "the traffic's epoll");
	try(raise_file_limit(traffic->spec.connections));
	traffic->connections =
		xcalloc(traffic->spec.connections, sizeof(*traffic->connections));
	traffic->n = traffic->active = traffic->spec.connections;
	for (unsigned i = 0; i < traffic->n; i++)
		init_connection(traffic, i);
	return NULL;
}

struct error *traffic_start(struct traffic **traffic, sd_event *event,
			    const struct drive_spec *spec, const struct address *to,
			    traffic_done_fn done, void *userdata)
{
	_cleanup_traffic_ struct traffic *new = xcalloc(1, sizeof(*new));
	socklen_t to_size = set_endpoint(&new->to, to, spec->to.port);

	new->epoll = -1;
	copy_spec(&new->spec, spec);
	new->driver = driver_of(spec->kind);
	new->done = done;
	new->userdata = userdata;
	new->started_ns = monotonic_now();
	new->diag = open_diag();
	try(prepare(new));
	for (unsigned i = 0; i < new->n; i++)
		start_connection(&new->connections[i], to_size);
	try(add_sources(new, event));
	*traffic = steal_ptr(new);
	return NULL;
}

static void shift(uint64_t *time, uint64_t ns)
{
	if (*time)
		*time += ns;
}

/* Time that has passed has not: all stamps and deadlines move with it. */
static void shift_times(struct traffic *traffic, uint64_t ns)
{
	traffic->started_ns += ns;
	for (unsigned i = 0; i < traffic->n; i++) {
		struct connection *connection = &traffic->connections[i];

		shift(&connection->started_ns, ns);
		shift(&connection->deadline_ns, ns);
		shift(&connection->first_sent_ns, ns);
	}
}

static void enable_sources(struct traffic *traffic, bool enabled)
{
	sd_event_source_set_enabled(traffic->readable,
				    enabled ? SD_EVENT_ON : SD_EVENT_OFF);
	sd_event_source_set_enabled(traffic->deadline,
				    enabled ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
	if (traffic->pacer && traffic->paces)
		sd_event_source_set_enabled(traffic->pacer,
					    enabled ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static void begin_hold(struct traffic *traffic)
{
	int enabled = SD_EVENT_OFF;

	if (traffic->pacer)
		sd_event_source_get_enabled(traffic->pacer, &enabled);
	traffic->paces = enabled != SD_EVENT_OFF;
	traffic->held_ns = monotonic_now();
	enable_sources(traffic, false);
}

static void end_hold(struct traffic *traffic)
{
	uint64_t due = 0, ns = monotonic_now() - traffic->held_ns;

	traffic->held_ns = 0;
	shift_times(traffic, ns);
	sd_event_source_get_time(traffic->deadline, &due);
	sd_event_source_set_time(traffic->deadline, due + ns / 1000);
	enable_sources(traffic, true);
}

void traffic_hold(struct traffic *traffic, bool hold)
{
	if (!traffic->readable || hold == (traffic->held_ns != 0))
		return;
	if (hold)
		begin_hold(traffic);
	else
		end_hold(traffic);
}

void traffic_free(struct traffic *traffic)
{
	if (!traffic)
		return;
	disable_sources(traffic);
	for (unsigned i = 0; i < traffic->n; i++) {
		close_fd(&traffic->connections[i].fd);
		connection_report_deinit(&traffic->connections[i].report);
	}
	close_fd(&traffic->epoll);
	diag_free(traffic->diag);
	free(traffic->connections);
	free(traffic->spec.send);
	free(traffic->spec.expect);
	free(traffic);
}
