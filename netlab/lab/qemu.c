// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/qemu.h"

#include "lab/export.h"
#include "util/log.h"
#include "util/process.h"
#include "util/string.h"
#include "vm/tsc.h"

static void plug_wires(struct machine *machine, const struct wires *wires)
{
	machine->serial = wires->serial[1];
	machine->qmp = wires->qmp[1];
	machine->agent = wires->agent[1];
	machine->gdb = wires->stub;
}

static void plug_nics(const struct guest_options *options, struct machine_nic *nics)
{
	for (size_t i = 0; i < options->spec->n_nics; i++) {
		const struct nic *nic = &options->spec->nics[i];

		nics[i].model = nic->model;
		nics[i].tap = links_tap_fd(options->links, nic->tap);
		memcpy(nics[i].mac, nic->mac, sizeof(nics[i].mac));
	}
}

struct error *qemu_spawn(const struct guest_options *options, enum accel accel,
			 const char *append, const struct wires *wires, char ***argv,
			 pid_t *pid)
{
	size_t n = options->spec->n_nics;
	_cleanup_free_ struct machine_nic *nics = xcalloc(n, sizeof(*nics));
	_cleanup_free_ int *fds = xcalloc(n + 4, sizeof(*fds));
	_cleanup_free_ char *name = xasprintf("%s/%s", options->lab, options->spec->name);
	_cleanup_free_ char *line = NULL;
	struct machine machine;
	struct process_options process = {.input = -1, .output = -1, .own_group = true};

	machine_of(options->spec, options->kernel, options->image, &machine);
	machine.name = name;
	machine.append = append;
	machine.accel = accel;
	machine.tsc_khz = accel == ACCEL_TCG ? tsc_frequency() : 0;
	machine.nics = nics;
	machine.freeze = options->freeze;
	plug_wires(&machine, wires);
	plug_nics(options, nics);
	strv_free(*argv);
	*argv = machine_argv(&machine);
	process.argv = *argv;
	process.errors = wires->errors[1];
	process.inherited = fds;
	process.n_inherited = machine_descriptors(&machine, fds);
	line = shell_quote(*argv);
	log_debug("%s: %s", options->spec->name, line);
	return process_spawn(&process, pid);
}

void qemu_set_carrier(struct qmp *qmp, size_t nic, bool on)
{
	_cleanup_free_ char *id = xasprintf("net%zu", nic);

	if (qmp)
		qmp_execute(qmp, "set_link",
			    json_pack("{s:s, s:b}", "name", id, "up", on), NULL, NULL);
}

void qemu_pull_cables(struct qmp *qmp, const struct guest *guest)
{
	for (size_t i = 0; i < guest->n_nics; i++)
		if (guest->nics[i].settings.down)
			qemu_set_carrier(qmp, i, false);
}
