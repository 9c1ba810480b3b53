// SPDX-License-Identifier: GPL-2.0-or-later
/* What is told of a guest: to programs, and where it didn't come up. */
#include <errno.h>

#include "lab/export.h"
#include "lab/guest-internal.h"
#include "lab/panic.h"
#include "lab/refusal.h"
#include "topology/describe.h"
#include "util/lines.h"
#include "util/process.h"
#include "util/string.h"

#define PANIC_LINES 100
#define OTHER_LINES 15

/* Why QEMU ended: a machine that it doesn't take never ran. */
static char *gone_text(const struct lab_guest *guest, const char *tail)
{
	_cleanup_free_ char *how = process_status_text(guest->exit_status);
	char *refusal = NULL;

	if (guest->failure)
		return error_text(guest->failure);
	if (console_is_silent(guest->console) && guest->exit_status)
		refusal = refusal_text(guest->options.spec, tail);
	return refusal ?: xasprintf("QEMU has ended (%s)", how);
}

/* A panic's lines are many, and the first ones say most. */
static char *last_words(const struct lab_guest *guest)
{
	bool panicked = guest->state == GUEST_PANICKED;
	_cleanup_free_ char *tail = NULL;

	if (!guest->console)
		return xstrdup("");
	tail = console_tail(guest->console, panicked ? PANIC_LINES : OTHER_LINES);
	return panicked ? xstrdup(panic_words(tail)) : steal_ptr(tail);
}

struct error *guest_obituary(const struct lab_guest *guest)
{
	_cleanup_free_ char *tail = last_words(guest), *what = NULL;

	switch (guest->state) {
	case GUEST_OFF:
		what = xstrdup("was not started");
		break;
	case GUEST_BOOTING:
		what = xstrdup("is not up yet: its agent has not said hello");
		break;
	case GUEST_UP:
		what = xstrdup("is up");
		break;
	case GUEST_PANICKED:
		what = xstrdup("its kernel panicked");
		break;
	case GUEST_GONE:
		what = gone_text(guest, tail);
		break;
	}
	return error_object(
		*tail ? error_new(EIO, "%s; the console's last lines:\n%s", what, tail)
		      : error_new(EIO, "%s; it said nothing on its console", what),
		guest_name(guest));
}

struct error *guest_check_modules(const struct lab_guest *guest)
{
	_cleanup_free_ char *list = strv_join(guest->modules_failed, "; the module ");

	if (!guest->modules_failed)
		return NULL;
	return error_object(
		error_hint(error_new(EREMOTEIO, "not loaded at its boot: the module %s",
				     list),
			   "with 'load: later', a module is there to be loaded by hand"),
		guest_name(guest));
}

json_t *guest_to_json(const struct lab_guest *guest)
{
	const struct guest_options *o = &guest->options;
	json_t *argv = strv_to_json(guest->argv);
	json_t *json;

	json = json_pack(
		"{s:s, s:s, s:b, s:i, s:s, s:s, s:s, s:s, s:s?, s:s, s:o, s:o}", "name",
		guest_name(guest), "state", guest_state_name(guest->state), "halted",
		guest->halted, "pid", (int)guest->pid, "accel", accel_name(guest->accel),
		"vmlinux", o->kernel->vmlinux, "kernel_directory", o->kernel->directory,
		"gdb", guest->gdb_path, "panic", guest->panic, "console", o->console_log,
		"nics", guest_nics_to_json(o->spec), "qemu", argv);
	if (o->image->modules)
		json_object_set_new(json, "modules", strv_to_json(o->image->modules));
	if (guest->modules_failed)
		json_object_set_new(json, "modules_failed",
				    strv_to_json(guest->modules_failed));
	if (guest->kernel_release)
		json_object_update_new(json, json_pack("{s:s, s:I}", "kernel",
						       guest->kernel_release, "boot_ns",
						       (json_int_t)guest->boot_ns));
	return json;
}

struct error *guest_dump(struct lab_guest *guest, const char *path,
			 const struct dump_handlers *handlers, void *userdata,
			 struct dump **dump)
{
	if (!guest->qmp)
		return error_object(error_new(ESRCH, "QEMU has ended"),
				    guest_name(guest));
	*dump = guest->dump;
	return error_object(dump_start(guest->dump, guest->qmp, path, handlers, userdata),
			    guest_name(guest));
}
