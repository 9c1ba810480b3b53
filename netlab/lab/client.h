/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket's client, for the verbs: calls that wait for their answer while an event
 * loop goes on. SIGINT and SIGTERM end the wait.
 */
#ifndef NETLAB_LAB_CLIENT_H
#define NETLAB_LAB_CLIENT_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "lab/supervisor.h"
#include "util/error.h"

struct client;

/* A message that is no answer: an "event" of the request that runs, or one of the owner's. */
typedef void (*client_event_fn)(const json_t *event, void *userdata);

/** client_block_signals() - SIGINT, SIGTERM and SIGCHLD wait for a client's event loop. */
void client_block_signals(void);

/**
 * client_connect() - to the lab of that name
 * @lab: NULL: the only one that is up; the error lists them where there are several
 */
must_use struct error *client_connect(struct client **client, const char *lab);

/**
 * client_start_lab() - start a lab and own it: its end is that of this client, unless
 * client_detach() let it go
 * Return: when all guests are up; on error nothing of the lab is left.
 */
must_use struct error *client_start_lab(struct client **client,
					const struct lab_options *options);

/**
 * client_abandon_lab() - end the lab that client_start_lab() made, whether it was let go or not
 * @error: why; it is returned
 */
must_use struct error *client_abandon_lab(struct client *client, struct error *error);

/** client_detach() - the lab outlives this client. */
must_use struct error *client_detach(struct client *client);

/**
 * client_stop_lab() - take the lab down and wait until nothing of it is left
 * Return: ETIMEDOUT: it doesn't end; anything else: it is down, but its capture isn't whole.
 * SIGINT doesn't end this wait; it has a deadline of its own.
 */
must_use struct error *client_stop_lab(struct client *client);

/**
 * client_call() - one request and its answer
 * @request: with "request" and its arguments; stolen
 * @on_event: is given the request's events; NULL: they are dropped
 * @result: a new reference; may be NULL
 * Return: what the supervisor refused; ECANCELED when a signal ended the wait.
 */
must_use struct error *client_call(struct client *client, json_t *request,
				   client_event_fn on_event, void *userdata,
				   json_t **result);

/**
 * client_subscribe() - as client_call(), for a request whose events come after its answer
 * @on_event: called from the event loop, until the next call
 */
must_use struct error *client_subscribe(struct client *client, json_t *request,
					client_event_fn on_event, void *userdata,
					json_t **result);

/** client_send() - a further message of the request that runs; @message is stolen. */
must_use struct error *client_send(struct client *client, json_t *message);

/**
 * client_wait() - run the loop until *@done, a signal, the lab's end, or the deadline
 * @timeout_ns: 0: none
 * Return: ETIMEDOUT, ECANCELED (a signal), ENOTCONN (the lab has ended).
 */
must_use struct error *client_wait(struct client *client, const bool *done,
				   uint64_t timeout_ns);

/**
 * client_heed_panics() - from now on, until it is taken back, client_wait() and the calls end with
 * an error once a guest of the lab, which this client owns, has panicked and is kept
 *
 * One that did before counts, too. The error has what the guest's kernel said.
 */
void client_heed_panics(struct client *client, bool heed);

/** client_knows_of_panic() - has one? */
bool client_knows_of_panic(const struct client *client);

/** client_take_fd() - the descriptor that came with the last answer; -1: none. */
int client_take_fd(struct client *client);

sd_event *client_event(struct client *client);
const char *client_lab(const struct client *client); /* the lab's name */

void client_free(struct client *client);
DEFINE_CLEANUP(struct client *, client_free);
#define _cleanup_client_ _cleanup_(client_freep)

#endif
