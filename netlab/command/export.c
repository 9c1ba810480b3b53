// SPDX-License-Identifier: GPL-2.0-or-later
/* netlab export: a lab out of netlab. */
#include <errno.h>
#include <stdio.h>

#include "command/start.h"
#include "lab/export.h"
#include "util/file.h"
#include "util/paths.h"
#include "util/string.h"
#include "vm/kvm.h"

/* Where nothing was said, what works on this machine. */
static enum accel accel_of(enum accel_choice choice)
{
	struct error *error;

	switch (choice) {
	case ACCEL_CHOICE_KVM:
		return ACCEL_KVM;
	case ACCEL_CHOICE_TCG:
		return ACCEL_TCG;
	case ACCEL_CHOICE_AUTO:
		break;
	}
	error = kvm_check();
	error_free(error);
	return error ? ACCEL_TCG : ACCEL_KVM;
}

static struct error *export_qemu(const struct export *export, const char *guest,
				 char **text)
{
	if (guest)
		return error_new(EINVAL, "the script is of the whole lab, not of '%s'",
				 guest);
	return export_script(export, text);
}

static struct error *export_ip(const struct export *export, const char *guest,
			       char **text)
{
	if (guest)
		return error_new(EINVAL, "the links are of the whole lab, not of '%s'",
				 guest);
	*text = export_links(export);
	return NULL;
}

/* Index of the guest; the only one where none is named. */
static struct error *find_guest(const struct topology *topology, const char *name,
				size_t *i)
{
	_cleanup_strv_ char **names = NULL;
	_cleanup_free_ char *joined = NULL;

	for (*i = 0; *i < topology->n_guests; (*i)++) {
		if (name ? streq(topology->guests[*i].name, name)
			 : topology->n_guests == 1)
			return NULL;
		strv_push(&names, xstrdup(topology->guests[*i].name));
	}
	joined = strv_join(names, ", ");
	if (!topology->n_guests)
		return error_new(ENOENT, "%s: there is no guest in it", topology->file);
	if (name)
		return error_new(ENOENT, "no guest '%s' in %s; it has: %s", name,
				 topology->file, joined);
	return error_new(EINVAL, "a domain is one guest; name one of: %s", joined);
}

static struct error *export_libvirt(const struct export *export, const char *name,
				    char **text)
{
	_cleanup_free_ char *folder = path_state(export->lab), *gdb = NULL;
	size_t guest;

	try(find_guest(export->topology, name, &guest));
	gdb = xasprintf("%s/%s.gdb", folder, export->topology->guests[guest].name);
	if (strchr(gdb, ','))
		return error_new(EINVAL, "%s: QEMU takes no path with a comma in it here",
				 gdb);
	try(make_directories(folder, 0755));
	return export_domain(export, guest, gdb, text);
}

static const struct {
	const char *name;
	struct error *(*write)(const struct export *export, const char *guest,
			       char **text);
} formats[] = {
	{"qemu", export_qemu},
	{"links", export_ip},
	{"libvirt", export_libvirt},
};

static struct error *print_export(struct start *start, size_t format, char **words)
{
	_cleanup_free_ char *text = NULL;
	struct export export;

	try(start_load(start, words[0]));
	export = (struct export){
		.topology = start->topology,
		.kernels = start->kernels,
		.images = start->images,
		.lab = start->options.name,
		.accel = accel_of(start->options.accel),
	};
	try(formats[format].write(&export, words[1], &text));
	return write_all(STDOUT_FILENO, text, strlen(text));
}

static int run(const struct verb *verb, int argc, char **argv)
{
	_cleanup_(start_deinit) struct start start = {0};
	const struct option_spec specs[] = {
		{OPTION_STRING, "name", 'n', "LAB",
		 "the lab's name; default: the topology's", &start.name},
		{OPTION_STRING, "accel", 0, "KIND",
		 "auto (default: what works here), kvm or tcg", &start.accel},
		SET_OPTION(&start.settings),
		{0},
	};
	int status = options_parse(verb, specs, &argc, &argv);

	if (status >= 0)
		return status;
	if (argc < 2)
		return misuse(
			verb,
			"a format, qemu, links or libvirt, and a TOPOLOGY are wanted");
	if (argc > 3)
		return misuse(verb, "one GUEST at most");
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (streq(argv[0], formats[i].name))
			return finish(print_export(&start, i, argv + 1));
	return misuse(verb, "'%s' is not qemu, links or libvirt", argv[0]);
}

const struct verb verb_export = {
	.name = "export",
	.usage = "qemu|links|libvirt TOPOLOGY [GUEST] [--name LAB]\n"
		 "                     [--accel auto|kvm|tcg] [--set PATH=VALUE]...",
	.summary = "Print a lab for use without netlab: a script, or a libvirt domain.",
	.details = "qemu     a shell script: the ip lines, QEMU's command lines, and "
		   "what takes\n"
		   "         all of it away again\n"
		   "links    a shell script: the ip lines alone\n"
		   "libvirt  a domain, with QEMU's gdb server in it; its cards are on "
		   "the TAPs that\n"
		   "         the links have",
	.run = run,
};
