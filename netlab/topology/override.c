// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/override.h"

#include "topology/reader.h"
#include "util/string.h"

/* One setting that is being carried out. */
struct override {
	struct yaml *yaml;
	struct reports *reports;
	struct location at; /* of the last node of the file on its way */
	struct node *value;
	unsigned depth; /* of the node that is being changed */
};

static void place_at(struct override *override, const struct node *node)
{
	override->at.line = node->at.line;
	override->at.column = node->at.column;
}

/* An alias and its anchor share what is below them: what is changed is a copy. */
static struct node *copy_node(struct override *override, struct node **slot)
{
	struct node *old = *slot;
	struct node *copy = yaml_add(override->yaml,
				     old->is_null ? NODE_MAPPING : old->kind, old->at);

	for (size_t i = 0; i < old->n_items; i++)
		node_push(copy, old->items[i]);
	return *slot = copy;
}

static struct node *new_key(struct override *override, const char *text, size_t length)
{
	struct node *key = yaml_add(override->yaml, NODE_SCALAR, override->at);

	key->text = xstrndup(text, length);
	key->length = length;
	return key;
}

static bool is_key(const struct node *key, const char *path, size_t length)
{
	return key->kind == NODE_SCALAR && key->length == length && length &&
	       memcmp(key->text, path, length) == 0;
}

/* How much of @path is a key of @mapping: "eth0.5" before "eth0". *@i: where. 0: none is. */
static size_t known_key(const struct node *mapping, const char *path, size_t *i)
{
	for (size_t n = strlen(path); n; n--) {
		if (path[n] && path[n] != '.')
			continue;
		for (*i = 0; *i + 1 < mapping->n_items; *i += 2)
			if (is_key(mapping->items[*i], path, n))
				return n;
	}
	return 0;
}

static void set_below(struct override *override, struct node **slot, const char *path);

/* Goes on in *@slot, with what stands behind the @n bytes of @path. */
static void go_on(struct override *override, struct node **slot, const char *path,
		  size_t n)
{
	if (!path[n])
		*slot = override->value;
	else
		set_below(override, slot, path + n + 1);
}

static void set_in_mapping(struct override *override, struct node *mapping,
			   const char *path)
{
	size_t i, n = known_key(mapping, path, &i);

	if (!n) {
		n = strcspn(path, ".");
		i = mapping->n_items;
		node_push(mapping, new_key(override, path, n));
		node_push(mapping, yaml_add(override->yaml, NODE_MAPPING, override->at));
	}
	go_on(override, &mapping->items[i + 1], path, n);
}

static void set_in_list(struct override *override, struct node *list, const char *path)
{
	size_t n = strcspn(path, ".");
	_cleanup_free_ char *word = xstrndup(path, n);
	uint64_t i = 0;
	struct error *error = count_parse(word, 0, list->n_items, &i);

	if (error) {
		report_add(override->reports, override->at,
			   "'%s' is no position in a list of %zu; the first is 0", word,
			   list->n_items);
		error_free(error);
		return;
	}
	if (i == list->n_items)
		node_push(list, yaml_add(override->yaml, NODE_MAPPING, override->at));
	go_on(override, &list->items[i], path, n);
}

static void set_below(struct override *override, struct node **slot, const char *path)
{
	size_t n = strcspn(path, ".");

	place_at(override, *slot);
	if (!n)
		report_add(override->reports, override->at,
			   "a key is missing before '.' or '='");
	else if (override->depth++ == YAML_DEPTH_MAX)
		report_add(override->reports, override->at, "nested more than %d deep",
			   YAML_DEPTH_MAX);
	else if ((*slot)->kind == NODE_SCALAR && !(*slot)->is_null)
		report_add(override->reports, override->at,
			   "there is no '%.*s' below the text '%s'", (int)n, path,
			   (*slot)->text);
	else if ((*slot)->kind == NODE_SEQUENCE)
		set_in_list(override, copy_node(override, slot), path);
	else
		set_in_mapping(override, copy_node(override, slot), path);
}

/* What libfyaml says of the value is said of the setting. */
static void pass_reports(struct override *override, const struct reports *from)
{
	for (size_t i = 0; i < from->n; i++)
		report_add(override->reports, override->at, "%s", from->list[i].message);
}

static struct node *parse_value(struct override *override, const char *text)
{
	_cleanup_reports_ struct reports reports = {.text = text, .size = strlen(text)};
	struct yaml *yaml = override->yaml;
	struct node *root = steal_ptr(yaml->root), *value;
	size_t first = yaml->n_nodes;

	yaml_parse(yaml, &reports);
	pass_reports(override, &reports);
	value = yaml->root;
	yaml->root = root;
	if (!value) {
		value = yaml_add(yaml, NODE_SCALAR, override->at);
		value->text = xstrdup("");
		value->is_null = true;
	}
	for (size_t i = first; i < yaml->n_nodes; i++)
		yaml->nodes[i]->at = override->at;
	return value;
}

/* Where "server.cpus" begins: "guests." or "hosts.", or nothing. */
static const char *prefix_of(const struct node *root, const char *path)
{
	static const char *const sections[] = {"guests", "hosts"};
	_cleanup_free_ char *first = xstrndup(path, strcspn(path, "."));

	if (topology_has_key(first))
		return "";
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		const struct node *section = node_value(root, sections[i]);

		if (section && node_value(section, first))
			return i == 0 ? "guests." : "hosts.";
	}
	return "";
}

/* What is set says so wherever it is reported; on the way, where in the file it goes to. */
static void stamp(struct yaml *yaml, size_t first, struct location at)
{
	for (size_t i = first; i < yaml->n_nodes; i++)
		if (yaml->nodes[i]->at.set)
			yaml->nodes[i]->at = at;
}

static void apply(struct yaml *yaml, struct reports *reports, unsigned number)
{
	const char *setting = reports->settings[number - 1];
	const char *equals = strchr(setting, '=');
	struct override override = {.yaml = yaml, .reports = reports, .at.set = number};
	_cleanup_free_ char *words = NULL, *path = NULL;
	size_t first = yaml->n_nodes;

	if (!equals) {
		report_add(reports, override.at,
			   "PATH=VALUE is wanted, as in "
			   "server.memory=512M");
		return;
	}
	words = xstrndup(setting, equals - setting);
	path = xasprintf("%s%s", prefix_of(yaml->root, words), words);
	override.value = parse_value(&override, equals + 1);
	set_below(&override, &yaml->root, path);
	stamp(yaml, first, override.at);
}

void overrides_apply(struct yaml *yaml, struct reports *reports)
{
	unsigned number = 0;

	strv_foreach (setting, reports->settings)
		apply(yaml, reports, ++number);
}
