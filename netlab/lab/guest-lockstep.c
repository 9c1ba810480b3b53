// SPDX-License-Identifier: GPL-2.0-or-later
/* Debuggers of a guest, and the lab that stands still with them. */
#include <errno.h>

#include "lab/guest-internal.h"
#include "lab/panic.h"
#include "util/log.h"
#include "util/string.h"

bool guest_stands_for_good(const struct lab_guest *guest)
{
	return guest_is_kept(guest) && guest->halted;
}

static void on_debugger_stopped(struct relay *relay, void *userdata)
{
	struct lab_guest *guest = userdata;

	(void)relay;
	if (!guest_stands_for_good(guest))
		lockstep_hold(guest->member, LOCKSTEP_DEBUGGER);
}

static void on_attached(struct relay *relay, void *userdata)
{
	struct lab_guest *guest = userdata;

	guest->attaching = true;
	on_debugger_stopped(relay, userdata);
}

/* Its debugger has let it run, and it does not. */
static void tell_why(struct lab_guest *guest)
{
	_cleanup_free_ char *keepers = lockstep_keepers(guest->member), *line = NULL;

	if (lockstep_is_held(guest->member, LOCKSTEP_USER))
		line = xasprintf(
			"netlab: the guest is paused: it goes on with 'netlab resume %s'",
			guest_name(guest));
	else if (keepers)
		line = xasprintf("netlab: the lab stands still, held by %s; the guest "
				 "goes on when it does",
				 keepers);
	if (line)
		relay_tell(guest->relay, line);
}

static void on_continued(struct relay *relay, bool step, void *userdata)
{
	struct lab_guest *guest = userdata;

	guest->attaching = false;
	if (guest->shut_down) {
		relay_refuse(relay);
		return;
	}
	if (step)
		lockstep_step(guest->member);
	else
		lockstep_release(guest->member, LOCKSTEP_DEBUGGER);
	tell_why(guest);
}

static void on_detached(struct relay *relay, void *userdata)
{
	struct lab_guest *guest = userdata;

	(void)relay;
	guest->attaching = false;
	if (!guest_stands_for_good(guest))
		lockstep_detached(guest->member);
}

static const struct relay_handlers relay_handlers = {on_attached, on_continued,
						     on_debugger_stopped, on_detached};

/* QEMU has answered: what its stub has told the debugger until then was before that. */
static void on_stop_reply(struct qmp *qmp, const json_t *result, struct error *error,
			  void *userdata)
{
	struct lab_guest *guest = userdata;

	(void)qmp, (void)result;
	if (error && error->code != ECANCELED)
		log_warning("%s: stop: %s", guest_name(guest), error->message);
	error_free(error);
	if (guest->relay)
		relay_read(guest->relay);
	if (guest->member)
		lockstep_answered(guest->member);
}

void guest_stop(struct lab_guest *guest)
{
	relay_conceal(guest->relay);
	if (guest->qmp)
		qmp_execute(guest->qmp, "stop", NULL, on_stop_reply, guest);
}

void guest_run(struct lab_guest *guest)
{
	if (!relay_run(guest->relay) && guest->qmp)
		qmp_execute(guest->qmp, "cont", NULL, NULL, NULL);
}

void guest_pause(struct lab_guest *guest)
{
	if (guest->member)
		lockstep_hold(guest->member, LOCKSTEP_USER);
}

void guest_resume(struct lab_guest *guest)
{
	if (guest_stands_for_good(guest))
		lockstep_leave(steal_ptr(guest->member));
	else
		lockstep_release(guest->member, LOCKSTEP_USER);
}

bool guest_is_paused(const struct lab_guest *guest)
{
	return guest->member && (guest_stands_for_good(guest) ||
				 lockstep_is_held(guest->member, LOCKSTEP_USER));
}

const char *guest_halt_cause(const struct lab_guest *guest)
{
	if (guest_is_kept(guest))
		return panic_find(guest->panic);
	if (lockstep_is_held(guest->member, LOCKSTEP_USER))
		return "paused";
	if (lockstep_is_held(guest->member, LOCKSTEP_DEBUGGER))
		return guest->attaching ? "gdb attached" : "";
	return dump_is_active(guest->dump) ? "a dump is written" : "QEMU stopped it";
}

struct error *guest_join_lockstep(struct lab_guest *guest, int debuggers)
{
	try(relay_new(&guest->relay, guest->event, debuggers, guest->stub_path,
		      &relay_handlers, guest));
	guest->member = lockstep_join(guest->options.lockstep, guest, guest_name(guest),
				      !guest->options.freeze);
	return NULL;
}

void guest_leave_lockstep(struct lab_guest *guest)
{
	relay_free(steal_ptr(guest->relay));
	lockstep_leave(steal_ptr(guest->member));
}
