// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What QEMU says on its monitor. The first byte says in which handlers the owner frees the
 * client: 1 event, 2 reply, 4 closed. A command without an answer, or two of them, aborts.
 */
#include <stdbool.h>

#include "fuzz.h"
#include "peer.h"
#include "util/cleanup.h"
#include "vm/qmp.h"

enum {
	FREE_IN_EVENT = 1,
	FREE_IN_REPLY = 2,
	FREE_IN_CLOSED = 4,
};

struct owner {
	struct qmp *qmp;
	unsigned frees;
	unsigned replies;
	unsigned closed;
};

static void maybe_free(struct owner *owner, unsigned here)
{
	if ((owner->frees & here) && owner->qmp)
		qmp_free(steal_ptr(owner->qmp));
}

static void on_reply(struct qmp *qmp, const json_t *result, struct error *error,
		     void *userdata)
{
	struct owner *owner = userdata;

	(void)qmp;
	if (!result == !error)
		abort();
	error_free(error);
	owner->replies++;
	maybe_free(owner, FREE_IN_REPLY);
}

static void on_event(struct qmp *qmp, const char *name, const json_t *data, uint64_t ns,
		     void *userdata)
{
	(void)ns;
	if (!name[0] && data)
		qmp_execute(qmp, "query-status", NULL, NULL, NULL);
	maybe_free(userdata, FREE_IN_EVENT);
}

static void on_closed(struct qmp *qmp, struct error *error, void *userdata)
{
	struct owner *owner = userdata;

	(void)qmp;
	error_free(error);
	owner->closed++;
	maybe_free(owner, FREE_IN_CLOSED);
}

static const struct qmp_handlers handlers = {.event = on_event, .closed = on_closed};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct owner owner = {.frees = size ? data[0] : 0};
	struct peer peer;

	if (!size)
		return 0;
	peer_open(&peer);
	if (qmp_new(&owner.qmp, peer.event, peer.ours, &handlers, &owner))
		abort();
	qmp_execute(owner.qmp, "stop", NULL, on_reply, &owner);
	qmp_execute(owner.qmp, "cont", json_object(), on_reply, &owner);
	qmp_execute(owner.qmp, "quit", NULL, NULL, NULL);
	peer_say(&peer, data + 1, size - 1);
	peer_close(&peer);
	if (owner.qmp && owner.closed != 1)
		abort();
	qmp_free(owner.qmp);
	if (owner.replies != 2 || owner.closed > 1)
		abort();
	return 0;
}
