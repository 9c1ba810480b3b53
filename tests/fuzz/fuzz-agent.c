// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest says as its agent. The first byte says what the owner does in its handlers: 1
 * free in hello, 2 cancel in output, 4 free in output, 8 free in done, 16 free in closed, 32
 * hold at the first output. A command without an end, or with two of them, aborts.
 */
#include <stdbool.h>

#include "fuzz.h"
#include "peer.h"
#include "util/cleanup.h"
#include "vm/agent.h"

enum {
	FREE_IN_HELLO = 1,
	CANCEL_IN_OUTPUT = 2,
	FREE_IN_OUTPUT = 4,
	FREE_IN_DONE = 8,
	FREE_IN_CLOSED = 16,
	HOLD_IN_OUTPUT = 32,
};

struct owner {
	struct agent *agent;
	unsigned acts;
	unsigned started;
	unsigned ended; /* done or cancelled */
	unsigned closed;
};

static char *const some_argv[] = {"cat", NULL};

static void maybe_free(struct owner *owner, unsigned here)
{
	if ((owner->acts & here) && owner->agent)
		agent_free(steal_ptr(owner->agent));
}

static void require_text(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			abort();
}

static void on_output(struct agent_exec *exec, int stream, const void *data, size_t size,
		      void *userdata)
{
	struct owner *owner = userdata;

	if ((stream != 1 && stream != 2) || !size)
		abort();
	error_ignore(agent_exec_input(exec, data, size));
	if (owner->acts & HOLD_IN_OUTPUT)
		agent_hold(owner->agent, true);
	if (owner->acts & CANCEL_IN_OUTPUT) {
		agent_exec_cancel(exec);
		owner->ended++;
	}
	maybe_free(owner, FREE_IN_OUTPUT);
}

static void on_done(struct agent_exec *exec, int status, struct error *error,
		    void *userdata)
{
	struct owner *owner = userdata;

	(void)exec;
	if (status < 0 || status > 255)
		abort();
	if (error)
		require_text(error->message);
	error_free(error);
	owner->ended++;
	maybe_free(owner, FREE_IN_DONE);
}

static const struct agent_exec_handlers exec_handlers = {
	.output = on_output,
	.done = on_done,
};

static void on_hello(struct agent *agent, const struct agent_hello *hello, void *userdata)
{
	struct owner *owner = userdata;
	struct agent_exec *exec;

	require_text(hello->kernel);
	for (int i = 0; i < 2 && owner->started < 16; i++) {
		if (agent_exec_start(&exec, agent, some_argv, &exec_handlers, owner))
			abort();
		owner->started++;
	}
	maybe_free(owner, FREE_IN_HELLO);
}

static void on_closed(struct agent *agent, struct error *error, void *userdata)
{
	struct owner *owner = userdata;

	(void)agent;
	if (error)
		require_text(error->message);
	error_free(error);
	owner->closed++;
	maybe_free(owner, FREE_IN_CLOSED);
}

static const struct agent_handlers handlers = {.hello = on_hello, .closed = on_closed};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct owner owner = {.acts = size ? data[0] : 0};
	struct peer peer;

	if (!size || size > 65536)
		return 0;
	peer_open(&peer);
	if (agent_new(&owner.agent, peer.event, peer.ours, &handlers, &owner))
		abort();
	peer_say(&peer, data + 1, size - 1);
	if (owner.agent)
		agent_hold(owner.agent, false);
	owner.acts &= ~HOLD_IN_OUTPUT;
	peer_close(&peer);
	if (owner.agent && owner.closed != 1)
		abort();
	agent_free(owner.agent);
	if (owner.started != owner.ended || owner.closed > 1)
		abort();
	return 0;
}
