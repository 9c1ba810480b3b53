// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/refusal.h"

#include "util/string.h"

static char *memory_of(const struct guest *guest)
{
	return xasprintf("memory: %lluM", (unsigned long long)(guest->memory >> 20));
}

static char *cpus_of(const struct guest *guest)
{
	return xasprintf("cpus: %u", guest->cpus);
}

static char *cpu_of(const struct guest *guest)
{
	return xasprintf("cpu: %s", guest->cpu);
}

static char *machine_of(const struct guest *guest)
{
	return xasprintf("machine: %s", guest_machine_name(guest->machine));
}

static char *arguments_of(const struct guest *guest)
{
	_cleanup_free_ char *words = shell_quote(guest->qemu);

	return xasprintf("qemu: %s", words);
}

static char *disk_of(const struct guest *guest)
{
	return xasprintf("root: {disk: {file: %s}}", guest->disk.file ?: "netlab's own");
}

/* Substrings of QEMU's messages; the first that occurs counts. */
static const struct {
	const char *said;
	char *(*key)(const struct guest *guest);
	const char *words;
} refusals[] = {
	{"\"write\" lock", disk_of,
	 "another guest has this disk; with an overlay for each, they share it"},
	{"cannot set up guest memory", memory_of,
	 "this machine can't give a guest so much memory"},
	{"unable to find CPU model", cpu_of,
	 "QEMU knows no such CPU; 'qemu-system-x86_64 -cpu help' lists those it knows"},
	{"requires KVM", cpu_of,
	 "this CPU is there with KVM alone, and the guest has TCG"},
	{"Invalid SMP CPUs", cpus_of, "the machine takes fewer"},
	{"unsupported machine type", machine_of, "this QEMU has no such machine"},
	{"-x86_64-cpu.", cpu_of, "the CPU has no such property"},
	{"invalid option", arguments_of, "QEMU has no such option"},
	{"not a valid device model name", arguments_of, "this QEMU has no such device"},
	{"Property '", arguments_of, "a device has no such property"},
};

/* The card of @guest that QEMU has not got. */
static char *unknown_card(const struct guest *guest, const char *said)
{
	for (size_t i = 0; i < guest->n_nics; i++) {
		const char *model = guest->nics[i].model;
		_cleanup_free_ char *line =
			xasprintf("'%s' is not a valid device model name", model);

		if (strstr(said, line))
			return xasprintf("model: %s: this QEMU has no such card", model);
	}
	return NULL;
}

char *refusal_text(const struct guest *guest, const char *said)
{
	char *card = unknown_card(guest, said);

	for (size_t i = 0; !card && i < ARRAY_SIZE(refusals); i++) {
		_cleanup_free_ char *key = NULL;

		if (!strstr(said, refusals[i].said))
			continue;
		key = refusals[i].key(guest);
		return xasprintf("%s: %s", key, refusals[i].words);
	}
	return card;
}
