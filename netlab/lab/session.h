/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection to the control socket, and the requests that run on it: private to lab/. */
#ifndef NETLAB_LAB_SESSION_H
#define NETLAB_LAB_SESSION_H

#include <stdbool.h>

#include "lab/lab.h"
#include "util/buffer.h"
#include "util/channel.h"

/* A request whose answer comes later. It ends with its answer or with its connection. */
struct operation {
	struct session *session;
	json_int_t id;
	struct agent_exec *exec; /* of "exec", and the rest of its input: */
	struct agent *agent;
	struct buffer input; /* what the guest has no room for yet */
	bool input_ended;
	struct traffic *traffic;       /* of "drive" */
	struct recording_watch *watch; /* of "watch" */
	struct capture_flush *flush;   /* of "flush" */
	struct dump *dump;             /* of "dump" */
	struct operation *next;
};

struct session {
	struct control *control;
	struct channel *channel;
	sd_event *event;
	struct lab *lab;
	bool owns;    /* its end is the lab's */
	bool ends_it; /* it has asked for the lab's end */
	struct operation *operations;
	struct session *next;
};

/* What a handler is given; everything is borrowed. */
struct request {
	struct session *session;
	json_int_t id;
	const json_t *message;
};

/**
 * request_handle() - carry out one request: answer now, or begin an operation that will
 * Return: an error is the answer.
 */
must_use struct error *request_handle(const struct request *request);

/* Handlers of requests, of a file of their own. */
must_use struct error *request_watch(const struct request *request);
must_use struct error *request_halted(const struct request *request);
must_use struct error *request_flush(const struct request *request);

/** session_reply() - answer request @id; @result is stolen, NULL: an empty object. */
void session_reply(struct session *session, json_int_t id, json_t *result);

/** session_fail() - answer request @id with @error, which is freed. */
void session_fail(struct session *session, json_int_t id, struct error *error);

/** session_send() - send @message, stolen; the connection ends where it can't take it. */
void session_send(struct session *session, json_t *message);

/** operations_resume() - a peer has room again: go on with what waited for it. */
void operations_resume(struct session *session);

/** operations_hold() - what sends into the lab holds, or goes on. */
void operations_hold(struct session *session, bool hold);

/** operation_new() - begin an operation; it belongs to the connection. */
struct operation *operation_new(const struct request *request);

/** operation_find() - the connection's operation @id, or NULL. */
struct operation *operation_find(struct session *session, json_int_t id);

/** operation_free() - end it, without an answer, and take it off its connection. */
void operation_free(struct operation *operation);

#endif
