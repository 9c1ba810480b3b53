// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "lab/cmdline.h"
#include "lab/export.h"
#include "lab/refusal.h"
#include "lab/wires.h"
#include "topology/describe.h"
#include "util/lines.h"
#include "util/log.h"
#include "util/process.h"
#include "util/string.h"
#include "vm/qmp.h"
#include "vm/relay.h"
#include "vm/tsc.h"

struct lab_guest {
	struct guest_options options;
	enum guest_state state;
	enum accel accel;
	bool halted;
	bool frozen;
	bool leaving;           /* it was asked to power off */
	unsigned rows, columns; /* of the terminal at its console; 0: not known */
	struct error
		*failure; /* why it could not be started again; NULL: it was not tried */
	sd_event *event;
	pid_t pid;
	int exit_status; /* of waitpid(), once GUEST_GONE */
	char **argv;
	char *cmdline;
	char *gdb_path;        /* where debuggers connect */
	char *stub_path;       /* where QEMU listens to the relay */
	char *kernel_release;  /* as the agent says */
	uint64_t boot_ns;      /* as the agent says */
	char **modules_failed; /* as the agent says; NULL: none */
	char *panic;           /* the console's line; NULL: none */
	sd_event_source *child;
	sd_event_source *silence;
	struct console *console;
	struct qmp *qmp;
	struct agent *agent;
	struct relay *relay;
	struct lockstep_member *member;
	const struct guest_handlers *handlers;
	void *userdata;
};

static const char *const state_names[] = {
	[GUEST_OFF] = "off",           [GUEST_BOOTING] = "booting", [GUEST_UP] = "up",
	[GUEST_PANICKED] = "panicked", [GUEST_GONE] = "gone",
};
static_assert(ARRAY_SIZE(state_names) == GUEST_GONE + 1, "one name for each state");

const char *guest_state_name(enum guest_state state)
{
	return state_names[state];
}

enum guest_state guest_get_state(const struct lab_guest *guest)
{
	return guest->state;
}

const char *guest_name(const struct lab_guest *guest)
{
	return guest->options.spec->name;
}

bool guest_is_halted(const struct lab_guest *guest)
{
	return guest->halted;
}

bool guest_is_frozen(const struct lab_guest *guest)
{
	return guest->frozen;
}

struct agent *guest_agent(struct lab_guest *guest)
{
	return guest->state == GUEST_UP ? guest->agent : NULL;
}

struct error *guest_attach_console(struct lab_guest *guest, int fd)
{
	return console_attach(guest->console, fd);
}

static void tell_size(struct lab_guest *guest)
{
	if (guest->rows && guest_agent(guest))
		error_ignore(agent_resize(guest->agent, guest->rows, guest->columns));
}

void guest_resize_console(struct lab_guest *guest, unsigned rows, unsigned columns)
{
	guest->rows = rows;
	guest->columns = columns;
	tell_size(guest);
}

static void set_state(struct lab_guest *guest, enum guest_state state)
{
	if (guest->state == state)
		return;
	guest->state = state;
	guest->handlers->changed(guest, guest->userdata);
}

static void on_line(struct console *console, const struct console_line *line,
		    void *userdata)
{
	struct lab_guest *guest = userdata;

	(void)console;
	guest->handlers->line(guest, line, guest->userdata);
	if (guest->panic || !strstr(line->text, "Kernel panic - not syncing"))
		return;
	guest->panic = xstrdup(line->text);
	log_warning("%s: %s", guest_name(guest), line->text);
	if (guest->agent)
		agent_abandon(guest->agent, "the guest's kernel panicked");
	set_state(guest, GUEST_PANICKED);
}

static void on_qmp_event(struct qmp *qmp, const char *name, const json_t *data,
			 uint64_t ns, void *userdata)
{
	struct lab_guest *guest = userdata;

	(void)qmp, (void)data;
	if (!guest->member)
		return;
	if (streq(name, "STOP")) {
		guest->halted = true;
		lockstep_stopped(guest->member, ns);
	} else if (streq(name, "RESUME")) {
		guest->halted = guest->frozen = false;
		lockstep_started(guest->member, ns);
	} else {
		return;
	}
	guest->handlers->changed(guest, guest->userdata);
}

/* --- debuggers, and the lab that stands still with them ---------------------------------- */

static void on_attached(struct relay *relay, void *userdata)
{
	struct lab_guest *guest = userdata;

	(void)relay;
	lockstep_hold(guest->member, LOCKSTEP_DEBUGGER);
}

static void on_continued(struct relay *relay, bool step, void *userdata)
{
	struct lab_guest *guest = userdata;

	(void)relay;
	if (step)
		lockstep_step(guest->member);
	else
		lockstep_release(guest->member, LOCKSTEP_DEBUGGER);
}

static void on_debugger_stopped(struct relay *relay, void *userdata)
{
	on_attached(relay, userdata);
}

static void on_detached(struct relay *relay, void *userdata)
{
	struct lab_guest *guest = userdata;

	(void)relay;
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
	lockstep_hold(guest->member, LOCKSTEP_USER);
}

void guest_resume(struct lab_guest *guest)
{
	lockstep_release(guest->member, LOCKSTEP_USER);
}

bool guest_is_paused(const struct lab_guest *guest)
{
	return guest->member && lockstep_is_held(guest->member, LOCKSTEP_USER);
}

static void on_qmp_closed(struct qmp *qmp, struct error *error, void *userdata)
{
	struct lab_guest *guest = userdata;

	(void)userdata;
	if (error)
		log_warning("%s: QMP: %s", guest_name(guest), error->message);
	error_free(error);
	guest->qmp = NULL;
	qmp_free(qmp);
}

static void on_hello(struct agent *agent, const struct agent_hello *hello, void *userdata)
{
	struct lab_guest *guest = userdata;

	(void)agent;
	free(guest->kernel_release);
	guest->kernel_release = xstrdup(hello->kernel);
	guest->boot_ns = hello->boot_ns;
	strv_free(guest->modules_failed);
	guest->modules_failed = strv_copy(hello->modules_failed);
	if (guest->state == GUEST_BOOTING)
		set_state(guest, GUEST_UP);
	tell_size(guest);
}

static void on_agent_drained(struct agent *agent, void *userdata)
{
	struct lab_guest *guest = userdata;

	(void)agent;
	guest->handlers->drained(guest, guest->userdata);
}

static void on_agent_closed(struct agent *agent, struct error *error, void *userdata)
{
	struct lab_guest *guest = userdata;

	if (error)
		log_warning("%s: agent: %s", guest_name(guest), error->message);
	error_free(error);
	guest->agent = NULL;
	agent_free(agent);
}

static void leave_lockstep(struct lab_guest *guest)
{
	relay_free(steal_ptr(guest->relay));
	lockstep_leave(steal_ptr(guest->member));
}

static void fall_back(struct lab_guest *guest, const char *why);

/* Is it KVM that may be to blame? */
static bool may_fall_back(const struct lab_guest *guest)
{
	return guest->accel == ACCEL_KVM && guest->options.accel_may_fall_back &&
	       guest->state == GUEST_BOOTING && console_is_silent(guest->console);
}

static void fall_back_after_death(struct lab_guest *guest)
{
	_cleanup_free_ char *how = process_status_text(guest->exit_status);
	_cleanup_free_ char *said = console_tail(guest->console, 15);
	_cleanup_free_ char *line = xstrndup(said, strcspn(said, "\n"));
	_cleanup_free_ char *why =
		xasprintf("QEMU has ended (%s%s%s)", how, *line ? ", " : "", line);

	fall_back(guest, why);
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	struct lab_guest *guest = userdata;

	(void)source;
	guest->exit_status = info->si_code == CLD_EXITED ? info->si_status << 8
							 : info->si_status;
	guest->pid = 0;
	guest->halted = false;
	leave_lockstep(guest);
	console_drain(guest->console);
	if (may_fall_back(guest))
		fall_back_after_death(guest);
	else
		set_state(guest, GUEST_GONE);
	return 0;
}

static struct error *spawn_qemu(struct lab_guest *guest, const struct wires *wires)
{
	const struct guest_options *o = &guest->options;
	_cleanup_free_ struct machine_nic *nics = xcalloc(o->spec->n_nics, sizeof(*nics));
	_cleanup_free_ int *fds = xcalloc(o->spec->n_nics + 4, sizeof(*fds));
	_cleanup_free_ char *name = xasprintf("%s/%s", o->lab, guest_name(guest));
	_cleanup_free_ char *line = NULL;
	struct machine machine;
	struct process_options process = {.input = -1, .output = -1, .own_group = true};

	machine_of(o->spec, o->kernel, o->image->initrd, &machine);
	machine.name = name;
	machine.append = guest->cmdline;
	machine.accel = guest->accel;
	machine.tsc_khz = guest->accel == ACCEL_TCG ? tsc_frequency() : 0;
	machine.nics = nics;
	machine.serial = wires->serial[1];
	machine.qmp = wires->qmp[1];
	machine.agent = wires->agent[1];
	machine.gdb = wires->stub;
	machine.freeze = o->freeze;
	for (size_t i = 0; i < machine.n_nics; i++) {
		nics[i].model = o->spec->nics[i].model;
		nics[i].tap = links_tap_fd(o->links, o->spec->nics[i].tap);
		memcpy(nics[i].mac, o->spec->nics[i].mac, sizeof(nics[i].mac));
	}
	strv_free(guest->argv);
	guest->argv = machine_argv(&machine);
	process.argv = guest->argv;
	process.errors = wires->errors[1];
	process.inherited = fds;
	process.n_inherited = machine_descriptors(&machine, fds);
	line = shell_quote(guest->argv);
	log_debug("%s: %s", guest_name(guest), line);
	return process_spawn(&process, &guest->pid);
}

/* What a cable does that is pulled: a TAP that is down is nothing that QEMU tells its guest. */
static void set_carrier(struct lab_guest *guest, size_t nic, bool on)
{
	_cleanup_free_ char *id = xasprintf("net%zu", nic);

	if (guest->qmp)
		qmp_execute(guest->qmp, "set_link",
			    json_pack("{s:s, s:b}", "name", id, "up", on), NULL, NULL);
}

static void pull_cables(struct lab_guest *guest)
{
	const struct guest *spec = guest->options.spec;

	for (size_t i = 0; i < spec->n_nics; i++)
		if (spec->nics[i].settings.down)
			set_carrier(guest, i, false);
}

static const struct qmp_handlers qmp_handlers = {on_qmp_event, on_qmp_closed};
static const struct agent_handlers agent_handlers = {on_hello, on_agent_drained,
						     on_agent_closed};

static struct error *launch(struct lab_guest *guest)
{
	_cleanup_(wires_close) struct wires wires = WIRES_INVALID;
	int r;

	try(wires_open(&wires, guest->gdb_path, guest->stub_path));
	try(console_new(&guest->console, guest->event, steal_fd(wires.serial[0]),
			guest->options.console_log, on_line, guest));
	try(console_add_errors(guest->console, steal_fd(wires.errors[0])));
	try(spawn_qemu(guest, &wires));
	r = sd_event_add_child(guest->event, &guest->child, guest->pid, WEXITED, on_child,
			       guest);
	if (r < 0)
		return error_errno(-r, "child");
	try(relay_new(&guest->relay, guest->event, steal_fd(wires.debuggers),
		      guest->stub_path, &relay_handlers, guest));
	guest->member = lockstep_join(guest->options.lockstep, guest, guest_name(guest),
				      !guest->options.freeze);
	try(qmp_new(&guest->qmp, guest->event, steal_fd(wires.qmp[0]), &qmp_handlers,
		    guest));
	pull_cables(guest);
	try(agent_new(&guest->agent, guest->event, steal_fd(wires.agent[0]),
		      &agent_handlers, guest));
	guest->halted = guest->frozen = guest->options.freeze;
	guest->state = GUEST_BOOTING;
	return NULL;
}

static void stop_qemu(struct lab_guest *guest)
{
	guest->silence = sd_event_source_disable_unref(guest->silence);
	guest->child = sd_event_source_disable_unref(guest->child);
	process_kill(guest->pid);
	guest->pid = 0;
	leave_lockstep(guest);
	agent_free(steal_ptr(guest->agent));
	qmp_free(steal_ptr(guest->qmp));
	console_free(steal_ptr(guest->console));
}

static void fall_back(struct lab_guest *guest, const char *why)
{
	log_warning("%s: with KVM, %s; going on with TCG, some ten times slower",
		    guest_name(guest), why);
	stop_qemu(guest);
	guest->accel = ACCEL_TCG;
	guest->failure = launch(guest);
	if (!guest->failure) {
		guest->handlers->restarted(guest, guest->userdata);
		return;
	}
	stop_qemu(guest);
	set_state(guest, GUEST_GONE);
}

/* A KVM that hangs (nested without hardware support) never gets past the firmware. */
static int on_silence(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct lab_guest *guest = userdata;
	_cleanup_free_ char *why = xasprintf("it says nothing for %llu s",
					     GUEST_KVM_SILENCE_NS / 1000000000);

	(void)source, (void)usec;
	if (may_fall_back(guest))
		fall_back(guest, why);
	return 0;
}

static struct error *watch_silence(struct lab_guest *guest)
{
	int r;

	if (guest->accel != ACCEL_KVM || !guest->options.accel_may_fall_back ||
	    guest->options.freeze)
		return NULL;
	r = sd_event_add_time_relative(guest->event, &guest->silence, CLOCK_MONOTONIC,
				       GUEST_KVM_SILENCE_NS / 1000, 0, on_silence, guest);
	return r < 0 ? error_errno(-r, "timer") : NULL;
}

struct error *guest_start(struct lab_guest **result, sd_event *event,
			  const struct guest_options *options,
			  const struct guest_handlers *handlers, void *userdata)
{
	_cleanup_(guest_freep) struct lab_guest *guest = xcalloc(1, sizeof(*guest));

	guest->options = *options;
	guest->accel = options->accel;
	guest->event = sd_event_ref(event);
	guest->handlers = handlers;
	guest->userdata = userdata;
	guest->gdb_path = xasprintf("%s/%s.gdb", options->rundir, guest_name(guest));
	guest->stub_path = xasprintf("%s/%s.stub", options->rundir, guest_name(guest));
	try(cmdline_build(options->spec, true, &guest->cmdline));
	try(error_object(launch(guest), guest_name(guest)));
	try(watch_silence(guest));
	*result = steal_ptr(guest);
	return NULL;
}

void guest_set_spec(struct lab_guest *guest, const struct guest *spec)
{
	const struct guest *old = guest->options.spec;

	for (size_t i = 0; i < spec->n_nics; i++)
		if (spec->nics[i].settings.down != old->nics[i].settings.down)
			set_carrier(guest, i, !spec->nics[i].settings.down);
	guest->options.spec = spec;
}

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

static const char *const fates[] = {
	[GUEST_OFF] = "was not started",
	[GUEST_BOOTING] = "is not up yet: its agent has not said hello",
	[GUEST_UP] = "is up",
	[GUEST_PANICKED] = "its kernel panicked",
	[GUEST_GONE] = NULL, /* gone_text() */
};
static_assert(ARRAY_SIZE(fates) == GUEST_GONE + 1, "one text for each state");

struct error *guest_obituary(const struct lab_guest *guest)
{
	_cleanup_free_ char *tail = guest->console ? console_tail(guest->console, 15)
						   : xstrdup("");
	_cleanup_free_ char *what = guest->state == GUEST_GONE
					    ? gone_text(guest, tail)
					    : xstrdup(fates[guest->state]);

	return error_object(
		*tail ? error_new(EIO, "%s; the console's last lines:\n%s", what, tail)
		      : error_new(EIO, "%s; it said nothing on its console", what),
		guest_name(guest));
}

struct error *guest_check_modules(const struct lab_guest *guest)
{
	return error_object(refusal_of_modules(guest->modules_failed), guest_name(guest));
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

void guest_poweroff(struct lab_guest *guest)
{
	struct error *error;

	if (!guest_agent(guest))
		return;
	error = agent_poweroff(guest->agent);
	guest->leaving = !error;
	error_ignore(error);
}

bool guest_is_leaving(const struct lab_guest *guest)
{
	return guest->leaving && guest->state == GUEST_UP && !guest->halted;
}

void guest_free(struct lab_guest *guest)
{
	if (!guest)
		return;
	stop_qemu(guest);
	sd_event_unref(guest->event);
	strv_free(guest->argv);
	free(guest->cmdline);
	free(guest->gdb_path);
	free(guest->stub_path);
	free(guest->kernel_release);
	free(guest->panic);
	strv_free(guest->modules_failed);
	error_free(guest->failure);
	free(guest);
}
