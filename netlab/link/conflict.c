// SPDX-License-Identifier: GPL-2.0-or-later
/* What is there already, in a network namespace where not all links are the lab's. */
#include <dirent.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/stat.h>

#include "link/build.h"
#include "link/owner.h"
#include "util/file.h"
#include "util/log.h"
#include "util/string.h"

#define PROC_FILE_MOST 4096 /* bytes that are read of one of /proc's */
#define SHOWN_MOST     64   /* bytes of another's alias or name that are shown */

/* --- who holds a TAP --------------------------------------------------------------------- */

static char *proc_text(const char *pid, const char *file)
{
	_cleanup_free_ char *path = xasprintf("/proc/%s/%s", pid, file);
	char *text = NULL;

	error_ignore(file_read(path, PROC_FILE_MOST, &text, NULL));
	return text;
}

static bool shares_namespace(const char *pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%s/ns/net", pid);
	struct stat ours, theirs;

	return stat("/proc/self/ns/net", &ours) == 0 && stat(path, &theirs) == 0 &&
	       ours.st_ino == theirs.st_ino;
}

/* The TUN driver says in /proc/PID/fdinfo/N, as "iff:", which link a descriptor holds. */
static bool holds_tap(const char *pid, const char *name)
{
	_cleanup_free_ char *folder = xasprintf("/proc/%s/fdinfo", pid);
	_cleanup_free_ char *line = xasprintf("\niff:\t%s\n", name);
	_cleanup_closedir_ DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		_cleanup_free_ char *file = xasprintf("fdinfo/%s", entry->d_name);
		_cleanup_free_ char *text = *entry->d_name == '.' ? NULL
								  : proc_text(pid, file);

		if (text && strstr(text, line))
			return true;
	}
	return false;
}

/* ", held by process 7 (qemu-system-x86)", or "" where none is found. A new string. */
static char *holder_text(const char *name)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		_cleanup_free_ char *comm = NULL, *shown = NULL;

		if (*entry->d_name < '1' || *entry->d_name > '9' ||
		    !shares_namespace(entry->d_name) || !holds_tap(entry->d_name, name))
			continue;
		comm = proc_text(entry->d_name, "comm");
		if (comm)
			comm[strcspn(comm, "\n")] = '\0';
		shown = printable(comm ?: "", SHOWN_MOST);
		return xasprintf(", held by process %s (%s)", entry->d_name, shown);
	}
	return xstrdup("");
}

/* --- whose a link is --------------------------------------------------------------------- */

static char *kind_text(struct rtnl_link *link)
{
	const char *kind = rtnl_link_get_type(link);

	if (!kind)
		return xstrdup("a link");
	if (streq(kind, "tun"))
		return xstrdup("a TAP or TUN");
	return xasprintf("a link of kind '%s'", kind);
}

static struct error *foreign(struct rtnl_link *link)
{
	const char *text = rtnl_link_get_ifalias(link);
	_cleanup_free_ char *kind = kind_text(link);
	_cleanup_free_ char *shown = printable(text ?: "", SHOWN_MOST);
	_cleanup_free_ char *alias = text ? xasprintf(", with the alias '%s'", shown)
					  : xstrdup("");
	_cleanup_free_ char *holder = holder_text(rtnl_link_get_name(link));

	return error_hint(
		error_new(EEXIST,
			  "a link of that name exists already, which is not "
			  "netlab's: %s%s%s",
			  kind, alias, holder),
		"choose another name; what netlab did not make it leaves alone");
}

static struct error *taken(const struct build *build, struct rtnl_link *link)
{
	const char *alias = rtnl_link_get_ifalias(link);
	_cleanup_free_ char *kind = kind_text(link);
	char lab[LAB_NAME_MAX + 1];

	if (!alias || !owner_parse(alias, lab))
		return foreign(link);
	if (streq(lab, build->links->lab))
		return error_new(EEXIST, "this lab has a link of that name already");
	return error_hint(error_new(EEXIST,
				    "a link of that name exists already: %s of lab '%s'",
				    kind, lab),
			  "choose another name, or end that lab, which may be dead, with "
			  "'netlab down %s'",
			  lab);
}

static const struct link_job *find_job(const struct build *build, const char *name)
{
	for (size_t i = 0; i < build->n_jobs; i++)
		if (*build->jobs[i].alias && streq(build->jobs[i].made->name, name))
			return &build->jobs[i];
	return NULL;
}

static struct error *check_cache(const struct build *build, struct nl_cache *cache)
{
	for (struct nl_object *o = nl_cache_get_first(cache); o;
	     o = nl_cache_get_next(o)) {
		struct rtnl_link *link = (struct rtnl_link *)o;
		const struct link_job *job = find_job(build, rtnl_link_get_name(link));

		if (job)
			return locate(taken(build, link), build, job);
	}
	return NULL;
}

/* --- networks that are there already ----------------------------------------------------- */

static void warn_of_overlap(const struct link_job *job, const struct address *address,
			    struct rtnl_addr *present)
{
	char name[IFNAMSIZ] = "", ours[ADDRESS_TEXT_SIZE], theirs[ADDRESS_TEXT_SIZE];

	if_indextoname(rtnl_addr_get_ifindex(present), name);
	nl_addr2str(rtnl_addr_get_local(present), theirs, sizeof(theirs));
	log_warning(
		"%s: its network %s overlaps that of %s, %s: what is meant for one may "
		"go to the other",
		job->made->name, address_format(address, ours), name, theirs);
}

/* Link-local networks are everywhere; what an earlier links_build() made is the lab's own. */
static bool is_compared(const struct links *links, struct rtnl_addr *present)
{
	int index = rtnl_addr_get_ifindex(present);

	for (size_t i = 0; i < links->n_made; i++)
		if (links->made[i].node == PLAN_LAB_NODE && links->made[i].index == index)
			return false;
	return rtnl_addr_get_scope(present) != RT_SCOPE_LINK &&
	       rtnl_addr_get_local(present);
}

static void compare_networks(const struct links *links, const struct link_job *job,
			     const struct address *address, struct nl_cache *cache)
{
	_cleanup_abstract_address_ struct nl_addr *network = address_to_abstract(address);

	for (struct nl_object *o = nl_cache_get_first(cache); network && o;
	     o = nl_cache_get_next(o)) {
		struct rtnl_addr *present = (struct rtnl_addr *)o;
		struct nl_addr *local = rtnl_addr_get_local(present);

		if (is_compared(links, present) &&
		    nl_addr_get_family(local) == address->family &&
		    nl_addr_cmp_prefix(network, local) == 0)
			warn_of_overlap(job, address, present);
	}
}

static void check_networks(const struct build *build)
{
	struct nl_cache *cache;

	if (rtnl_addr_alloc_cache(home(build->links)->netlink.socket, &cache) < 0)
		return;
	for (size_t i = 0; i < build->n_jobs; i++) {
		const struct link_job *job = &build->jobs[i];

		for (size_t n = 0; *job->alias && n < job->planned->n_addresses; n++)
			compare_networks(build->links, job, &job->planned->addresses[n],
					 cache);
	}
	nl_cache_free(cache);
}

struct error *check_surroundings(const struct build *build)
{
	struct nl_cache *cache;
	struct error *error;

	if (!build->links->lab)
		return NULL;
	try(netlink_read_links(&home(build->links)->netlink, &cache));
	error = check_cache(build, cache);
	nl_cache_free(cache);
	if (!error)
		check_networks(build);
	return error;
}
