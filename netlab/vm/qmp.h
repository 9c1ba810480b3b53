/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QEMU Machine Protocol (QEMU docs/interop/qmp-spec.txt, version 7.2), as its client, on
 * the event loop. What QEMU says is parsed as hostile input.
 */
#ifndef NETLAB_VM_QMP_H
#define NETLAB_VM_QMP_H

#include <jansson.h>
#include <systemd/sd-event.h>

#include "util/error.h"

struct qmp;

struct qmp_handlers {
	/* An event: its name, its "data" (NULL where it has none; borrowed), and its own
	 * wall-clock stamp in ns. */
	void (*event)(struct qmp *qmp, const char *name, const json_t *data, uint64_t ns,
		      void *userdata);
	/* The connection ended (@error NULL) or broke; @error is owned by the callee. Called
	 * once; the callee may free the qmp. */
	void (*closed)(struct qmp *qmp, struct error *error, void *userdata);
};

/* The answer to a command: @result is borrowed, NULL on error; @error is owned by the callee. */
typedef void (*qmp_reply_fn)(struct qmp *qmp, const json_t *result, struct error *error,
			     void *userdata);

/**
 * qmp_new() - talk over @fd (a connected stream socket, owned from here on, on error too)
 *
 * Capabilities are negotiated first; commands given before that wait their turn.
 */
must_use struct error *qmp_new(struct qmp **qmp, sd_event *event, int fd,
			       const struct qmp_handlers *handlers, void *userdata);

/**
 * qmp_execute() - send a command
 * @arguments: stolen; NULL: none
 * @reply: NULL: an error is logged and a result dropped. Called once for each command: with
 *         an error too when the connection ends before the answer came (ENOTCONN), or QEMU
 *         refused it (EREMOTEIO, with QEMU's words, fit for a terminal).
 *
 * @reply is called from the event loop, but at once (before this returns) where the command
 * can't be sent: behind the end of the connection (ENOTCONN), or to a QEMU that doesn't read
 * (ENOBUFS).
 */
void qmp_execute(struct qmp *qmp, const char *command, json_t *arguments,
		 qmp_reply_fn reply, void *userdata);

/**
 * qmp_free() - close; outstanding replies are called with an error (ECANCELED), closed() is
 * not. Allowed in every handler and reply.
 */
void qmp_free(struct qmp *qmp);
DEFINE_CLEANUP(struct qmp *, qmp_free);

#endif
