// SPDX-License-Identifier: GPL-2.0-or-later
#include "vm/agent.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>
#include <nettle/base64.h>

#include "util/channel.h"
#include "util/lines.h"
#include "util/log.h"
#include "util/string.h"

/* Execs and input may fill the queue so far; what is left is for kill and poweroff. */
#define QUEUE_LIMIT (1 << 20)

static const struct channel_limits agent_limits = {
	.line = AGENT_LINE_LIMIT,
	.queue = QUEUE_LIMIT + 65536,
};

/* Messages without sense that are forgiven: an agent that is a little off is no attack. */
#define NONSENSE_LIMIT 8

/* Events of unknown ids that are worth a line in the log: a guest can send millions. */
#define STRAYS_TOLD 8

/* What the guest says in words is cut here. */
#define WORDS_LIMIT 512

/* Modules that were not loaded: guest/modules.c has no room for as many. */
#define TEXTS_LIMIT 512

/* Bytes of input in one message: base64 makes 43692 of them. */
#define INPUT_CHUNK 32768

/* A message of one chunk has no more bytes than that. */
#define INPUT_LINE (BASE64_ENCODE_RAW_LENGTH(INPUT_CHUNK) + 64)

_Static_assert(INPUT_LINE <= AGENT_LINE_LIMIT, "a chunk fits into a line");
_Static_assert(AGENT_INPUT_MAX / INPUT_CHUNK * INPUT_LINE <= QUEUE_LIMIT,
	       "the largest input fits into the queue");

struct agent_exec {
	struct agent *agent;
	json_int_t id;
	bool finished; /* done() runs: a cancel is too late */
	struct agent_exec_handlers handlers;
	void *userdata;
};

struct agent {
	unsigned references;     /* the owner's, and one for each handler that runs */
	struct channel *channel; /* NULL behind the end */
	bool there;              /* it said hello */
	bool freed;              /* its owner wants to hear no more of it */
	unsigned greetings;      /* that were asked for and not yet answered */
	unsigned nonsense;
	unsigned strays;           /* events of unknown ids */
	struct agent_exec **execs; /* that run */
	size_t n_execs;
	json_int_t next_id;
	struct agent_handlers handlers;
	void *userdata;
};

static struct agent *agent_ref(struct agent *agent)
{
	agent->references++;
	return agent;
}

static void agent_unref(struct agent *agent)
{
	if (--agent->references)
		return;
	free(agent->execs);
	free(agent);
}
DEFINE_CLEANUP(struct agent *, agent_unref);

static void exec_forget(struct agent_exec *exec)
{
	struct agent *agent = exec->agent;
	size_t i = 0;

	while (i < agent->n_execs && agent->execs[i] != exec)
		i++;
	if (i < agent->n_execs)
		agent->execs[i] = agent->execs[--agent->n_execs];
}

static void exec_finish(struct agent_exec *exec, int status, struct error *error)
{
	exec_forget(exec);
	exec->finished = true;
	exec->handlers.done(exec, status, error, exec->userdata);
	free(exec);
}

static void fail_execs(struct agent *agent, int code, const char *why)
{
	while (agent->n_execs)
		exec_finish(agent->execs[0], 0, error_new(code, "%s", why));
}

static void agent_end(struct agent *agent, struct error *error)
{
	channel_free(steal_ptr(agent->channel));
	agent->there = false;
	fail_execs(agent, ENOTCONN, "the guest's agent is gone");
	if (agent->freed)
		error_free(error);
	else
		agent->handlers.closed(agent, error, agent->userdata);
}

/*
 * From here on: what the guest says. A handler returns why a message makes no sense, NULL
 * where it does.
 */

static struct agent_exec *find_exec(const struct agent *agent, json_int_t id)
{
	for (size_t i = 0; i < agent->n_execs; i++)
		if (agent->execs[i]->id == id)
			return agent->execs[i];
	return NULL;
}

/* @exec is NULL where the id is not known (any more): its command was cancelled. */
static const char *message_exec(struct agent *agent, const json_t *message,
				struct agent_exec **exec)
{
	const json_t *id = json_object_get(message, "id");

	*exec = NULL;
	if (!json_is_integer(id))
		return "an event without id";
	*exec = find_exec(agent, json_integer_value(id));
	if (!*exec && agent->strays++ < STRAYS_TOLD)
		log_debug("agent: an event for the unknown id %" JSON_INTEGER_FORMAT,
			  json_integer_value(id));
	return NULL;
}

/* Returns false where they are no list of texts. */
static bool take_texts(const json_t *list, char ***texts)
{
	json_t *text;
	size_t i;

	if (list && !json_is_array(list))
		return false;
	json_array_foreach (list, i, text) {
		if (!json_is_string(text) || i >= TEXTS_LIMIT)
			return false;
		strv_push(texts, printable(json_string_value(text), WORDS_LIMIT));
	}
	return true;
}

static const char *handle_hello(struct agent *agent, const json_t *message)
{
	const json_t *boot = json_object_get(message, "boot_ns");
	const char *kernel = json_string_value(json_object_get(message, "kernel"));
	json_int_t version = json_integer_value(json_object_get(message, "version"));
	_cleanup_strv_ char **failed = NULL;
	_cleanup_free_ char *release = NULL;
	struct agent_hello hello;

	if (version != AGENT_VERSION)
		return "a hello of another protocol version";
	if (!kernel || !json_is_integer(boot) || json_integer_value(boot) < 0)
		return "a hello without boot time or kernel";
	if (!take_texts(json_object_get(message, "modules_failed"), &failed))
		return "a hello whose failed modules are no list of texts";
	/* A new agent knows nothing of what the old one ran. */
	agent->there = agent->greetings;
	if (agent->greetings)
		agent->greetings--;
	else
		fail_execs(agent, ECONNRESET, "the guest's agent was restarted");
	if (!agent->channel)
		return NULL;
	release = printable(kernel, WORDS_LIMIT);
	agent->there = true;
	hello = (struct agent_hello){
		.boot_ns = json_integer_value(boot),
		.kernel = release,
		.version = version,
		.modules_failed = failed,
	};
	agent->handlers.hello(agent, &hello, agent->userdata);
	return NULL;
}

static const char *handle_output(struct agent *agent, const json_t *message)
{
	json_int_t stream = json_integer_value(json_object_get(message, "stream"));
	const json_t *data = json_object_get(message, "data");
	_cleanup_free_ uint8_t *bytes = NULL;
	struct base64_decode_ctx base64;
	struct agent_exec *exec;
	const char *reason = message_exec(agent, message, &exec);
	size_t size;

	if (reason)
		return reason;
	if (!json_is_string(data) || (stream != 1 && stream != 2))
		return "an output without stream or data";
	size = BASE64_DECODE_LENGTH(json_string_length(data));
	bytes = xcalloc(size, 1);
	base64_decode_init(&base64);
	if (!base64_decode_update(&base64, &size, bytes, json_string_length(data),
				  json_string_value(data)) ||
	    !base64_decode_final(&base64))
		return "an output that is not base64";
	if (exec && size)
		exec->handlers.output(exec, stream, bytes, size, exec->userdata);
	return NULL;
}

static const char *handle_exit(struct agent *agent, const json_t *message)
{
	const json_t *status = json_object_get(message, "status");
	json_int_t value = json_integer_value(status);
	struct agent_exec *exec;
	const char *reason = message_exec(agent, message, &exec);

	if (reason)
		return reason;
	if (!json_is_integer(status) || value < 0 || value > 255)
		return "an exit without status";
	if (exec)
		exec_finish(exec, value, NULL);
	return NULL;
}

static const char *handle_error(struct agent *agent, const json_t *message)
{
	const char *words = json_string_value(json_object_get(message, "message"));
	_cleanup_free_ char *text = NULL;
	struct agent_exec *exec;
	const char *reason = message_exec(agent, message, &exec);

	if (reason)
		return reason;
	if (!words)
		return "an error without message";
	text = printable(words, WORDS_LIMIT);
	if (exec)
		exec_finish(exec, 0, error_new(EREMOTEIO, "%s", text));
	return NULL;
}

static const struct {
	const char *name;
	const char *(*handle)(struct agent *agent, const json_t *message);
} events[] = {
	{"hello", handle_hello},
	{"output", handle_output},
	{"exit", handle_exit},
	{"error", handle_error},
};

static const char *handle_event(struct agent *agent, const json_t *message)
{
	const char *name = json_string_value(json_object_get(message, "event"));

	if (!name)
		return "a message without event";
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (streq(name, events[i].name))
			return events[i].handle(agent, message);
	return "an unknown event";
}

static void count_nonsense(struct agent *agent, const char *reason)
{
	log_debug("agent: %s", reason);
	if (++agent->nonsense <= NONSENSE_LIMIT)
		return;
	agent_end(agent, error_new(EPROTO,
				   "the guest's agent speaks nonsense (%u messages, the "
				   "last: %s)",
				   agent->nonsense, reason));
}

static void on_message(struct channel *channel, json_t *message, void *userdata)
{
	_cleanup_(agent_unrefp) struct agent *agent = agent_ref(userdata);
	const char *reason = handle_event(agent, message);

	(void)channel;
	if (reason)
		count_nonsense(agent, reason);
}

static void on_garbage(struct channel *channel, struct error *error, void *userdata)
{
	_cleanup_(agent_unrefp) struct agent *agent = agent_ref(userdata);
	/* jansson quotes what it could not read. */
	_cleanup_free_ char *text = printable(error->message, WORDS_LIMIT);

	(void)channel;
	error_free(error);
	count_nonsense(agent, text);
}

static void on_drained(struct channel *channel, void *userdata)
{
	_cleanup_(agent_unrefp) struct agent *agent = agent_ref(userdata);

	(void)channel;
	if (agent->handlers.drained)
		agent->handlers.drained(agent, agent->userdata);
}

static void on_closed(struct channel *channel, struct error *error, void *userdata)
{
	_cleanup_(agent_unrefp) struct agent *agent = agent_ref(userdata);

	(void)channel;
	agent_end(agent, error_prefix(error, "the guest's agent"));
}

static const struct channel_handlers channel_handlers = {
	.message = on_message,
	.garbage = on_garbage,
	.drained = on_drained,
	.closed = on_closed,
};

struct error *agent_new(struct agent **result, sd_event *event, int fd,
			const struct agent_handlers *handlers, void *userdata)
{
	_cleanup_(agent_freep) struct agent *agent = xcalloc(1, sizeof(*agent));

	agent->references = 1;
	agent->next_id = 1;
	agent->handlers = *handlers;
	agent->userdata = userdata;
	try(channel_new(&agent->channel, event, fd, &agent_limits, &channel_handlers,
			agent));
	*result = steal_ptr(agent);
	return NULL;
}

void agent_free(struct agent *agent)
{
	if (!agent || agent->freed)
		return;
	agent->freed = true;
	agent->there = false;
	channel_free(steal_ptr(agent->channel));
	fail_execs(agent, ECANCELED, "cancelled");
	agent_unref(agent);
}

void agent_abandon(struct agent *agent, const char *why)
{
	_cleanup_(agent_unrefp) struct agent *held = agent_ref(agent);

	channel_free(steal_ptr(agent->channel));
	agent->there = false;
	fail_execs(held, ENOTCONN, why);
}

/* @message: stolen. */
static struct error *agent_send(struct agent *agent, json_t *message)
{
	_cleanup_json_ json_t *owned = message;

	if (!agent->there)
		return error_new(ENOTCONN, "the guest's agent is not there");
	return error_prefix(channel_send(agent->channel, steal_ptr(owned)),
			    "the guest's agent");
}

/* Is there room for @size bytes that leave the reserve alone? */
static bool has_room(const struct agent *agent, size_t size)
{
	size_t queued = channel_queued(agent->channel);

	return queued <= QUEUE_LIMIT && size <= QUEUE_LIMIT - queued;
}

struct error *agent_greet(struct agent *agent)
{
	if (!agent->channel)
		return error_new(ENOTCONN, "the guest's agent is gone");
	try(error_prefix(channel_send(agent->channel, json_pack("{ss}", "do", "hello")),
			 "the guest's agent"));
	agent->greetings++;
	return NULL;
}

void agent_hold(struct agent *agent, bool hold)
{
	if (agent->channel)
		channel_hold(agent->channel, hold);
}

struct error *agent_resize(struct agent *agent, unsigned rows, unsigned columns)
{
	return agent_send(agent, json_pack("{sssisi}", "do", "resize", "rows", rows,
					   "columns", columns));
}

struct error *agent_poweroff(struct agent *agent)
{
	return agent_send(agent, json_pack("{ss}", "do", "poweroff"));
}

static json_t *json_strv(char *const *strv)
{
	json_t *array = json_array();

	strv_foreach (s, strv) {
		if (json_array_append_new(array, json_string(*s)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* A message to run @argv, if it can be said. */
static struct error *exec_message(const struct agent *agent, json_int_t id,
				  char *const *argv, json_t **result)
{
	_cleanup_json_ json_t *message =
		json_pack("{sssIso}", "do", "exec", "id", id, "argv", json_strv(argv));
	size_t size;

	if (!message)
		return error_new(EILSEQ, "a command that is not UTF-8");
	size = json_dumpb(message, NULL, 0, JSON_COMPACT);
	if (size > AGENT_LINE_LIMIT)
		return error_new(E2BIG, "a command of more than %d bytes",
				 AGENT_LINE_LIMIT);
	if (!has_room(agent, size + 1))
		return error_new(ENOBUFS, "the guest's agent doesn't read");
	*result = steal_ptr(message);
	return NULL;
}

struct error *agent_exec_start(struct agent_exec **result, struct agent *agent,
			       char *const *argv,
			       const struct agent_exec_handlers *handlers, void *userdata)
{
	struct agent_exec *exec;
	json_t *message;

	if (!agent->there)
		return error_new(ENOTCONN, "the guest's agent is not there");
	try(exec_message(agent, agent->next_id, argv, &message));
	try(agent_send(agent, message));
	exec = xcalloc(1, sizeof(*exec));
	exec->agent = agent;
	exec->id = agent->next_id++;
	exec->handlers = *handlers;
	exec->userdata = userdata;
	grow(agent->execs, agent->n_execs);
	agent->execs[agent->n_execs++] = exec;
	*result = exec;
	return NULL;
}

static struct error *send_input(struct agent_exec *exec, const uint8_t *data, size_t size)
{
	char text[BASE64_ENCODE_RAW_LENGTH(INPUT_CHUNK)];

	base64_encode_raw(text, size, data);
	return agent_send(exec->agent,
			  json_pack("{sssIss%}", "do", "input", "id", exec->id, "data",
				    text, BASE64_ENCODE_RAW_LENGTH(size)));
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

struct error *agent_exec_input(struct agent_exec *exec, const void *data, size_t size)
{
	struct agent *agent = exec->agent;
	size_t messages = size ? (size + INPUT_CHUNK - 1) / INPUT_CHUNK : 1;

	if (!agent->there)
		return error_new(ENOTCONN, "the guest's agent is not there");
	if (messages > QUEUE_LIMIT / INPUT_LINE ||
	    !has_room(agent, messages * INPUT_LINE))
		return error_new(ENOBUFS, "the guest's agent doesn't read");
	if (!size)
		return agent_send(agent,
				  json_pack("{sssI}", "do", "input", "id", exec->id));
	for (size_t at = 0; at < size; at += INPUT_CHUNK)
		try(send_input(exec, (const uint8_t *)data + at,
			       smaller(size - at, INPUT_CHUNK)));
	return NULL;
}

void agent_exec_cancel(struct agent_exec *exec)
{
	if (exec->finished)
		return;
	/* An agent that is not there runs nothing, and one that reads nothing is beyond help. */
	error_ignore(agent_send(exec->agent,
				json_pack("{sssI}", "do", "kill", "id", exec->id)));
	exec_forget(exec);
	free(exec);
}
