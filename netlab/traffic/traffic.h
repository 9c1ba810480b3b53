/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Senders on the lab's host side: sockets in the network namespace that the process is
 * in, driven by the event loop.
 */
#ifndef NETLAB_TRAFFIC_TRAFFIC_H
#define NETLAB_TRAFFIC_TRAFFIC_H

#include <jansson.h>
#include <systemd/sd-event.h>

#include "topology/address.h"
#include "topology/drive.h"
#include "util/error.h"

struct traffic;

/**
 * traffic_done_fn - every connection has ended
 * @result: what netlab-drive's `--json` shows, documented in docs/drive-result.md; a new
 *          reference, owned by the callee. Its "ok" says whether all expectations held.
 * The callee may free the traffic.
 */
typedef void (*traffic_done_fn)(struct traffic *traffic, json_t *result, void *userdata);

/**
 * traffic_start() - open the connections of @spec towards @to
 * @spec: copied
 *
 * The soft limit of open files (RLIMIT_NOFILE) is raised where it is too low.
 *
 * Return: an error only where nothing could be started, as with more connections than
 * files may be open (EMFILE); what happens to a single connection is part of the result.
 */
must_use struct error *traffic_start(struct traffic **traffic, sd_event *event,
				     const struct drive_spec *spec,
				     const struct address *to, traffic_done_fn done,
				     void *userdata);

/**
 * traffic_result_text() - a result for people: a few lines, each connection's own up to
 * five
 * @result: what traffic_done_fn got; anything else gives a text too, if not a useful one
 * Return: a new string with a newline at its end; the caller frees it.
 */
char *traffic_result_text(const json_t *result);

/**
 * traffic_hold() - nothing is sent, received or timed out from here on, or it goes on
 *
 * In what is reported no time passes meanwhile. Again is fine.
 */
void traffic_hold(struct traffic *traffic, bool hold);

/** traffic_free() - close all connections, without a result; NULL is fine. */
void traffic_free(struct traffic *traffic);
DEFINE_CLEANUP(struct traffic *, traffic_free);
#define _cleanup_traffic_ _cleanup_(traffic_freep)

#endif
