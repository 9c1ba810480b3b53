// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/topology.h"

#include <errno.h>
#include <sys/stat.h>

#include "topology/reader.h"
#include "util/file.h"
#include "util/string.h"

/* A FIFO would never end, a folder never begin. */
static struct error *read_regular(const char *path, char **text, size_t *size)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return error_errno(errno, "%s", path);
	if (S_ISDIR(st.st_mode))
		return error_errno(EISDIR, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_new(EINVAL, "%s: not a regular file", path);
	return file_read(path, TOPOLOGY_SIZE_LIMIT, text, size);
}

/* @error's message begins with the path, which a report has of itself. */
static void report_unreadable(struct reports *reports, struct error *error)
{
	_cleanup_error_ struct error *owned = error;
	const char *what = string_after(owned->message, reports->file);

	reports->code = owned->code;
	report_add(reports, (struct location){0}, "%s",
		   what ? string_after(what, ": ") ?: what : owned->message);
}

struct topology *topology_check(const char *path, struct reports *reports)
{
	_cleanup_free_ char *text = NULL;
	struct topology *topology = NULL;
	struct error *error = read_regular(path, &text, &reports->size);

	reports->file = path;
	reports->text = text;
	if (error)
		report_unreadable(reports, error);
	else
		topology = topology_read(path, reports);
	reports->text = NULL;
	reports->size = 0;
	return topology;
}

struct error *topology_load_set(const char *path, char *const *settings,
				struct topology **topology)
{
	_cleanup_reports_ struct reports reports = {.settings = settings};
	struct topology *loaded = topology_check(path, &reports);

	if (!loaded)
		return reports_error(&reports);
	*topology = loaded;
	return NULL;
}

struct error *topology_load(const char *path, struct topology **topology)
{
	return topology_load_set(path, NULL, topology);
}

struct error *topology_parse(const char *file, const char *text, size_t size,
			     struct topology **topology)
{
	_cleanup_reports_ struct reports reports = {
		.file = file, .text = text, .size = size};
	struct topology *parsed;

	if (size > TOPOLOGY_SIZE_LIMIT)
		return error_new(EFBIG, "%s: larger than %u bytes", file,
				 TOPOLOGY_SIZE_LIMIT);
	parsed = topology_read(file, &reports);
	if (!parsed)
		return reports_error(&reports);
	*topology = parsed;
	return NULL;
}

static void port_vlans_deinit(struct port_vlans *vlans)
{
	free(vlans->untagged);
	free(vlans->tagged);
}

static void bridge_deinit(struct bridge *bridge)
{
	free(bridge->name);
	free(bridge->addresses);
	port_vlans_deinit(&bridge->bridge.self);
}

static void nic_deinit(struct nic *nic)
{
	free(nic->model);
	free(nic->bridge);
	free(nic->addresses);
	free(nic->host_addresses);
	port_vlans_deinit(&nic->vlans);
}

static void guest_deinit(struct guest *guest)
{
	for (size_t i = 0; i < guest->n_nics; i++)
		nic_deinit(&guest->nics[i]);
	free(guest->nics);
	free(guest->name);
	strv_free(guest->run);
	for (size_t i = 0; i < guest->n_modules; i++)
		module_deinit(&guest->modules[i]);
	free(guest->modules);
	free(guest->kernel_arguments);
	free(guest->cpu);
	strv_free(guest->qemu);
	root_deinit(guest);
	kernel_choice_deinit(&guest->kernel);
}

static void virtuals_free(struct virtual_link *links, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(links[i].name);
		free(links[i].lower);
		free(links[i].bridge);
		free(links[i].owner);
		free(links[i].addresses);
		port_vlans_deinit(&links[i].vlans);
	}
	free(links);
}

static void host_deinit(struct host *host)
{
	for (size_t i = 0; i < host->n_links; i++) {
		free(host->links[i].name);
		free(host->links[i].bridge);
		free(host->links[i].addresses);
		port_vlans_deinit(&host->links[i].vlans);
	}
	free(host->links);
	virtuals_free(host->virtuals, host->n_virtuals);
	free(host->name);
	free(host->routes);
	free(host->neighbours);
	strv_free(host->sysctls);
}

static void free_parts(struct topology *topology)
{
	for (size_t i = 0; i < topology->n_bridges; i++)
		bridge_deinit(&topology->bridges[i]);
	for (size_t i = 0; i < topology->n_guests; i++)
		guest_deinit(&topology->guests[i]);
	for (size_t i = 0; i < topology->n_hosts; i++)
		host_deinit(&topology->hosts[i]);
	virtuals_free(topology->virtuals, topology->n_virtuals);
	for (size_t i = 0; i < topology->n_drives; i++)
		drive_spec_deinit(&topology->drives[i]);
	for (size_t i = 0; i < topology->n_debugs; i++) {
		free(topology->debugs[i].guest);
		free(topology->debugs[i].at);
	}
}

void topology_free(struct topology *topology)
{
	if (!topology)
		return;
	free_parts(topology);
	free(topology->file);
	free(topology->name);
	free(topology->bridges);
	free(topology->guests);
	free(topology->hosts);
	free(topology->routes);
	free(topology->neighbours);
	strv_free(topology->sysctls);
	strv_free(topology->capture);
	free(topology->drives);
	free(topology->debugs);
	free(topology);
}

const struct guest *topology_guest(const struct topology *topology, const char *name)
{
	for (size_t i = 0; i < topology->n_guests; i++)
		if (streq(topology->guests[i].name, name))
			return &topology->guests[i];
	return NULL;
}

const struct bridge *topology_bridge(const struct topology *topology, const char *name)
{
	for (size_t i = 0; i < topology->n_bridges; i++)
		if (streq(topology->bridges[i].name, name))
			return &topology->bridges[i];
	return NULL;
}

static bool nic_address(const struct nic *nic, int family, struct address *address)
{
	for (size_t i = 0; i < nic->n_addresses; i++) {
		if (family != AF_UNSPEC && nic->addresses[i].family != family)
			continue;
		*address = nic->addresses[i];
		return true;
	}
	return false;
}

bool guest_address(const struct guest *guest, int family, struct address *address)
{
	for (size_t i = 0; i < guest->n_nics; i++)
		if (nic_address(&guest->nics[i], family, address))
			return true;
	return false;
}

static struct error *no_such_guest(const struct topology *topology, const char *name)
{
	_cleanup_(names_deinit) struct names names = {0};
	_cleanup_free_ char *near = NULL;

	for (size_t i = 0; i < topology->n_guests; i++)
		names_add(&names, topology->guests[i].name, (struct location){0}, NULL);
	near = names_suggest(&names, name);
	return error_new(ENOENT, "no guest '%s' in %s%s", name, topology->file, near);
}

struct error *topology_resolve(const struct topology *topology,
			       const struct drive_target *target, struct address *address)
{
	const struct guest *guest = topology_guest(topology, target->guest);

	if (!guest)
		return no_such_guest(topology, target->guest);
	if (!guest_address(guest, target->family, address))
		return error_new(
			EADDRNOTAVAIL, "guest '%s' has no address%s%s", target->guest,
			target->family == AF_UNSPEC ? "" : " of family ",
			target->family == AF_UNSPEC ? "" : family_name(target->family));
	return NULL;
}

bool lab_name_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t length = strlen(name);

	return length >= 1 && length <= LAB_NAME_MAX && *name != '-' &&
	       strspn(name, allowed) == length;
}
