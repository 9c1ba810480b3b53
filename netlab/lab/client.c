// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "lab/protocol.h"
#include "lab/rundir.h"
#include "util/log.h"
#include "util/string.h"

#define STOP_TIMEOUT_MS (30 * 1000)
/* For one that never answered that it would end: its connection is closed already. */
#define UNANSWERED_TIMEOUT_MS (2 * 1000)

struct client {
	sd_event *event;
	struct channel *channel; /* NULL once the connection has ended */
	char *lab;
	int supervisor; /* pidfd; -1: not known */
	pid_t child;    /* the supervisor, where it is our child; else 0 */
	bool interrupted;
	json_int_t id; /* of the call that waits */
	bool answered;
	json_t *answer;
	client_event_fn on_event;
	void *userdata;
	bool ready;
	struct error *failure; /* what the supervisor failed with */
	struct error *panic;   /* of the first guest that is kept; NULL: none, or told */
	bool knows_of_panic;
	bool heeds_panics;
};

void client_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info,
		     void *userdata)
{
	struct client *client = userdata;

	(void)source, (void)info;
	client->interrupted = true;
	return 0;
}

static void relay_log(const json_t *event)
{
	const char *level = json_string_value(json_object_get(event, "level"));
	const char *line = json_string_value(json_object_get(event, "line"));

	if (!level || !line)
		return;
	if (streq(level, "warning"))
		log_warning("%s", line);
	else if (streq(level, "info"))
		log_info("%s", line);
	else
		log_debug("%s", line);
}

static void note_panic(struct client *client, const json_t *event)
{
	if (!client->knows_of_panic)
		client->panic = error_from_json(json_object_get(event, "error"));
	client->knows_of_panic = true;
}

static void on_owner_event(struct client *client, const char *name, const json_t *message)
{
	if (streq(name, "log"))
		relay_log(message);
	else if (streq(name, "ready"))
		client->ready = true;
	else if (streq(name, "failed") && !client->failure)
		client->failure = error_from_json(json_object_get(message, "error"));
	else if (streq(name, "panicked"))
		note_panic(client, message);
}

static void on_message(struct channel *channel, json_t *message, void *userdata)
{
	struct client *client = userdata;
	const json_t *id = json_object_get(message, "id");
	const char *event = json_string_value(json_object_get(message, "event"));

	(void)channel;
	if (!id && event)
		on_owner_event(client, event, message);
	else if (json_integer_value(id) != client->id)
		log_debug("an answer that no one waits for");
	else if (!event) {
		json_decref(client->answer);
		client->answer = json_incref(message);
		client->answered = true;
	} else if (client->on_event)
		client->on_event(message, client->userdata);
}

static void on_closed(struct channel *channel, struct error *error, void *userdata)
{
	struct client *client = userdata;

	client->channel = NULL;
	if (client->failure)
		error_free(error);
	else
		client->failure = error_prefix(error, "the lab's supervisor");
	channel_free(channel);
}

static const struct channel_handlers handlers = {.message = on_message,
						 .closed = on_closed};

static struct error *client_new(struct client **result, const char *lab)
{
	_cleanup_client_ struct client *client = xcalloc(1, sizeof(*client));
	int r;

	client->supervisor = -1;
	client->lab = xstrdup(lab);
	client_block_signals();
	r = sd_event_new(&client->event);
	if (r >= 0)
		r = sd_event_add_signal(client->event, NULL, SIGINT, on_signal, client);
	if (r >= 0)
		r = sd_event_add_signal(client->event, NULL, SIGTERM, on_signal, client);
	if (r < 0)
		return error_errno(-r, "event loop");
	*result = steal_ptr(client);
	return NULL;
}

/* Which process is at the other end: its pidfd tells when it is gone. */
static int peer_pidfd(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -1;
	return pidfd_open(peer.pid, 0);
}

static struct error *adopt(struct client *client, int fd)
{
	return channel_new(&client->channel, client->event, fd, &protocol_limits,
			   &handlers, client);
}

static struct error *connect_to(const char *lab, int *result)
{
	_cleanup_free_ char *path = rundir_file(lab, CONTROL_SOCKET);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(errno, "socket");
	if (strlen(path) >= sizeof(address.sun_path))
		return error_new(ENAMETOOLONG, "%s: too long for a socket's path", path);
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return error_hint(error_new(ENOENT, "no lab '%s' is up", lab),
					  "'netlab status' lists those that are");
		return error_errno(errno, "%s", path);
	}
	*result = steal_fd(fd);
	return NULL;
}

static struct error *only_lab(char **lab)
{
	_cleanup_strv_ char **labs = NULL;
	_cleanup_free_ char *joined = NULL;

	try(rundir_list(&labs));
	if (!labs)
		return error_hint(error_new(ENOENT, "no lab is up"),
				  "'netlab up TOPOLOGY' starts one");
	joined = strv_join(labs, ", ");
	if (strv_length(labs) > 1)
		return error_new(EINVAL, "several labs are up, name one of them: %s",
				 joined);
	*lab = xstrdup(labs[0]);
	return NULL;
}

struct error *client_connect(struct client **result, const char *lab)
{
	_cleanup_client_ struct client *client = NULL;
	_cleanup_free_ char *name = xstrdup(lab);
	int fd;

	if (!name)
		try(only_lab(&name));
	try(connect_to(name, &fd));
	try(client_new(&client, name));
	client->supervisor = peer_pidfd(fd);
	try(adopt(client, fd));
	*result = steal_ptr(client);
	return NULL;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source, (void)usec;
	*(bool *)userdata = true;
	return 0;
}

static struct error *why_ended(struct client *client)
{
	return steal_ptr(client->failure)
		       ?: error_new(ENOTCONN, "lab '%s' has ended", client->lab);
}

struct error *client_wait(struct client *client, const bool *done, uint64_t timeout_ns)
{
	_cleanup_(sd_event_source_disable_unrefp) sd_event_source *timer = NULL;
	bool late = false;
	int r;

	if (timeout_ns &&
	    sd_event_add_time_relative(client->event, &timer, CLOCK_MONOTONIC,
				       timeout_ns / 1000, 0, on_timeout, &late) < 0)
		return error_new(EIO, "timer");
	while (!*done) {
		if (client->interrupted)
			return error_new(ECANCELED, "interrupted");
		if (!client->channel)
			return why_ended(client);
		if (client->heeds_panics && client->panic)
			return steal_ptr(client->panic);
		if (late)
			return error_new(ETIMEDOUT, "no answer in time");
		r = sd_event_run(client->event, UINT64_MAX);
		if (r < 0)
			return error_errno(-r, "event loop");
	}
	return NULL;
}

/* Reaps the supervisor where it is our child, so that no zombie stays either. */
static struct error *wait_for_end(struct client *client, int timeout_ms)
{
	struct pollfd fd = {.fd = client->supervisor, .events = POLLIN};
	int n;

	if (client->supervisor < 0 && !client->child)
		return NULL;
	do
		n = client->supervisor < 0 ? 1 : poll(&fd, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return error_new(ETIMEDOUT,
				 "lab '%s' doesn't end; see netlab.log in its folder",
				 client->lab);
	if (client->child)
		waitpid(client->child, NULL, 0);
	client->child = 0;
	return NULL;
}

/* Its signals are blocked from the fork on: it hears this one, at the latest in its loop. */
struct error *client_abandon_lab(struct client *client, struct error *error)
{
	channel_free(steal_ptr(client->channel));
	if (client->child)
		kill(client->child, SIGTERM);
	error_ignore(wait_for_end(client, STOP_TIMEOUT_MS));
	return error;
}

static struct error *await_ready(struct client *client, const char *output)
{
	int r = 0;

	while (!client->ready && !client->failure && client->channel &&
	       !client->interrupted && r >= 0)
		r = sd_event_run(client->event, UINT64_MAX);
	if (client->ready)
		return NULL;
	if (client->failure)
		return steal_ptr(client->failure);
	if (client->interrupted)
		return error_new(ECANCELED, "interrupted");
	if (r < 0)
		return error_errno(-r, "event loop");
	return error_new(EIO, "the supervisor died; see %s/netlab.log", output);
}

struct error *client_start_lab(struct client **result, const struct lab_options *options)
{
	_cleanup_client_ struct client *client = NULL;
	struct error *error;
	int owner;

	try(client_new(&client, options->name));
	try(supervisor_start(options, &owner, &client->child));
	client->supervisor = pidfd_open(client->child, 0);
	error = adopt(client, owner);
	if (!error)
		error = await_ready(client, options->output);
	if (error)
		return client_abandon_lab(client, error);
	*result = steal_ptr(client);
	return NULL;
}

static struct error *result_of(struct client *client, json_t **result)
{
	_cleanup_json_ json_t *answer = steal_ptr(client->answer);
	json_t *error = json_object_get(answer, "error");

	if (error)
		return error_from_json(error);
	if (result)
		*result = json_incref(json_object_get(answer, "result"));
	return NULL;
}

struct error *client_send(struct client *client, json_t *message)
{
	if (!client->channel) {
		json_decref(message);
		return error_new(ENOTCONN, "lab '%s' has ended", client->lab);
	}
	json_object_set_new(message, "id", json_integer(client->id));
	return channel_send(client->channel, message);
}

struct error *client_subscribe(struct client *client, json_t *request,
			       client_event_fn on_event, void *userdata, json_t **result)
{
	client->id++;
	client->answered = false;
	client->on_event = on_event;
	client->userdata = userdata;
	try(client_send(client, request));
	try(client_wait(client, &client->answered, 0));
	return result_of(client, result);
}

struct error *client_call(struct client *client, json_t *request,
			  client_event_fn on_event, void *userdata, json_t **result)
{
	struct error *error =
		client_subscribe(client, request, on_event, userdata, result);

	client->on_event = NULL;
	return error;
}

struct error *client_detach(struct client *client)
{
	return client_call(client, json_pack("{s:s}", "request", "detach"), NULL, NULL,
			   NULL);
}

/*
 * What it says while it ends is passed on; a second ^C doesn't make it end faster. Returns what it
 * failed with, or NULL.
 */
static struct error *hear_out(struct client *client)
{
	const bool never = false;
	struct error *error = NULL;

	do {
		error_free(error);
		client->interrupted = false;
		error = client_wait(client, &never, STOP_TIMEOUT_MS * 1000000ull);
	} while (error->code == ECANCELED);
	if (error->code != ENOTCONN && error->code != ETIMEDOUT)
		return error;
	error_free(error);
	return NULL;
}

struct error *client_stop_lab(struct client *client)
{
	struct error *failure, *end;

	client->id++; /* the answer to an interrupted call may still come */
	client->answered = false;
	if (client->channel)
		error_ignore(client_send(client, json_pack("{s:s}", "request", "down")));
	failure = hear_out(client);
	/* A lab that is ours ends with its connection. */
	end = wait_for_end(client, client->answered || client->child
					   ? STOP_TIMEOUT_MS
					   : UNANSWERED_TIMEOUT_MS);
	if (end)
		error_free(failure);
	return end ?: failure;
}

void client_heed_panics(struct client *client, bool heed)
{
	client->heeds_panics = heed;
}

bool client_knows_of_panic(const struct client *client)
{
	return client->knows_of_panic;
}

int client_take_fd(struct client *client)
{
	return client->channel ? channel_take_fd(client->channel) : -1;
}

sd_event *client_event(struct client *client)
{
	return client->event;
}

const char *client_lab(const struct client *client)
{
	return client->lab;
}

void client_free(struct client *client)
{
	if (!client)
		return;
	channel_free(client->channel);
	json_decref(client->answer);
	error_free(client->failure);
	error_free(client->panic);
	close_fd(&client->supervisor);
	sd_event_unref(client->event);
	free(client->lab);
	free(client);
}
