// SPDX-License-Identifier: GPL-2.0-or-later
/* The file as a whole, and its keys that are of no other file. */
#include <assert.h>
#include <libgen.h>
#include <unistd.h>

#include "topology/override.h"
#include "topology/routing.h"
#include "util/string.h"

static void read_lab_name(struct reader *reader, const char *what,
			  const struct node *node, void *into)
{
	struct topology *topology = into;
	const char *text = read_text(reader, what, node);

	if (!text)
		return;
	if (!lab_name_valid(text))
		report_add(
			reader->reports, node->at,
			"%s: '%s' is not 1 to %d of a-z, 0-9 and '-', beginning with a "
			"letter or digit",
			what, text, LAB_NAME_MAX);
	free(topology->name);
	topology->name = xstrdup(text);
}

static void read_default_kernel(struct reader *reader, const char *what,
				const struct node *node, void *into)
{
	(void)into;
	read_kernel(reader, what, node, &reader->kernel);
}

static const char *const netns_names[] = {
	[NETNS_LAB] = "lab",
	[NETNS_HOST] = "host",
};
static_assert(ARRAY_SIZE(netns_names) == NETNS_CHOICES, "a choice without a name");

const char *netns_choice_name(enum netns_choice netns)
{
	return netns_names[netns];
}

static const char *netns_word(unsigned netns)
{
	return netns_choice_name(netns);
}

static void read_netns(struct reader *reader, const char *what, const struct node *node,
		       void *into)
{
	struct topology *topology = into;
	unsigned netns = topology->netns;

	read_one_of(reader, what, node, netns_word, NETNS_CHOICES, &netns);
	topology->netns = netns;
}

static void read_default_on_panic(struct reader *reader, const char *what,
				  const struct node *node, void *into)
{
	(void)into;
	read_on_panic(reader, what, node, &reader->on_panic);
}

static void read_lab_routes(struct reader *reader, const char *what,
			    const struct node *node, void *into)
{
	struct topology *topology = into;

	read_routes(reader, what, node, &topology->routes, &topology->n_routes);
}

static void read_lab_neighbours(struct reader *reader, const char *what,
				const struct node *node, void *into)
{
	struct topology *topology = into;

	read_neighbours(reader, what, node, &topology->neighbours,
			&topology->n_neighbours);
}

static const struct field topology_fields[] = {
	{"name", read_lab_name, false, 0},
	{"netns", read_netns, false, 0},
	{"lockstep", read_switch, false, offsetof(struct topology, lockstep)},
	{"hold_host", read_switch, false, offsetof(struct topology, hold_host)},
	{"kernel", read_default_kernel, false, 0},
	{"on_panic", read_default_on_panic, false, 0},
	{"bridges", read_bridges, false, 0},
	{"links", read_lab_links, false, 0},
	{"guests", read_guests, false, 0},
	{"hosts", read_hosts, false, 0},
	{"routes", read_lab_routes, false, 0},
	{"neighbours", read_lab_neighbours, false, 0},
	{"sysctls", read_sysctls, false, offsetof(struct topology, sysctls)},
	{"capture", read_capture, false, 0},
	{"drive", read_drive, false, 0},
	{"debug", read_debug, false, 0},
	{NULL},
};

bool topology_has_key(const char *key)
{
	for (const struct field *field = topology_fields; field->key; field++)
		if (streq(field->key, key))
			return true;
	return false;
}

static void reader_deinit(struct reader *reader)
{
	free(reader->directory);
	kernel_choice_deinit(&reader->kernel);
	names_deinit(&reader->bridges);
	names_deinit(&reader->guests);
	names_deinit(&reader->hosts);
	names_deinit(&reader->virtuals);
	names_deinit(&reader->links);
	names_deinit(&reader->addresses);
	names_deinit(&reader->macs);
	free(reader->ports);
	sources_deinit(&reader->lab);
	for (size_t i = 0; reader->host && i < reader->topology->n_hosts; i++)
		sources_deinit(&reader->host[i]);
	free(reader->host);
}

static char *absolute_directory(const char *file)
{
	_cleanup_free_ char *copy = xstrdup(file), *here = NULL;
	const char *directory = dirname(copy);

	if (*directory == '/')
		return xstrdup(directory);
	here = getcwd(NULL, 0);
	return streq(directory, ".") ? xstrdup(here ?: "")
				     : xasprintf("%s/%s", here ?: "", directory);
}

/* "labs/tcp-receive.yaml" makes a lab tcp-receive. */
static char *name_of_file(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *name = xstrdup(slash ? slash + 1 : file);
	char *dot = strrchr(name, '.');

	if (dot && (streq(dot, ".yaml") || streq(dot, ".yml")))
		*dot = '\0';
	return name;
}

static bool has_nodes(const struct topology *topology)
{
	return topology->n_bridges || topology->n_guests || topology->n_hosts ||
	       topology->n_virtuals;
}

static void read_root(struct reader *reader, const struct node *root)
{
	struct topology *topology = reader->topology;

	topology->name = name_of_file(topology->file);
	if (!node_value(root, "name") && !lab_name_valid(topology->name))
		report_add(
			reader->reports, (struct location){0},
			"the file's name does not make a name for the lab; give it one "
			"of a-z, 0-9 and '-' by the key 'name'");
	reader->lab.node = root;
	read_mapping(reader, "a topology", root, topology_fields, topology);
	check_nodes(reader);
	derive_macs(reader);
	if (!has_nodes(topology) && !reader->reports->found)
		report_add(
			reader->reports, root->at,
			"a topology needs bridges, guests, hosts or links; this one has "
			"none");
}

static struct topology *read_topology(const char *file, const struct node *root,
				      struct reports *reports)
{
	_cleanup_topology_ struct topology *topology = xcalloc(1, sizeof(*topology));
	_cleanup_(reader_deinit) struct reader reader = {
		.reports = reports,
		.topology = topology,
		.directory = absolute_directory(file),
		.kernel.flavour = xstrdup(KERNEL_DEFAULT),
	};

	topology->file = xstrdup(file);
	topology->lockstep = true;
	topology->hold_host = true;
	read_root(&reader, root);
	return reports->found ? NULL : steal_ptr(topology);
}

struct topology *topology_read(const char *file, struct reports *reports)
{
	_cleanup_yaml_ struct yaml yaml = {0};
	struct topology *topology = NULL;

	yaml_parse(&yaml, reports);
	if (!yaml.root && !reports->found)
		report_add(reports, (struct location){0}, "the file is empty");
	if (!reports->found)
		overrides_apply(&yaml, reports);
	if (!reports->found)
		topology = read_topology(file, yaml.root, reports);
	reports_sort(reports);
	return topology;
}
