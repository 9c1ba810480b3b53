// SPDX-License-Identifier: GPL-2.0-or-later
/* Which kernel a guest boots. */
#include "topology/optimize.h"
#include "topology/reader.h"
#include "util/string.h"

void kernel_choice_deinit(struct kernel_choice *choice)
{
	free(choice->flavour);
	free(choice->version);
	strv_free(choice->optimize);
	free(choice->source);
	free(choice->vmlinux);
	free(choice->bzimage);
	free(choice->modules);
	*choice = (struct kernel_choice){0};
}

void kernel_choice_copy(struct kernel_choice *to, const struct kernel_choice *from)
{
	*to = (struct kernel_choice){
		.flavour = xstrdup(from->flavour),
		.version = xstrdup(from->version),
		.optimize = strv_copy(from->optimize),
		.in_place = from->in_place,
		.source = xstrdup(from->source),
		.vmlinux = xstrdup(from->vmlinux),
		.bzimage = xstrdup(from->bzimage),
		.modules = xstrdup(from->modules),
		.at = from->at,
	};
}

static void read_flavour(struct reader *reader, const char *what, const struct node *node,
			 void *into)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+";
	struct kernel_choice *choice = into;
	const char *text = read_text(reader, what, node);

	if (!text)
		return;
	if (!*text || text[strspn(text, allowed)] || strlen(text) > LAB_NAME_MAX)
		report_add(
			reader->reports, node->at,
			"%s: '%s' is no flavour of a kernel: that is 1 to %d of letters, "
			"digits and '-', and '+' between several",
			what, text, LAB_NAME_MAX);
	choice->flavour = xstrdup(text);
}

static void read_version(struct reader *reader, const char *what, const struct node *node,
			 void *into)
{
	struct kernel_choice *choice = into;
	const char *text = read_line(reader, what, node);

	if (text && text[strspn(text, "0123456789.")])
		report_add(reader->reports, node->at,
			   "%s: '%s' is no version of a kernel, as 6.12 is", what, text);
	choice->version = xstrdup(text);
}

static void read_level(struct reader *reader, const struct node *directory,
		       const struct node *level, struct kernel_choice *choice)
{
	const char *left = read_line(reader, "optimize", directory);
	const char *right = read_line(reader, "optimize", level);
	_cleanup_free_ char *word = NULL;
	struct error *error;

	if (!left || !right)
		return;
	word = xasprintf("%s=%s", left, right);
	error = optimize_check(word);
	if (error)
		report_error(reader->reports, directory->at, "optimize", error);
	else
		strv_push(&choice->optimize, steal_ptr(word));
}

/* {net/ipv4: O1} */
static void read_optimize(struct reader *reader, const char *what,
			  const struct node *node, void *into)
{
	if (!is_mapping(reader, what, node))
		return;
	for (size_t i = 0; i + 1 < node->n_items; i += 2)
		read_level(reader, node->items[i], node->items[i + 1], into);
}

static const struct field kernel_fields[] = {
	{"flavour", read_flavour, false, 0},
	{"version", read_version, false, 0},
	{"source", read_file_path, false, offsetof(struct kernel_choice, source)},
	{"optimize", read_optimize, false, 0},
	{"in_place", read_switch, false, offsetof(struct kernel_choice, in_place)},
	{"vmlinux", read_file_path, false, offsetof(struct kernel_choice, vmlinux)},
	{"bzimage", read_file_path, false, offsetof(struct kernel_choice, bzimage)},
	{"modules", read_file_path, false, offsetof(struct kernel_choice, modules)},
	{NULL},
};

static const char *kernel_fault(const struct kernel_choice *choice)
{
	if (choice->vmlinux && (choice->flavour || choice->source || choice->version ||
				choice->optimize || choice->in_place))
		return "'vmlinux' is a kernel that is built already: nothing that says "
		       "how to build one goes with it";
	if (choice->source && choice->version)
		return "'source' is a tree of one version: 'version' doesn't go with it";
	if (choice->in_place && !choice->source)
		return "'in_place' needs the 'source' that is to be built in itself";
	if (choice->in_place && choice->flavour)
		return "'in_place' builds the tree as it is configured: 'flavour' "
		       "doesn't "
		       "go with it";
	if (choice->bzimage && !choice->vmlinux)
		return "'bzimage' needs the 'vmlinux' that it was made from";
	if (choice->modules && !choice->vmlinux)
		return "'modules' needs the 'vmlinux' that they were built for; others "
		       "are "
		       "a guest's";
	if (!choice->vmlinux && !choice->flavour && !choice->source && !choice->version &&
	    !choice->optimize)
		return "it needs 'flavour', 'source' or 'vmlinux'";
	return NULL;
}

static void read_kernel_mapping(struct reader *reader, const char *what,
				const struct node *node, struct kernel_choice *choice)
{
	size_t before = reader->reports->found;
	const char *fault;

	read_mapping(reader, "a kernel", node, kernel_fields, choice);
	fault = reader->reports->found == before ? kernel_fault(choice) : NULL;
	if (fault)
		report_add(reader->reports, node->at, "%s: %s", what, fault);
	if (!choice->vmlinux && !choice->flavour && !choice->in_place)
		choice->flavour = xstrdup(KERNEL_DEFAULT);
}

void read_kernel(struct reader *reader, const char *what, const struct node *node,
		 void *into)
{
	struct kernel_choice *choice = into;

	kernel_choice_deinit(choice);
	choice->at = node->at;
	switch (node->kind) {
	case NODE_SCALAR:
		read_flavour(reader, what, node, choice);
		break;
	case NODE_MAPPING:
		read_kernel_mapping(reader, what, node, choice);
		break;
	case NODE_SEQUENCE:
		report_add(reader->reports, node->at,
			   "%s: a flavour or a mapping is wanted here, not a list", what);
		break;
	}
}
