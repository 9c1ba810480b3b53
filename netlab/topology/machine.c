// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine that a guest runs on: memory, CPUs, board, and arguments of QEMU's own. */
#include <assert.h>

#include "topology/reader.h"
#include "topology/text.h"
#include "util/string.h"

void read_memory(struct reader *reader, const char *what, const struct node *node,
		 void *into)
{
	struct guest *guest = into;
	const char *text = read_text(reader, what, node);
	uint64_t size = guest->memory;
	struct error *error = text ? size_parse(text, &size) : NULL;

	if (error)
		report_error(reader->reports, node->at, what, error);
	else if (size < GUEST_MEMORY_MIN || size > GUEST_MEMORY_MAX)
		report_add(reader->reports, node->at, "%s: %s is not from 64M to 1T",
			   what, text);
	guest->memory = size;
}

void read_cpus(struct reader *reader, const char *what, const struct node *node,
	       void *into)
{
	struct guest *guest = into;

	read_count(reader, what, node, 1, GUEST_CPUS_MAX, &guest->cpus);
}

void read_cpu(struct reader *reader, const char *what, const struct node *node,
	      void *into)
{
	struct guest *guest = into;
	const char *text = read_line(reader, what, node);

	if (!text)
		return;
	free(guest->cpu);
	guest->cpu = xstrdup(text);
}

static const char *const machine_names[] = {
	[MACHINE_Q35] = "q35",
	[MACHINE_PC] = "pc",
};
static_assert(ARRAY_SIZE(machine_names) == GUEST_MACHINES, "a machine without a name");

const char *guest_machine_name(enum guest_machine machine)
{
	return machine_names[machine];
}

static const char *machine_word(unsigned machine)
{
	return guest_machine_name(machine);
}

void read_machine(struct reader *reader, const char *what, const struct node *node,
		  void *into)
{
	struct guest *guest = into;
	unsigned machine = guest->machine;

	/* Seen with QEMU 7.2 and 6.1: "PCI: System does not support PCI". */
	if (node->kind == NODE_SCALAR && streq(node->text, "microvm")) {
		report_add(reader->reports, node->at,
			   "%s: microvm has its cards where netlab's kernels don't look "
			   "(CONFIG_PCI_MMCONFIG, CONFIG_VIRTIO_MMIO); it is one of: "
			   "q35, pc",
			   what);
		return;
	}
	read_one_of(reader, what, node, machine_word, GUEST_MACHINES, &machine);
	guest->machine = machine;
}

/* --- qemu: arguments of QEMU's own ---------------------------------------------------------- */

/* Options that netlab itself sets, or that would take the guest out of its hands, and what
 * there is in their place. */
static const struct {
	const char *option;
	const char *instead;
} owned_options[] = {
	{"gdb", "'netlab gdb' speaks to netlab's own"},
	{"s", "'netlab gdb' speaks to netlab's own gdb server"},
	{"S", "'netlab up --freeze' halts a guest"},
	{"qmp", "netlab speaks to it"},
	{"qmp-pretty", "netlab speaks to it"},
	{"mon", "netlab speaks to QEMU's monitor"},
	{"monitor", "netlab speaks to QEMU's monitor"},
	{"serial", "'netlab console' shows the first serial port"},
	{"nographic", "'netlab console' shows the serial port"},
	{"display", "'netlab console' shows the serial port"},
	{"daemonize", "QEMU is a child of the lab's supervisor"},
	{"kernel", "the key 'kernel' sets it"},
	{"initrd", "netlab makes it"},
	{"append", "the key 'kernel_arguments' adds to it"},
	{"bios", "netlab sets it"},
	{"machine", "the key 'machine' sets it"},
	{"M", "the key 'machine' sets it"},
	{"cpu", "the key 'cpu' sets it"},
	{"smp", "the key 'cpus' sets it"},
	{"m", "the key 'memory' sets it"},
	{"accel", "'netlab up --accel' sets it"},
	{"enable-kvm", "'netlab up --accel' sets it"},
	{"name", "netlab sets it"},
	{"rtc", "netlab sets it"},
	{"nodefaults", "netlab sets it"},
	{"no-user-config", "netlab sets it"},
	{"no-reboot", "netlab sets it"},
	{"incoming", "netlab boots the guest"},
	{"loadvm", "netlab boots the guest"},
	{"preconfig", "netlab boots the guest"},
};

/* What netlab calls its own network backends, character devices, shared folder and disk. */
static bool is_owned_id(const char *id)
{
	static char *const ids[] = {"serial", "qmp",  "agent", "gdb",
				    "shared", "disk", NULL};
	const char *nic = string_after(id, "net");

	return strv_contains(ids, id) || (nic && *nic && !nic[strspn(nic, "0123456789")]);
}

/* The value of "id=" among @value's options, as "user,id=net0"; NULL: none. */
static char *id_of(const char *value)
{
	for (const char *at = value; at;
	     at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		const char *id = string_after(at, "id=");

		if (id)
			return xstrndup(id, strcspn(id, ","));
	}
	return NULL;
}

/* The name of an option: behind one dash or two. NULL: no option. */
static const char *option_name(const char *word)
{
	const char *name = string_after(word, "-");

	return name ? string_after(name, "-") ?: name : NULL;
}

static const char *instead_of(const char *option)
{
	for (size_t i = 0; option && i < ARRAY_SIZE(owned_options); i++)
		if (streq(option, owned_options[i].option))
			return owned_options[i].instead;
	return NULL;
}

/* What is wrong with a word behind the option @before (NULL: none); NULL: nothing. */
static char *qemu_fault(const char *before, const char *word)
{
	const char *name = option_name(word), *instead = instead_of(name);
	_cleanup_free_ char *id = before ? id_of(word) : NULL;

	if (instead)
		return xasprintf("'%s' is not for a topology: %s", word, instead);
	if (!name && !before)
		return xasprintf("'%s' is no option of QEMU's, and stands behind none",
				 word);
	if (id && is_owned_id(id))
		return xasprintf("'%s %s': netlab has something of that id itself; "
				 "take another one",
				 before, word);
	return NULL;
}

void read_qemu(struct reader *reader, const char *what, const struct node *node,
	       void *into)
{
	struct guest *guest = into;
	const char *before = NULL;

	if (!is_list(reader, what, node))
		return;
	if (node->n_items > GUEST_QEMU_WORDS_MAX) {
		report_add(reader->reports, node->at, "%s: %zu words are more than %d",
			   what, node->n_items, GUEST_QEMU_WORDS_MAX);
		return;
	}
	for (size_t i = 0; i < node->n_items; i++) {
		const char *word = read_line(reader, what, node->items[i]);
		_cleanup_free_ char *fault = word ? qemu_fault(before, word) : NULL;

		if (fault)
			report_add(reader->reports, node->items[i]->at, "%s: %s", what,
				   fault);
		if (word)
			strv_push(&guest->qemu, xstrdup(word));
		before = word && *word == '-' ? word : NULL;
	}
}
