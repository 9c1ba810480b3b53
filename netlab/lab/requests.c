// SPDX-License-Identifier: GPL-2.0-or-later
/* What can be asked over the control socket: one handler each, in a table. */
#include <errno.h>
#include <sys/socket.h>

#include "lab/session.h"
#include "lab/protocol.h"
#include "topology/topology.h"
#include "traffic/traffic.h"
#include "util/string.h"

static struct error *status(const struct request *request)
{
	session_reply(request->session, request->id, lab_to_json(request->session->lab));
	return NULL;
}

static struct error *down(const struct request *request)
{
	request->session->ends_it = true;
	session_reply(request->session, request->id, NULL);
	lab_stop(request->session->lab);
	return NULL;
}

/* The owner lets go: the lab outlives its connection. */
static struct error *detach(const struct request *request)
{
	request->session->owns = false;
	session_reply(request->session, request->id, NULL);
	return NULL;
}

static struct error *find_guest(const struct request *request, struct lab_guest **guest)
{
	const char *name = json_string_value(json_object_get(request->message, "guest"));

	if (!name)
		return error_new(EINVAL, "the request names no guest");
	return lab_find_guest(request->session->lab, name, guest);
}

static struct error *console(const struct request *request)
{
	_cleanup_close_ int near = -1, far = -1;
	struct lab_guest *guest;
	int pair[2];

	try(find_guest(request, &guest));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(errno, "socketpair");
	near = pair[0];
	far = pair[1];
	try(guest_attach_console(guest, steal_fd(near)));
	return channel_send_fd(
		request->session->channel,
		json_pack("{s:I, s:{s:b}}", "id", request->id, "result", "fd", true),
		far);
}

/* The size of who looks at the console; Linux takes 16 bits of it. */
static struct error *resize(const struct request *request)
{
	json_int_t rows = json_integer_value(json_object_get(request->message, "rows"));
	json_int_t columns =
		json_integer_value(json_object_get(request->message, "columns"));
	struct lab_guest *guest;

	try(find_guest(request, &guest));
	if (rows < 1 || rows > UINT16_MAX || columns < 1 || columns > UINT16_MAX)
		return error_new(EINVAL, "rows and columns are from 1 to %d", UINT16_MAX);
	guest_resize_console(guest, rows, columns);
	session_reply(request->session, request->id, NULL);
	return NULL;
}

static struct error *find_running(const struct request *request, struct lab_guest **guest)
{
	try(find_guest(request, guest));
	if (guest_get_state(*guest) == GUEST_GONE)
		return error_object(error_new(ESRCH, "QEMU has ended"),
				    guest_name(*guest));
	return NULL;
}

static struct error *pause_guest(const struct request *request)
{
	struct lab_guest *guest;

	try(find_running(request, &guest));
	guest_pause(guest);
	session_reply(request->session, request->id, NULL);
	return NULL;
}

static struct error *resume(const struct request *request)
{
	struct lab_guest *guest;

	try(find_running(request, &guest));
	if (!guest_is_paused(guest))
		return error_object(error_new(EINVAL, "it is not paused"),
				    guest_name(guest));
	guest_resume(guest);
	session_reply(request->session, request->id, NULL);
	return NULL;
}

static struct error *argv_of(const json_t *message, char ***argv)
{
	const json_t *words = json_object_get(message, "argv");
	_cleanup_strv_ char **strv = NULL;
	json_t *word;
	size_t i;

	json_array_foreach (words, i, word) {
		if (!json_is_string(word))
			return error_new(EINVAL, "argv: not all words are texts");
		strv_push(&strv, xstrdup(json_string_value(word)));
	}
	if (!strv)
		return error_new(EINVAL, "no command");
	*argv = steal_ptr(strv);
	return NULL;
}

/* A client that doesn't read makes the guest's programs wait, not the supervisor grow. */
#define OUTPUT_QUEUE_MAX (4u << 20)

static void on_exec_output(struct agent_exec *exec, int stream, const void *data,
			   size_t size, void *userdata)
{
	struct operation *operation = userdata;

	(void)exec;
	session_send(operation->session,
		     json_pack("{s:I, s:s, s:i, s:o}", "id", operation->id, "event",
			       "output", "stream", stream, "data",
			       base64_encode(data, size)));
	if (channel_queued(operation->session->channel) > OUTPUT_QUEUE_MAX)
		agent_hold(operation->agent, true);
}

static void on_exec_done(struct agent_exec *exec, int exit_status, struct error *error,
			 void *userdata)
{
	struct operation *operation = userdata;

	(void)exec;
	operation->exec = NULL;
	if (error)
		session_fail(operation->session, operation->id, error);
	else
		session_reply(operation->session, operation->id,
			      json_pack("{s:i}", "status", exit_status));
	operation_free(operation);
}

static const struct agent_exec_handlers exec_handlers = {on_exec_output, on_exec_done};

static struct error *exec(const struct request *request)
{
	_cleanup_strv_ char **argv = NULL;
	struct operation *operation;
	struct lab_guest *guest;
	struct error *error;

	try(find_guest(request, &guest));
	try(argv_of(request->message, &argv));
	if (!guest_agent(guest))
		return error_object(error_new(ENOTCONN,
					      "its agent can't be asked: the guest is %s",
					      guest_state_name(guest_get_state(guest))),
				    guest_name(guest));
	operation = operation_new(request);
	operation->agent = guest_agent(guest);
	error = agent_exec_start(&operation->exec, operation->agent, argv, &exec_handlers,
				 operation);
	if (error)
		operation_free(operation);
	return error;
}

/* Bytes of input that a client may send before it is told "room". */
#define INPUT_MAX   (1u << 20)
#define INPUT_CHUNK 16384

static struct error *send_chunk(struct operation *operation)
{
	size_t n = operation->input.size < INPUT_CHUNK ? operation->input.size
						       : INPUT_CHUNK;

	try(agent_exec_input(operation->exec, operation->input.data, n));
	buffer_consume(&operation->input, n);
	return NULL;
}

/* Hands the guest what it has room for; when it has all, the client is told so. */
static struct error *flush_input(struct operation *operation)
{
	struct error *error = NULL;

	while (!error && operation->input.size)
		error = send_chunk(operation);
	if (!error && operation->input_ended) {
		operation->input_ended = false;
		return agent_exec_input(operation->exec, NULL, 0);
	}
	if (error && error->code == ENOBUFS) {
		error_ignore(error);
		return NULL;
	}
	if (!error)
		session_send(
			operation->session,
			json_pack("{s:I, s:s}", "id", operation->id, "event", "room"));
	return error;
}

void operations_resume(struct session *session)
{
	for (struct operation *o = session->operations; o; o = o->next) {
		if (!o->exec)
			continue;
		agent_hold(o->agent, false);
		if (o->input.size || o->input_ended)
			error_ignore(flush_input(o));
	}
}

void operations_hold(struct session *session, bool hold)
{
	for (struct operation *o = session->operations; o; o = o->next)
		if (o->traffic)
			traffic_hold(o->traffic, hold);
}

/* For the standard input of the "exec" that runs under the same id. */
static struct error *input(const struct request *request)
{
	struct operation *operation = operation_find(request->session, request->id);
	const json_t *data = json_object_get(request->message, "data");
	_cleanup_free_ void *bytes = NULL;
	size_t size = 0;

	if (!operation || !operation->exec)
		return NULL;
	if (data)
		try(base64_decode(data, &bytes, &size));
	if (operation->input.size + size > INPUT_MAX) {
		operation_free(operation);
		return error_new(ENOBUFS,
				 "more than %u bytes of input before there was room",
				 INPUT_MAX);
	}
	buffer_append(&operation->input, bytes, size);
	operation->input_ended = !data;
	return flush_input(operation);
}

/* Parsed here once more: what comes over the socket is trusted in nothing. */
static struct error *apply(const struct request *request)
{
	const json_t *text = json_object_get(request->message, "text");
	const char *file = json_string_value(json_object_get(request->message, "file"));
	const json_t *dry_run = json_object_get(request->message, "dry_run");
	struct lab *lab = request->session->lab;
	struct topology *topology;
	json_t *changes;

	if (!json_is_string(text) || !file)
		return error_new(EINVAL,
				 "the request has no file and text of a topology");
	if (dry_run && !json_is_boolean(dry_run))
		return error_new(EINVAL, "dry_run: neither true nor false");
	try(topology_parse(file, json_string_value(text), json_string_length(text),
			   &topology));
	try(lab_apply(lab, topology, json_is_true(dry_run), &changes));
	session_reply(request->session, request->id,
		      json_pack("{s:b, s:o}", "applied", !json_is_true(dry_run),
				"changes", changes));
	return NULL;
}

static void on_dump_progress(uint64_t done, uint64_t total, void *userdata)
{
	struct operation *operation = userdata;

	session_send(operation->session,
		     json_pack("{s:I, s:s, s:I, s:I}", "id", operation->id, "event",
			       "progress", "done", (json_int_t)done, "total",
			       (json_int_t)total));
}

static void on_dump_done(struct error *error, void *userdata)
{
	struct operation *operation = userdata;

	operation->dump = NULL;
	if (error)
		session_fail(operation->session, operation->id, error);
	else
		session_reply(operation->session, operation->id, NULL);
	operation_free(operation);
}

static const struct dump_handlers dump_handlers = {on_dump_progress, on_dump_done};

static struct error *dump(const struct request *request)
{
	const char *file = json_string_value(json_object_get(request->message, "file"));
	struct operation *operation;
	struct lab_guest *guest;
	struct error *error;

	try(find_guest(request, &guest));
	if (!file || *file != '/')
		return error_new(EINVAL, "the request has no file by its absolute path");
	operation = operation_new(request);
	error = guest_dump(guest, file, &dump_handlers, operation, &operation->dump);
	if (error) {
		operation->dump = NULL;
		operation_free(operation);
	}
	return error;
}

static void on_drive_done(struct traffic *traffic, json_t *result, void *userdata)
{
	struct operation *operation = userdata;

	(void)traffic;
	session_reply(operation->session, operation->id, result);
	operation_free(operation);
}

static struct error *drive(const struct request *request)
{
	_cleanup_(drive_spec_deinit) struct drive_spec spec;
	struct operation *operation;
	struct address to;
	struct error *error;

	drive_spec_init(&spec);
	try(drive_spec_from_json(json_object_get(request->message, "spec"), &spec));
	try(topology_resolve(lab_topology(request->session->lab), &spec.to, &to));
	operation = operation_new(request);
	error = traffic_start(&operation->traffic, request->session->event, &spec, &to,
			      on_drive_done, operation);
	if (error)
		operation_free(operation);
	else
		traffic_hold(operation->traffic, lab_is_halted(request->session->lab));
	return error;
}

static const struct {
	const char *name;
	struct error *(*handle)(const struct request *request);
} handlers[] = {
	{"status", status},
	{"down", down},
	{"detach", detach},
	{"console", console},
	{"exec", exec},
	{"input", input},
	{"drive", drive},
	{"resize", resize},
	{"apply", apply},
	{"watch", request_watch},
	{"halted", request_halted},
	{"flush", request_flush},
	{"pause", pause_guest},
	{"resume", resume},
	{"dump", dump},
};

struct error *request_handle(const struct request *request)
{
	const char *name =
		json_string_value(json_object_get(request->message, "request"));

	if (!name)
		return error_new(EPROTO, "a message without a request");
	if (!request->session->lab)
		return error_new(EAGAIN, "the lab is just beginning or ending");
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
		if (streq(handlers[i].name, name))
			return handlers[i].handle(request);
	return error_new(EOPNOTSUPP, "no request '%s'", name);
}
