// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel modules of a guest. */
#include <assert.h>

#include "topology/reader.h"
#include "topology/text.h"
#include "util/string.h"

void module_deinit(struct module *module)
{
	free(module->name);
	free(module->path);
	strv_free(module->parameters);
}

static bool is_module_name(const char *text)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-_";

	return *text != '-' && strlen(text) <= MODULE_NAME_MAX &&
	       !text[strspn(text, allowed)];
}

/* What has a slash in it is a folder of the user's own, as a command's name is for a shell. */
static void read_what(struct reader *reader, const char *what, const struct node *node,
		      struct module *module)
{
	const char *text = read_line(reader, what, node);

	if (!text)
		return;
	if (strchr(text, '/'))
		module->path = *text == '/' ? xstrdup(text)
					    : xasprintf("%s/%s", reader->directory, text);
	else if (is_module_name(text))
		module->name = xstrdup(text);
	else
		report_add(reader->reports, node->at,
			   "%s: '%s' is neither the name of a module nor, with a '/' in "
			   "it, a folder",
			   what, text);
}

static void read_module_name(struct reader *reader, const char *what,
			     const struct node *node, void *into)
{
	struct module *module = into;
	const char *text = read_line(reader, what, node);

	if (text && !is_module_name(text))
		report_add(reader->reports, node->at, "%s: '%s' is no name of a module",
			   what, text);
	module->name = xstrdup(text);
}

/* The kernel splits what it is given at blanks, and knows quotes but no escape for them. */
static void read_parameter(struct reader *reader, const struct node *key,
			   const struct node *value, struct module *module)
{
	const char *name = read_line(reader, "parameters", key);
	const char *text = name ? read_text(reader, name, value) : NULL;

	if (!text)
		return;
	if (!is_module_name(name))
		report_add(reader->reports, key->at,
			   "parameters: '%s' is no name of a parameter", name);
	else if (strpbrk(text, " \t\"") || text_has_control(text) ||
		 strlen(text) > MODULE_VALUE_MAX)
		report_add(reader->reports, value->at,
			   "%s: a parameter's value has no blanks, quotes or control "
			   "characters, and at most %d bytes",
			   name, MODULE_VALUE_MAX);
	else
		strv_pushf(&module->parameters, "%s=%s", name, text);
}

static void read_parameters(struct reader *reader, const char *what,
			    const struct node *node, void *into)
{
	if (!is_mapping(reader, what, node))
		return;
	for (size_t i = 0; i + 1 < node->n_items; i += 2)
		read_parameter(reader, node->items[i], node->items[i + 1], into);
}

static const char *load_name(unsigned value)
{
	static const char *const names[] = {
		[MODULE_BOOT] = "boot", [MODULE_LATER] = "later"};

	static_assert(ARRAY_SIZE(names) == MODULE_LOADS, "a time without a name");
	return names[value];
}

static void read_load(struct reader *reader, const char *what, const struct node *node,
		      void *into)
{
	struct module *module = into;
	unsigned value = module->load;

	read_one_of(reader, what, node, load_name, MODULE_LOADS, &value);
	module->load = value;
}

static const struct field module_fields[] = {
	{"name", read_module_name, false, 0},
	{"path", read_file_path, false, offsetof(struct module, path)},
	{"parameters", read_parameters, false, 0},
	{"load", read_load, false, 0},
	{NULL},
};

static void read_module(struct reader *reader, const struct node *node,
			struct module *module)
{
	size_t before = reader->reports->found;

	module->at = node->at;
	if (node->kind != NODE_MAPPING) {
		read_what(reader, "modules", node, module);
		return;
	}
	read_mapping(reader, "a module", node, module_fields, module);
	if (reader->reports->found == before && !module->name == !module->path)
		report_add(reader->reports, node->at,
			   "modules: a module has either a 'name' or a 'path'");
	else if (reader->reports->found == before && module->load == MODULE_LATER &&
		 module->parameters)
		report_add(reader->reports, node->at,
			   "modules: whoever loads it later gives its parameters");
}

void read_modules(struct reader *reader, const char *what, const struct node *node,
		  void *into)
{
	struct guest *guest = into;

	if (!is_list(reader, what, node))
		return;
	if (node->n_items > GUEST_MODULES_MAX) {
		report_add(reader->reports, node->items[GUEST_MODULES_MAX]->at,
			   "%s: %zu are more than the %d that a guest may have", what,
			   node->n_items, GUEST_MODULES_MAX);
		return;
	}
	guest->n_modules = node->n_items;
	guest->modules = xcalloc(guest->n_modules, sizeof(*guest->modules));
	for (size_t i = 0; i < guest->n_modules; i++)
		read_module(reader, node->items[i], &guest->modules[i]);
}
