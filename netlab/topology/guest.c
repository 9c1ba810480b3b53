// SPDX-License-Identifier: GPL-2.0-or-later
/* The guests of a topology: their kernels, roots and commands. */
#include "topology/reader.h"
#include "topology/text.h"
#include "util/string.h"

/* The command travels in double quotes, for which the kernel knows no escape. */
static const char *word_fault(const char *word)
{
	if (!*word)
		return "an empty word";
	if (strchr(word, '"'))
		return "a double quote";
	return text_has_control(word) ? "a control character" : NULL;
}

static void read_word(struct reader *reader, const char *what, const struct node *node,
		      char ***run)
{
	const char *word = read_text(reader, what, node);
	const char *fault = word ? word_fault(word) : NULL;

	if (fault)
		report_add(reader->reports, node->at,
			   "%s: %s can't be in a command, as that goes on the kernel's "
			   "command line",
			   what, fault);
	else if (word)
		strv_push(run, xstrdup(word));
}

static size_t total_length(char *const *strv)
{
	size_t n = 0;

	strv_foreach (s, strv)
		n += strlen(*s) + 1;
	return n;
}

static void read_run(struct reader *reader, const char *what, const struct node *node,
		     void *into)
{
	struct guest *guest = into;

	if (!is_list(reader, what, node))
		return;
	if (node->n_items > GUEST_RUN_WORDS_MAX) {
		report_add(reader->reports, node->at,
			   "%s: %zu words are more than the %d that fit on the kernel's "
			   "command line",
			   what, node->n_items, GUEST_RUN_WORDS_MAX);
		return;
	}
	for (size_t i = 0; i < node->n_items; i++)
		read_word(reader, what, node->items[i], &guest->run);
	if (total_length(guest->run) > GUEST_RUN_BYTES_MAX)
		report_add(reader->reports, node->at,
			   "%s: more than the %d bytes that fit on the kernel's command "
			   "line",
			   what, GUEST_RUN_BYTES_MAX);
}

static bool has_lone_quote(const char *text)
{
	bool open = false;

	for (; *text; text++)
		open ^= *text == '"';
	return open;
}

/* Behind a word "--" the kernel reads nothing, and what netlab adds would be lost. */
static bool has_dashes(const char *text)
{
	for (const char *at = text; (at = strstr(at, "--")); at += 2)
		if ((at == text || at[-1] == ' ') && (at[2] == ' ' || !at[2]))
			return true;
	return false;
}

static void read_arguments(struct reader *reader, const char *what,
			   const struct node *node, void *into)
{
	struct guest *guest = into;
	const char *text = read_line(reader, what, node);

	if (!text)
		return;
	if (strlen(text) > GUEST_ARGUMENTS_MAX)
		report_add(reader->reports, node->at, "%s: longer than %d bytes", what,
			   GUEST_ARGUMENTS_MAX);
	if (has_lone_quote(text))
		report_add(reader->reports, node->at, "%s: a double quote is not closed",
			   what);
	if (has_dashes(text))
		report_add(reader->reports, node->at,
			   "%s: '--' ends the kernel's arguments; a command goes into "
			   "'run'",
			   what);
	free(guest->kernel_arguments);
	guest->kernel_arguments = xstrdup(text);
}

static void read_guest_kernel(struct reader *reader, const char *what,
			      const struct node *node, void *into)
{
	struct guest *guest = into;

	read_kernel(reader, what, node, &guest->kernel);
}

static const struct field guest_fields[] = {
	{"memory", read_memory, false, 0},
	{"cpus", read_cpus, false, 0},
	{"cpu", read_cpu, false, 0},
	{"machine", read_machine, false, 0},
	{"qemu", read_qemu, false, 0},
	{"root", read_guest_root, false, 0},
	{"files", read_files, false, 0},
	{"nics", read_nics, false, 0},
	{"run", read_run, false, 0},
	{"kernel", read_guest_kernel, false, 0},
	{"modules", read_modules, false, 0},
	{"kernel_arguments", read_arguments, false, 0},
	{"on_panic", read_on_panic, false, offsetof(struct guest, on_panic)},
	{NULL},
};

static void read_guest(struct reader *reader, const struct node *key,
		       const struct node *value)
{
	struct topology *topology = reader->topology;
	struct guest *guest = &topology->guests[topology->n_guests];
	const char *name = read_name(reader, "guest", key, &reader->guests, guest);

	if (!name)
		return;
	check_node_name(reader, "guest", key);
	topology->n_guests++;
	guest->at = key->at;
	guest->name = xstrdup(name);
	guest->memory = GUEST_MEMORY_DEFAULT;
	guest->cpus = 1;
	guest->cpu = xstrdup(GUEST_CPU_DEFAULT);
	disk_choice_init(&guest->disk);
	kernel_choice_copy(&guest->kernel, &reader->kernel);
	guest->on_panic = reader->on_panic;
	read_mapping(reader, "a guest", value, guest_fields, guest);
	check_root(reader, guest);
}

void read_guests(struct reader *reader, const char *what, const struct node *node,
		 void *into)
{
	struct topology *topology = into;

	if (!is_mapping(reader, what, node))
		return;
	topology->guests = xcalloc(node->n_items / 2, sizeof(*topology->guests));
	for (size_t i = 0; i + 1 < node->n_items; i += 2)
		read_guest(reader, node->items[i], node->items[i + 1]);
	derive_taps(reader);
}
