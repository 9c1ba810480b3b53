// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest-internal.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "lab/cmdline.h"
#include "lab/panic.h"
#include "lab/qemu.h"
#include "lab/wires.h"
#include "util/log.h"
#include "util/process.h"
#include "util/string.h"

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

static bool halts_on_panic(const struct lab_guest *guest)
{
	return guest->options.spec->on_panic == ON_PANIC_HALT;
}

bool guest_is_kept(const struct lab_guest *guest)
{
	return guest->state == GUEST_PANICKED && halts_on_panic(guest);
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
	if (guest->panic || !panic_find(line->text))
		return;
	guest->panic = xstrdup(line->text);
	log_warning("%s: %s; gdb: netlab gdb %s/%s", guest_name(guest), line->text,
		    guest->options.lab, guest_name(guest));
	if (guest->agent)
		agent_abandon(guest->agent, "the guest's kernel panicked");
	set_state(guest, GUEST_PANICKED);
}

/* What its kernel said last has been written by now, and may not have been read yet. */
static void on_shutdown(struct lab_guest *guest)
{
	console_drain(guest->console);
	if (!halts_on_panic(guest))
		return;
	if (!guest->panic)
		guest_leave_lockstep(guest);
	guest->shut_down = guest->panic;
	panic_shutdown(guest->qmp, guest->panic);
	if (guest->panic)
		guest->handlers->panicked(guest, guest->userdata);
}

/* BLOCK_IO_ERROR: one event for each request that failed. (qemu/qapi/block-core.json) */
static void on_disk_error(struct lab_guest *guest, const json_t *data)
{
	const char *operation = json_string_value(json_object_get(data, "operation"));
	const char *reason = json_string_value(json_object_get(data, "reason"));

	if (guest->disk_failed)
		return;
	guest->disk_failed = true;
	log_warning("%s: its disk fails to %s: %s", guest_name(guest),
		    operation ?: "read or write", reason ?: "QEMU doesn't say why");
}

static void on_qmp_event(struct qmp *qmp, const char *name, const json_t *data,
			 uint64_t ns, void *userdata)
{
	struct lab_guest *guest = userdata;

	(void)qmp;
	if (streq(name, "SHUTDOWN"))
		return on_shutdown(guest);
	if (streq(name, "DUMP_COMPLETED"))
		return dump_completed(guest->dump, data);
	if (streq(name, "BLOCK_IO_ERROR"))
		return on_disk_error(guest, data);
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
	if (!guest->halted)
		dump_resumed(guest->dump);
}

static void on_qmp_closed(struct qmp *qmp, struct error *error, void *userdata)
{
	struct lab_guest *guest = userdata;

	(void)userdata;
	if (error)
		log_warning("%s: QMP: %s", guest_name(guest), error->message);
	error_free(error);
	guest->qmp = NULL;
	dump_lost(guest->dump);
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
	guest_leave_lockstep(guest);
	console_drain(guest->console);
	if (may_fall_back(guest))
		fall_back_after_death(guest);
	else
		set_state(guest, GUEST_GONE);
	return 0;
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
	try(qemu_spawn(&guest->options, guest->accel, guest->cmdline, &wires,
		       &guest->argv, &guest->pid));
	r = sd_event_add_child(guest->event, &guest->child, guest->pid, WEXITED, on_child,
			       guest);
	if (r < 0)
		return error_errno(-r, "child");
	try(guest_join_lockstep(guest, steal_fd(wires.debuggers)));
	try(qmp_new(&guest->qmp, guest->event, steal_fd(wires.qmp[0]), &qmp_handlers,
		    guest));
	qemu_pull_cables(guest->qmp, guest->options.spec);
	if (halts_on_panic(guest))
		panic_prepare(guest->qmp);
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
	guest_leave_lockstep(guest);
	agent_free(steal_ptr(guest->agent));
	qmp_free(steal_ptr(guest->qmp));
	dump_lost(guest->dump);
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
	guest->dump = dump_new(event);
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
			qemu_set_carrier(guest->qmp, i, !spec->nics[i].settings.down);
	guest->options.spec = spec;
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
	dump_free(guest->dump);
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
