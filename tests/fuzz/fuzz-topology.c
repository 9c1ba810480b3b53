// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a topology file: it is refused with reports, or has a plan and traffic. */
#include <stddef.h>
#include <stdint.h>

#include "fuzz.h"
#include "topology/iplines.h"
#include "topology/plan.h"
#include "topology/reader.h"
#include "topology/text.h"
#include "util/lines.h"
#include "util/string.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* What people are shown is printable text. */
static void check_message(const struct error *error)
{
	must(error->code > 0 && *error->message);
	must(utf8_valid(error->message, strlen(error->message)));
	must(!strchr(error->message, '\033'));
}

static void check_round_trip(const struct drive_spec *spec)
{
	_cleanup_json_ json_t *json = drive_spec_to_json(spec), *again = NULL;
	_cleanup_drive_spec_ struct drive_spec back = {0};
	_cleanup_error_ struct error *error = drive_spec_from_json(json, &back);

	must(!error);
	again = drive_spec_to_json(&back);
	must(json_equal(json, again));
}

static void check_drive(const struct topology *topology, const struct drive_spec *spec)
{
	struct address address;
	_cleanup_error_ struct error *error =
		topology_resolve(topology, &spec->to, &address);

	must(!error);
	check_round_trip(spec);
}

/* A link that @link needs, and which is made before it. */
static const struct planned_link *check_before(const struct plan *plan,
					       const struct planned_link *link,
					       const char *name)
{
	const struct planned_link *needed = plan_link_of(plan, link->node, name);

	must(needed && needed < link);
	return needed;
}

static void check_peer(const struct plan *plan, size_t i)
{
	const struct planned_link *link = &plan->links[i];

	must((link->peer == PLAN_NO_PEER) == (link->kind != LINK_VETH));
	if (link->peer == PLAN_NO_PEER)
		return;
	must(link->peer == i + 1 || link->peer + 1 == i);
	must(link->peer < plan->n_links && plan->links[link->peer].peer == i);
}

static void check_impairment(const struct impairment *impairment)
{
	must(impairment->jitter_ns <= impairment->delay_ns);
	must(impairment->loss >= 0 && impairment->loss <= 100);
	must(impairment->rate <= IMPAIR_RATE_MAX);
}

static void check_link(const struct plan *plan, size_t i)
{
	const struct planned_link *link = &plan->links[i];

	must(link->node < plan->n_nodes && *link->name);
	must(plan_link_of(plan, link->node, link->name) == link);
	if (*link->master)
		must(check_before(plan, link, link->master)->kind == LINK_BRIDGE);
	if (*link->lower)
		check_before(plan, link, link->lower);
	check_peer(plan, i);
	check_impairment(&link->settings.impair);
	check_impairment(&link->impair_in);
	for (size_t j = 0; j < link->n_addresses; j++)
		must(link->addresses[j].family != 0);
}

static void check_node(const struct plan *plan, size_t i)
{
	const struct planned_node *node = &plan->nodes[i];

	strv_foreach (sysctl, node->sysctls)
		must(string_after(*sysctl, "net.") && !strstr(*sysctl, "/../"));
	for (size_t j = 0; j < node->n_routes && j < 50; j++) {
		const struct route *route = &node->routes[j];

		must(route->has_via || *route->device);
		must(!route->has_via || route->via.family == route->to.family);
		must(!*route->device || plan_link_of(plan, i, route->device));
	}
	for (size_t j = 0; j < node->n_neighbours && j < 50; j++)
		must(plan_link_of(plan, i, node->neighbours[j].device) != NULL);
}

static void check_topology(const struct topology *topology)
{
	_cleanup_plan_ struct plan *plan = plan_new(topology);
	_cleanup_strv_ char **made = plan_to_ip(plan, topology->name, NULL);
	_cleanup_strv_ char **removed = plan_to_ip_removal(plan, topology->name);

	must(strv_length(made) > 0 || removed);
	must(lab_name_valid(topology->name));
	for (size_t i = 0; i < plan->n_links && i < 50; i++)
		check_link(plan, i);
	for (size_t i = 0; i < plan->n_nodes && i < 50; i++)
		check_node(plan, i);
	strv_foreach (link, topology->capture)
		must(plan_link(plan, *link) != NULL);
	for (size_t i = 0; i < topology->n_drives; i++)
		check_drive(topology, &topology->drives[i]);
	for (size_t i = 0; i < topology->n_debugs; i++)
		must(topology_guest(topology, topology->debugs[i].guest) != NULL);
}

/* What stands behind "#set " in lines of the file: for --set. */
static char **settings_in(const char *data, size_t size)
{
	_cleanup_free_ char *text = xstrndup(data, size);
	char *rest = text, *line;
	char **settings = NULL;

	while ((line = strsep(&rest, "\n")))
		if (string_after(line, "#set "))
			strv_push(&settings, xstrdup(string_after(line, "#set ")));
	return settings;
}

static struct error *parse(const char *data, size_t size, struct topology **topology)
{
	_cleanup_strv_ char **settings = settings_in(data, size);
	_cleanup_reports_ struct reports reports = {
		.file = "fuzz.yaml", .text = data, .size = size, .settings = settings};

	if (!settings)
		return topology_parse("fuzz.yaml", data, size, topology);
	*topology = topology_read("fuzz.yaml", &reports);
	return reports_error(&reports);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_topology_ struct topology *topology = NULL;
	_cleanup_error_ struct error *error = parse((const char *)data, size, &topology);

	must((error != NULL) == (topology == NULL));
	if (error)
		check_message(error);
	else
		check_topology(topology);
	return 0;
}
