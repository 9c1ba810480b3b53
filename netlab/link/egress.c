// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/egress.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "link/build.h"
#include "link/egress.skel.h"
#include "util/log.h"
#include "util/string.h"

/* Users' filters find room before it and behind it; tc counts its own down from 49152. */
#define FILTER_PRIORITY 0x4000
#define FILTER_HANDLE   1

struct egress_filter {
	struct egress_bpf *bpf;
};

/* What libbpf says of an error is in the error that it returns. */
static int stay_silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

struct error *egress_filter_new(struct egress_filter **result)
{
	_cleanup_egress_filter_ struct egress_filter *filter =
		xcalloc(1, sizeof(*filter));

	libbpf_set_print(stay_silent);
	filter->bpf = egress_bpf__open_and_load();
	if (!filter->bpf)
		return error_errno(errno, "the kernel refuses to load a BPF program");
	*result = steal_ptr(filter);
	return NULL;
}

/* clsact, which may be there for what comes in by the link: see link_redirect(). */
static struct error *attach(const struct egress_filter *filter, int link)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = link, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE,
		    .priority = FILTER_PRIORITY, .flags = BPF_TC_F_REPLACE,
		    .prog_fd = bpf_program__fd(filter->bpf->progs.filter));
	int code = bpf_tc_hook_create(&hook);

	if (code == 0 || code == -EEXIST)
		code = bpf_tc_attach(&hook, &options);
	return code < 0 ? error_errno(-code, "the BPF filter can't be put on it") : NULL;
}

static struct error *remember(const struct bpf_map *map, const void *key)
{
	const uint8_t known = 1;

	if (bpf_map_update_elem(bpf_map__fd(map), key, &known, BPF_ANY) < 0)
		return error_errno(errno, "the BPF filter can't be told of it");
	return NULL;
}

static struct error *attach_to_tap(const struct egress_filter *filter,
				   const struct planned_link *planned, int link)
{
	const uint8_t *mac = planned->guest->nics[planned->nic].mac;
	uint64_t card = 0;

	memcpy(&card, mac, 6);
	try(remember(filter->bpf->maps.cards, &card));
	try(remember(filter->bpf->maps.taps, &link));
	return attach(filter, link);
}

static bool has_guest(const struct plan *plan, const struct planned_link *bridge)
{
	for (size_t i = 0; i < plan->n_links; i++)
		if (plan->links[i].guest && streq(plan->links[i].master, bridge->name))
			return true;
	return false;
}

static struct error *attach_to(const struct egress_filter *filter,
			       const struct links *links, const struct plan *plan,
			       const struct planned_link *planned)
{
	const struct made_link *made = find_made(links, planned->node, planned->name);

	if (planned->node != PLAN_LAB_NODE || !made || !made->index)
		return NULL;
	if (planned->kind == LINK_TAP && planned->guest)
		return attach_to_tap(filter, planned, made->index);
	if (planned->kind == LINK_BRIDGE && has_guest(plan, planned))
		return attach(filter, made->index);
	return NULL;
}

struct error *egress_filter_attach(struct egress_filter *filter,
				   const struct links *links, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_links; i++)
		try(error_object(attach_to(filter, links, plan, &plan->links[i]),
				 plan->links[i].name));
	return NULL;
}

void egress_filter_halt(struct egress_filter *filter, bool halted)
{
	filter->bpf->bss->halted = halted;
}

uint64_t egress_filter_dropped(const struct egress_filter *filter)
{
	return filter->bpf->bss->dropped;
}

void egress_filter_free(struct egress_filter *filter)
{
	if (!filter)
		return;
	if (filter->bpf)
		egress_bpf__destroy(filter->bpf);
	free(filter);
}
