// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/fixed.h"

#include <errno.h>

#include "util/string.h"

/* Lines of the error under way. */
struct findings {
	const struct topology *wanted;
	char **lines;
};

static void find(struct findings *findings, struct location at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void find(struct findings *findings, struct location at, const char *format, ...)
{
	_cleanup_free_ char *what = NULL;
	va_list args;

	va_start(args, format);
	what = xvasprintf(format, args);
	va_end(args);
	if (at.line)
		strv_pushf(&findings->lines, "%s:%u:%u: %s", findings->wanted->file,
			   at.line, at.column, what);
	else
		strv_pushf(&findings->lines, "%s: %s", findings->wanted->file, what);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && streq(a, b));
}

static bool same_words(char *const *a, char *const *b)
{
	size_t n = strv_length(a);

	if (n != strv_length(b))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!streq(a[i], b[i]))
			return false;
	return true;
}

static bool same_kernel(const struct kernel_choice *a, const struct kernel_choice *b)
{
	return same_text(a->flavour, b->flavour) && same_text(a->version, b->version) &&
	       same_words(a->optimize, b->optimize) && same_text(a->source, b->source) &&
	       a->in_place == b->in_place && same_text(a->vmlinux, b->vmlinux) &&
	       same_text(a->bzimage, b->bzimage) && same_text(a->modules, b->modules);
}

static bool same_modules(const struct guest *a, const struct guest *b)
{
	if (a->n_modules != b->n_modules)
		return false;
	for (size_t i = 0; i < a->n_modules; i++)
		if (!same_text(a->modules[i].name, b->modules[i].name) ||
		    !same_text(a->modules[i].path, b->modules[i].path) ||
		    !same_words(a->modules[i].parameters, b->modules[i].parameters) ||
		    a->modules[i].load != b->modules[i].load)
			return false;
	return true;
}

static bool same_disk(const struct disk_choice *a, const struct disk_choice *b)
{
	return same_text(a->suite, b->suite) && same_words(a->packages, b->packages) &&
	       a->size == b->size && same_text(a->file, b->file) &&
	       a->writable == b->writable && a->overlay == b->overlay;
}

static bool same_files(const struct guest *a, const struct guest *b)
{
	if (a->n_files != b->n_files)
		return false;
	for (size_t i = 0; i < a->n_files; i++)
		if (!streq(a->files[i].target, b->files[i].target) ||
		    !streq(a->files[i].source, b->files[i].source))
			return false;
	return true;
}

static bool same_addresses(const struct nic *a, const struct nic *b)
{
	if (a->n_addresses != b->n_addresses)
		return false;
	for (size_t i = 0; i < a->n_addresses; i++)
		if (a->addresses[i].prefix != b->addresses[i].prefix ||
		    !address_equal(&a->addresses[i], &b->addresses[i]))
			return false;
	return true;
}

static void compare_nics(struct findings *findings, const struct guest *guest, size_t i,
			 const struct nic *old, const struct nic *wanted)
{
	char a[MAC_TEXT_SIZE], b[MAC_TEXT_SIZE];

	if (!streq(old->model, wanted->model))
		find(findings, wanted->at, "card %zu of guest '%s' is %s, not %s", i,
		     guest->name, old->model, wanted->model);
	if (memcmp(old->mac, wanted->mac, sizeof(old->mac)))
		find(findings, wanted->at, "card %zu of guest '%s' has MAC %s, not %s", i,
		     guest->name, mac_format(old->mac, a), mac_format(wanted->mac, b));
	if (!same_addresses(old, wanted))
		find(findings, wanted->at,
		     "card %zu of guest '%s' was given its addresses when the guest "
		     "booted",
		     i, guest->name);
	if (!streq(old->tap, wanted->tap))
		find(findings, wanted->at,
		     "the TAP of card %zu of guest '%s' is called %s, not %s", i,
		     guest->name, old->tap, wanted->tap);
}

static void compare_roots(struct findings *findings, const struct guest *old,
			  const struct guest *wanted)
{
	if (old->root != wanted->root)
		find(findings, wanted->at, "guest '%s' has the root %s, not %s",
		     old->name, guest_root_name(old->root),
		     guest_root_name(wanted->root));
	else if (!same_text(old->root_path, wanted->root_path) ||
		 !same_disk(&old->disk, &wanted->disk))
		find(findings, wanted->at, "guest '%s' has booted from another %s",
		     old->name, guest_root_name(old->root));
	if (!same_files(old, wanted))
		find(findings, wanted->at, "guest '%s' has booted with other files",
		     old->name);
}

static void compare_machines(struct findings *findings, const struct guest *old,
			     const struct guest *wanted)
{
	if (old->memory != wanted->memory)
		find(findings, wanted->at, "guest '%s' has %lluM of memory, not %lluM",
		     old->name, (unsigned long long)old->memory >> 20,
		     (unsigned long long)wanted->memory >> 20);
	if (old->cpus != wanted->cpus)
		find(findings, wanted->at, "guest '%s' has %u CPUs, not %u", old->name,
		     old->cpus, wanted->cpus);
	if (!streq(old->cpu, wanted->cpu))
		find(findings, wanted->at, "guest '%s' has the CPU %s, not %s", old->name,
		     old->cpu, wanted->cpu);
	if (old->machine != wanted->machine)
		find(findings, wanted->at, "guest '%s' is the machine %s, not %s",
		     old->name, guest_machine_name(old->machine),
		     guest_machine_name(wanted->machine));
	if (!same_words(old->qemu, wanted->qemu))
		find(findings, wanted->at, "guest '%s' has other arguments of QEMU",
		     old->name);
	compare_roots(findings, old, wanted);
	if (old->on_panic != wanted->on_panic)
		find(findings, wanted->at, "guest '%s' has booted with on_panic: %s",
		     old->name, on_panic_name(old->on_panic));
	if (!same_kernel(&old->kernel, &wanted->kernel))
		find(findings, wanted->kernel.at.line ? wanted->kernel.at : wanted->at,
		     "guest '%s' has booted another kernel", old->name);
	if (!same_modules(old, wanted))
		find(findings, wanted->at, "guest '%s' has booted with other modules",
		     old->name);
	if (!same_words(old->run, wanted->run))
		find(findings, wanted->at, "guest '%s' runs another command", old->name);
	if (!same_text(old->kernel_arguments, wanted->kernel_arguments))
		find(findings, wanted->at,
		     "guest '%s' has booted with other kernel_arguments", old->name);
}

static void compare_guests(struct findings *findings, const struct guest *old,
			   const struct guest *wanted)
{
	compare_machines(findings, old, wanted);
	if (old->n_nics != wanted->n_nics)
		find(findings, wanted->at, "guest '%s' has %zu cards, not %zu", old->name,
		     old->n_nics, wanted->n_nics);
	for (size_t i = 0; i < old->n_nics && i < wanted->n_nics; i++)
		compare_nics(findings, wanted, i, &old->nics[i], &wanted->nics[i]);
}

static void find_guests(struct findings *findings, const struct topology *old)
{
	const struct topology *wanted = findings->wanted;

	for (size_t i = 0; i < wanted->n_guests; i++) {
		const struct guest *guest = &wanted->guests[i];
		const struct guest *before = topology_guest(old, guest->name);

		if (before)
			compare_guests(findings, before, guest);
		else
			find(findings, guest->at, "guest '%s' is new", guest->name);
	}
	for (size_t i = 0; i < old->n_guests; i++)
		if (!topology_guest(wanted, old->guests[i].name))
			find(findings, (struct location){0},
			     "guest '%s' is up, and is "
			     "not in it",
			     old->guests[i].name);
}

struct error *topology_check_fixed(const struct topology *old,
				   const struct topology *wanted)
{
	struct findings findings = {.wanted = wanted};
	_cleanup_free_ char *text = NULL;

	if (old->netns != wanted->netns)
		find(&findings, (struct location){0}, "netns is '%s', not '%s'",
		     netns_choice_name(old->netns), netns_choice_name(wanted->netns));
	if (old->lockstep != wanted->lockstep)
		find(&findings, (struct location){0}, "lockstep is %s, not %s",
		     old->lockstep ? "on" : "off", wanted->lockstep ? "on" : "off");
	if (old->hold_host != wanted->hold_host)
		find(&findings, (struct location){0}, "hold_host is %s, not %s",
		     old->hold_host ? "on" : "off", wanted->hold_host ? "on" : "off");
	find_guests(&findings, old);
	if (!same_words(old->capture, wanted->capture))
		find(&findings, (struct location){0},
		     "the capture has begun with other links");
	if (old->capture_clock != wanted->capture_clock)
		find(&findings, (struct location){0},
		     "the capture's clock is '%s', not '%s'",
		     capture_clock_name(old->capture_clock),
		     capture_clock_name(wanted->capture_clock));
	if (old->capture_console != wanted->capture_console)
		find(&findings, (struct location){0}, "the capture has begun %s consoles",
		     old->capture_console ? "with" : "without");
	if (!findings.lines)
		return NULL;
	text = strv_join(findings.lines, "\n");
	strv_free(findings.lines);
	return error_new(EBUSY, "%s", text);
}
