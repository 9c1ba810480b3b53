// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/export.h"

#include "lab/cmdline.h"
#include "topology/iplines.h"
#include "util/string.h"

static const char *shared_folder(const struct guest *guest)
{
	if (guest->root == ROOT_HOST)
		return "/";
	return guest->root == ROOT_DIRECTORY ? guest->root_path : NULL;
}

static enum disk_access access_of(const struct disk_choice *disk)
{
	if (disk->overlay)
		return DISK_OVERLAY;
	return disk->writable ? DISK_WRITE : DISK_READ_ONLY;
}

void machine_of(const struct guest *guest, const struct kernel *kernel,
		const struct guest_image *image, struct machine *machine)
{
	*machine = (struct machine){
		.kernel = kernel->lacks_pvh ? kernel->bzimage : kernel->vmlinux,
		.initrd = image->initrd,
		.board = guest_machine_name(guest->machine),
		.cpu = guest->cpu,
		.memory = guest->memory,
		.cpus = guest->cpus,
		.shared = shared_folder(guest),
		.disk = image->disk,
		.disk_is_qcow2 = image->disk_is_qcow2,
		.disk_access = access_of(&guest->disk),
		.further = guest->qemu,
		.n_nics = guest->n_nics,
		.serial = -1,
		.qmp = -1,
		.agent = -1,
		.gdb = -1,
	};
}

static void push_block(char ***lines, const char *text)
{
	strv_push(lines, xstrdup(text));
}

static void push_all(char ***lines, char **owned, const char *indent)
{
	strv_foreach (line, owned)
		strv_pushf(lines, "%s%s", indent, *line);
	strv_free(owned);
}

/* A file's name may be anything; in a comment it stays on its line. */
static void push_title(char ***lines, const struct export *export, const char *what)
{
	const char *file = export->topology->file;
	_cleanup_free_ char *shown = printable(file, strlen(file));

	push_block(lines, "#!/bin/sh");
	strv_pushf(lines, "# %s of lab %s, from %s, as 'netlab export' wrote it.", what,
		   export->lab, shown);
}

char *export_links(const struct export *export)
{
	_cleanup_plan_ struct plan *plan = plan_new(export->topology);
	_cleanup_strv_ char **lines = NULL;

	push_title(&lines, export, "The links");
	push_block(&lines,
		   "# Run it as root; with the word 'down' it takes them away. Its TAPs "
		   "are for the user\n# who runs sudo, or root.\nset -eu\n\n"
		   "if [ \"${1-}\" = down ]; then");
	push_all(&lines, plan_to_ip_removal(plan, export->lab), "\t");
	push_block(&lines, "\texit\nfi");
	push_all(&lines, plan_to_ip(plan, export->lab, "\"${SUDO_UID:-0}\""), "");
	push_block(&lines, "");
	return strv_join(lines, "\n");
}

/* Each option on a line of its own. */
static char *command_text(char *const *argv)
{
	char *text = NULL;

	strv_foreach (word, argv) {
		_cleanup_free_ char *before = text;
		char *const one[] = {*word, NULL};
		_cleanup_free_ char *quoted = shell_quote(one);
		bool is_option = **word == '-' && before;

		text = xasprintf("%s%s%s", before ?: "",
				 is_option ? " \\\n\t"
				 : before  ? " "
					   : "",
				 quoted);
	}
	return text;
}

static struct error *push_guest(char ***lines, const struct export *export, size_t i)
{
	const struct guest *guest = &export->topology->guests[i];
	_cleanup_free_ struct machine_nic *nics = xcalloc(guest->n_nics, sizeof(*nics));
	_cleanup_free_ char *name = xasprintf("%s/%s", export->lab, guest->name);
	_cleanup_free_ char *append = NULL, *text = NULL;
	_cleanup_strv_ char **argv = NULL;
	struct machine machine;

	try(cmdline_build(guest, false, &append));
	machine_of(guest, export->kernels[i], &export->images[i], &machine);
	machine.name = name;
	machine.append = append;
	machine.accel = export->accel;
	machine.sockets = guest->name;
	machine.nics = nics;
	for (size_t n = 0; n < guest->n_nics; n++) {
		nics[n] = (struct machine_nic){.model = guest->nics[n].model,
					       .tap = -1,
					       .link = guest->nics[n].tap};
		memcpy(nics[n].mac, guest->nics[n].mac, sizeof(nics[n].mac));
	}
	argv = machine_argv(&machine);
	text = command_text(argv);
	strv_pushf(lines, "\n%s &", text);
	push_block(lines, "pids=\"$pids $!\"");
	return NULL;
}

static void push_cleanup(char ***lines, const struct export *export,
			 const struct plan *plan)
{
	push_block(lines, "set -eu\n\nwork=$(mktemp -d)\npids=\n\ncleanup() {\n"
			  "\ttrap - EXIT\n"
			  "\ttrap '' INT TERM HUP\n"
			  "\tfor pid in $pids; do kill \"$pid\" 2>/dev/null || :; done\n"
			  "\twait");
	push_all(lines, plan_to_ip_removal(plan, export->lab), "\t");
	push_block(lines,
		   "\trm -rf \"$work\"\n}\n"
		   "trap cleanup EXIT\ntrap 'exit 1' INT TERM HUP\ncd \"$work\"\n");
}

static void push_usage(char ***lines, const struct export *export)
{
	push_block(lines, "");
	for (size_t i = 0; i < export->topology->n_guests; i++) {
		const char *name = export->topology->guests[i].name;
		char *const path[] = {export->kernels[i]->vmlinux, NULL};
		_cleanup_free_ char *vmlinux = shell_quote(path);

		strv_pushf(lines,
			   "printf '%%s\\n' %s "
			   "\"  socat -,raw,echo=0,escape=0x1d UNIX:$work/%s.serial\" "
			   "\"  its console so far: $work/%s.console\"\n"
			   "printf '  gdb %%s -ex %%s\\n' %s "
			   "\"'target remote $work/%s.gdb'\"",
			   name, name, name, vmlinux, name);
	}
	push_block(lines,
		   "status=0\nfor pid in $pids; do wait \"$pid\" || status=$?; done\n"
		   "exit $status\n");
}

struct error *export_script(const struct export *export, char **text)
{
	_cleanup_plan_ struct plan *plan = plan_new(export->topology);
	_cleanup_strv_ char **lines = NULL;

	push_title(&lines, export, "All");
	push_block(&lines,
		   "# Run it as root, or in a network namespace of its own: unshare "
		   "-n sh SCRIPT.\n"
		   "# It ends with its guests, or by Ctrl-C, and takes away what it "
		   "made.");
	push_cleanup(&lines, export, plan);
	push_all(&lines, plan_to_ip(plan, export->lab, NULL), "");
	for (size_t i = 0; i < export->topology->n_guests; i++)
		try(push_guest(&lines, export, i));
	push_usage(&lines, export);
	*text = strv_join(lines, "\n");
	return NULL;
}
