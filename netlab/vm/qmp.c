// SPDX-License-Identifier: GPL-2.0-or-later
#include "vm/qmp.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "util/channel.h"
#include "util/log.h"
#include "util/string.h"

/* query-qmp-schema, the longest answer there is, has 250 kB in QEMU 7.2. */
static const struct channel_limits qmp_limits = {.line = 1 << 20, .queue = 1 << 20};

/* What QEMU says of itself is cut here. */
#define WORDS_LIMIT 512

enum qmp_state {
	QMP_GREETING, /* QEMU speaks first; its greeting moves on. No command leaves. */
	QMP_NEGOTIATING, /* qmp_capabilities was sent; its answer moves on. None other leaves. */
	QMP_READY, /* commands leave as they come */
	QMP_ENDED, /* the channel is gone; commands are answered with ENOTCONN */
};

struct command {
	json_int_t id;
	char *name;
	json_t *message; /* waits for QMP_READY; NULL: it was sent */
	qmp_reply_fn reply;
	void *userdata;
};

struct qmp {
	unsigned references; /* the owner's, and one for each handler that runs */
	enum qmp_state state;
	struct channel *channel;
	struct command *commands; /* not yet answered, oldest first */
	size_t n_commands;
	json_int_t next_id;
	bool freed; /* its owner wants to hear no more of it */
	struct qmp_handlers handlers;
	void *userdata;
};

static struct qmp *qmp_ref(struct qmp *qmp)
{
	qmp->references++;
	return qmp;
}

static void qmp_unref(struct qmp *qmp)
{
	if (--qmp->references)
		return;
	free(qmp->commands);
	free(qmp);
}
DEFINE_CLEANUP(struct qmp *, qmp_unref);

static struct command command_take(struct qmp *qmp, size_t i)
{
	struct command command = qmp->commands[i];

	qmp->n_commands--;
	memmove(&qmp->commands[i], &qmp->commands[i + 1],
		(qmp->n_commands - i) * sizeof(command));
	return command;
}

/* Tells the outcome; @command was taken out before, as the callee may do anything. */
static void command_finish(struct qmp *qmp, struct command *command, const json_t *result,
			   struct error *error)
{
	_cleanup_free_ char *text = NULL;

	error = error_prefix(error, "QMP: %s", command->name);
	json_decref(command->message);
	if (command->reply) {
		command->reply(qmp, result, error, command->userdata);
	} else if (error) {
		text = error_text(error);
		log_warning("%s", text);
		error_free(error);
	}
	free(command->name);
}

static void fail_commands(struct qmp *qmp, int code, const char *why)
{
	while (qmp->n_commands) {
		struct command command = command_take(qmp, 0);

		command_finish(qmp, &command, NULL, error_new(code, "%s", why));
	}
}

static void qmp_end(struct qmp *qmp, struct error *error)
{
	qmp->state = QMP_ENDED;
	channel_free(steal_ptr(qmp->channel));
	fail_commands(qmp, ENOTCONN, "QEMU closed the connection");
	if (qmp->freed)
		error_free(error);
	else
		qmp->handlers.closed(qmp, error, qmp->userdata);
}

static size_t find_command(const struct qmp *qmp, const json_t *id)
{
	size_t i = 0;

	if (!json_is_integer(id))
		return qmp->n_commands;
	while (i < qmp->n_commands && (qmp->commands[i].id != json_integer_value(id) ||
				       qmp->commands[i].message))
		i++;
	return i;
}

static void send_command(struct qmp *qmp, size_t i)
{
	struct error *error;
	struct command command;

	error = channel_send(qmp->channel, steal_ptr(qmp->commands[i].message));
	if (!error)
		return;
	command = command_take(qmp, i);
	command_finish(qmp, &command, NULL, error);
}

/* By index from the front each time: a reply may change the list. */
static void send_waiting(struct qmp *qmp)
{
	size_t i = 0;

	while (qmp->state == QMP_READY && i < qmp->n_commands) {
		if (qmp->commands[i].message)
			send_command(qmp, i);
		else
			i++;
	}
}

/* The list's last element is the new one. */
static void add_command(struct qmp *qmp, const char *name, json_t *arguments,
			qmp_reply_fn reply, void *userdata)
{
	struct command *command;
	json_int_t id = qmp->next_id++;

	grow(qmp->commands, qmp->n_commands);
	command = &qmp->commands[qmp->n_commands++];
	*command = (struct command){
		.id = id,
		.name = xstrdup(name),
		.message = json_pack("{sssI so*}", "execute", name, "id", id, "arguments",
				     arguments),
		.reply = reply,
		.userdata = userdata,
	};
}

static void on_capabilities(struct qmp *qmp, const json_t *result, struct error *error,
			    void *userdata)
{
	(void)result;
	(void)userdata;
	if (qmp->state == QMP_ENDED) {
		error_free(error);
	} else if (error) {
		qmp_end(qmp, error);
	} else {
		qmp->state = QMP_READY;
		send_waiting(qmp);
	}
}

static struct error *handle_greeting(struct qmp *qmp)
{
	if (qmp->state != QMP_GREETING)
		return error_new(EPROTO, "QEMU greets twice");
	qmp->state = QMP_NEGOTIATING;
	add_command(qmp, "qmp_capabilities", NULL, on_capabilities, NULL);
	send_command(qmp, qmp->n_commands - 1);
	return NULL;
}

static struct error *remote_error(const json_t *reason)
{
	const char *words = json_string_value(json_object_get(reason, "desc"));
	_cleanup_free_ char *text = printable(words ?: "no reason given", WORDS_LIMIT);

	return error_new(EREMOTEIO, "%s", text);
}

static struct error *handle_answer(struct qmp *qmp, const json_t *message)
{
	const json_t *reason = json_object_get(message, "error");
	size_t i = find_command(qmp, json_object_get(message, "id"));
	struct command command;

	if (i == qmp->n_commands && reason)
		return remote_error(reason);
	if (i == qmp->n_commands)
		return error_new(EPROTO, "an answer to nothing that was asked");
	command = command_take(qmp, i);
	if (reason)
		command_finish(qmp, &command, NULL, remote_error(reason));
	else
		command_finish(qmp, &command, json_object_get(message, "return"), NULL);
	return NULL;
}

/* 0 where QEMU couldn't tell (it says -1) or says nonsense. */
static uint64_t event_time(const json_t *message)
{
	const json_t *stamp = json_object_get(message, "timestamp");
	json_int_t seconds = json_integer_value(json_object_get(stamp, "seconds"));
	json_int_t micros = json_integer_value(json_object_get(stamp, "microseconds"));

	if (seconds < 0 || seconds > UINT32_MAX || micros < 0 || micros >= 1000000)
		return 0;
	return (uint64_t)seconds * 1000000000 + (uint64_t)micros * 1000;
}

static struct error *handle_event(struct qmp *qmp, const json_t *message)
{
	const char *name = json_string_value(json_object_get(message, "event"));
	const json_t *data = json_object_get(message, "data");

	if (!name || (data && !json_is_object(data)))
		return error_new(EPROTO, "an event that is none");
	qmp->handlers.event(qmp, name, data, event_time(message), qmp->userdata);
	return NULL;
}

static struct error *handle_message(struct qmp *qmp, const json_t *message)
{
	if (json_object_get(message, "event"))
		return handle_event(qmp, message);
	if (json_object_get(message, "return") || json_object_get(message, "error"))
		return handle_answer(qmp, message);
	if (json_object_get(message, "QMP"))
		return handle_greeting(qmp);
	return error_new(EPROTO, "a message that is neither answer nor event");
}

static void on_message(struct channel *channel, json_t *message, void *userdata)
{
	_cleanup_(qmp_unrefp) struct qmp *qmp = qmp_ref(userdata);
	struct error *error = handle_message(qmp, message);

	(void)channel;
	if (error && qmp->state != QMP_ENDED)
		qmp_end(qmp, error_prefix(error, "QMP"));
	else
		error_free(error);
}

static void on_closed(struct channel *channel, struct error *error, void *userdata)
{
	_cleanup_(qmp_unrefp) struct qmp *qmp = qmp_ref(userdata);

	(void)channel;
	qmp_end(qmp, error_prefix(error, "QMP"));
}

static const struct channel_handlers channel_handlers = {
	.message = on_message,
	.closed = on_closed,
};

struct error *qmp_new(struct qmp **result, sd_event *event, int fd,
		      const struct qmp_handlers *handlers, void *userdata)
{
	_cleanup_(qmp_freep) struct qmp *qmp = xcalloc(1, sizeof(*qmp));

	qmp->references = 1;
	qmp->handlers = *handlers;
	qmp->userdata = userdata;
	try(channel_new(&qmp->channel, event, fd, &qmp_limits, &channel_handlers, qmp));
	*result = steal_ptr(qmp);
	return NULL;
}

void qmp_execute(struct qmp *qmp, const char *name, json_t *arguments, qmp_reply_fn reply,
		 void *userdata)
{
	add_command(qmp, name, arguments, reply, userdata);
	if (qmp->state == QMP_ENDED)
		fail_commands(qmp, ENOTCONN, "the connection is closed");
	else if (qmp->state == QMP_READY)
		send_command(qmp, qmp->n_commands - 1);
}

void qmp_free(struct qmp *qmp)
{
	if (!qmp || qmp->freed)
		return;
	qmp->freed = true;
	qmp->state = QMP_ENDED;
	channel_free(steal_ptr(qmp->channel));
	fail_commands(qmp, ECANCELED, "cancelled");
	qmp_unref(qmp);
}
