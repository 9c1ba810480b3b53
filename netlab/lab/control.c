// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/control.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lab/session.h"
#include "lab/protocol.h"
#include "traffic/traffic.h"
#include "util/log.h"
#include "util/string.h"

/* Connections at a time: more than people and scripts need, and no flood. */
#define SESSIONS_MAX 128
/* Bytes of answers that may wait for a client before it is listened to no longer. */
#define ANSWERS_MAX (1u << 20)

/* Requests are small: the largest has a command line, or input of a command. */
static const struct channel_limits session_limits = {
	.line = 4 << 20,
	.queue = 32 << 20,
};

struct control {
	sd_event *event;
	sd_event_source *source;
	struct lab *lab;
	struct session *sessions;
	void (*owner_gone)(void *userdata);
	void *userdata;
	int listener;
};

struct operation *operation_new(const struct request *request)
{
	struct operation *operation = xcalloc(1, sizeof(*operation));

	operation->session = request->session;
	operation->id = request->id;
	operation->next = request->session->operations;
	request->session->operations = operation;
	return operation;
}

struct operation *operation_find(struct session *session, json_int_t id)
{
	struct operation *operation = session->operations;

	while (operation && operation->id != id)
		operation = operation->next;
	return operation;
}

void operation_free(struct operation *operation)
{
	struct operation **link = &operation->session->operations;

	while (*link != operation)
		link = &(*link)->next;
	*link = operation->next;
	if (operation->exec) {
		agent_hold(operation->agent, false);
		agent_exec_cancel(operation->exec);
	}
	buffer_deinit(&operation->input);
	traffic_free(operation->traffic);
	recording_unwatch(operation->watch);
	capture_flush_cancel(operation->flush);
	if (operation->dump)
		dump_cancel(operation->dump);
	free(operation);
}

static void session_free(struct session *session)
{
	struct session **link = &session->control->sessions;

	while (*link != session)
		link = &(*link)->next;
	*link = session->next;
	while (session->operations)
		operation_free(session->operations);
	channel_free(session->channel);
	free(session);
}

void session_send(struct session *session, json_t *message)
{
	struct error *error = channel_send(session->channel, message);

	if (!error)
		return;
	log_debug("control: %s", error->message);
	error_free(error);
	channel_drain(session->channel, 0);
}

void session_reply(struct session *session, json_int_t id, json_t *result)
{
	session_send(session, json_pack("{s:I, s:o}", "id", id, "result",
					result ?: json_object()));
}

void session_fail(struct session *session, json_int_t id, struct error *error)
{
	session_send(session,
		     json_pack("{s:I, s:o}", "id", id, "error", error_to_json(error)));
	error_free(error);
}

/* Who doesn't read answers isn't listened to either, until it has read them. */
static void on_message(struct channel *channel, json_t *message, void *userdata)
{
	struct session *session = userdata;
	struct request request = {
		.session = session,
		.id = json_integer_value(json_object_get(message, "id")),
		.message = message,
	};
	struct error *error;

	session->lab = session->control->lab;
	error = request_handle(&request);
	if (error)
		session_fail(session, request.id, error);
	if (channel_queued(channel) > ANSWERS_MAX)
		channel_hold(channel, true);
}

static void on_drained(struct channel *channel, void *userdata)
{
	channel_hold(channel, false);
	operations_resume(userdata);
}

static void on_closed(struct channel *channel, struct error *error, void *userdata)
{
	struct session *session = userdata;
	struct control *control = session->control;
	bool owned = session->owns;

	(void)channel;
	if (error)
		log_debug("control: %s", error->message);
	error_free(error);
	session_free(session);
	if (owned)
		control->owner_gone(control->userdata);
}

static const struct channel_handlers handlers = {
	.message = on_message, .drained = on_drained, .closed = on_closed};

static struct error *session_new(struct control *control, int fd, struct session **result)
{
	struct session *session = xcalloc(1, sizeof(*session));
	struct error *error;

	session->control = control;
	session->event = control->event;
	error = channel_new(&session->channel, control->event, fd, &session_limits,
			    &handlers, session);
	if (error) {
		free(session);
		return error;
	}
	session->next = control->sessions;
	control->sessions = *result = session;
	return NULL;
}

/*
 * Where there are too many, one that is at work on nothing goes, the oldest first: so whoever
 * only connects keeps no one else away. Returns whether there is room.
 */
static bool make_room(struct control *control)
{
	struct session *oldest = NULL;
	size_t n = 0;

	for (struct session *s = control->sessions; s; s = s->next, n++)
		if (!s->owns && !s->operations)
			oldest = s;
	if (n < SESSIONS_MAX)
		return true;
	if (oldest)
		session_free(oldest);
	return oldest;
}

static int on_connect(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct control *control = userdata;
	struct session *session;
	struct error *error;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source, (void)events;
	if (client < 0)
		return 0;
	if (!make_room(control)) {
		close(client);
		return 0;
	}
	error = session_new(control, client, &session);
	if (error)
		log_warning("control: %s", error->message);
	error_free(error);
	return 0;
}

static struct error *listen_in(const char *rundir, int *listener)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CONTROL_SOCKET,
			 rundir);

	if (n >= (int)sizeof(address.sun_path))
		return error_hint(error_new(ENAMETOOLONG,
					    "%s: too long for a socket's path", rundir),
				  "set NETLAB_RUNTIME_DIR to a shorter one");
	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*listener < 0 ||
	    bind(*listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(*listener, 64) < 0)
		return error_errno(errno, "%s", address.sun_path);
	return NULL;
}

struct error *control_new(struct control **result, sd_event *event, const char *rundir,
			  int owner, void (*owner_gone)(void *), void *userdata)
{
	_cleanup_(control_freep) struct control *control = xcalloc(1, sizeof(*control));
	struct session *session;
	int r;

	control->event = sd_event_ref(event);
	control->owner_gone = owner_gone;
	control->userdata = userdata;
	control->listener = -1;
	try(session_new(control, owner, &session));
	session->owns = true;
	try(listen_in(rundir, &control->listener));
	r = sd_event_add_io(event, &control->source, control->listener, EPOLLIN,
			    on_connect, control);
	if (r < 0)
		return error_errno(-r, "control socket");
	*result = steal_ptr(control);
	return NULL;
}

void control_set_lab(struct control *control, struct lab *lab)
{
	control->lab = lab;
	for (struct session *c = control->sessions; c && !lab; c = c->next)
		while (c->operations)
			operation_free(c->operations);
}

void control_hold(struct control *control, bool hold)
{
	for (struct session *s = control->sessions; s; s = s->next)
		operations_hold(s, hold);
}

void control_resume(struct control *control)
{
	for (struct session *c = control->sessions; c; c = c->next)
		operations_resume(c);
}

void control_tell_owner(struct control *control, json_t *event)
{
	for (struct session *c = control->sessions; c; c = c->next)
		if (c->owns)
			return session_send(c, event);
	json_decref(event);
}

void control_tell_failure(struct control *control, const struct error *error)
{
	_cleanup_json_ json_t *event = error_event("failed", error);

	for (struct session *c = control->sessions; c; c = c->next)
		if (c->owns || c->ends_it)
			session_send(c, json_incref(event));
}

void control_free(struct control *control)
{
	if (!control)
		return;
	while (control->sessions)
		session_free(control->sessions);
	sd_event_source_disable_unref(control->source);
	close_fd(&control->listener);
	sd_event_unref(control->event);
	free(control);
}
