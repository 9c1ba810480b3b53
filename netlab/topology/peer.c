// SPDX-License-Identifier: GPL-2.0-or-later
/* Which links of hosts are each other's ends. */
#include "topology/linkfields.h"
#include "topology/peer.h"
#include "util/string.h"

/* A host's link while its other end is looked for. */
struct end {
	size_t host, link;         /* indexes */
	struct host_link *veth;    /* the link itself */
	const struct node *source; /* the mapping it was read from */
	char *name;                /* HOST/LINK */
	struct end *other;         /* NULL: not found yet */
};

struct ends {
	struct end *list;
	size_t n;
	struct names names; /* value: struct end */
};

static void add_end(struct ends *ends, const struct reader *reader, size_t host,
		    size_t link)
{
	const struct host *of = &reader->topology->hosts[host];
	struct end *end = &ends->list[ends->n++];

	end->host = host;
	end->link = link;
	end->veth = &of->links[link];
	end->source = reader->host[host].links[link];
	end->name = xasprintf("%s/%s", of->name, end->veth->name);
	names_add(&ends->names, end->name, end->veth->at, end);
}

static void collect_ends(struct ends *ends, const struct reader *reader)
{
	const struct topology *topology = reader->topology;
	size_t n = 0;

	for (size_t i = 0; i < topology->n_hosts; i++)
		n += topology->hosts[i].n_links;
	ends->list = xcalloc(n, sizeof(*ends->list));
	for (size_t i = 0; i < topology->n_hosts; i++)
		for (size_t j = 0; j < topology->hosts[i].n_links; j++)
			add_end(ends, reader, i, j);
}

static void ends_deinit(struct ends *ends)
{
	for (size_t i = 0; i < ends->n; i++)
		free(ends->list[i].name);
	free(ends->list);
	names_deinit(&ends->names);
}

static void join(struct end *a, struct end *b)
{
	a->other = b;
	b->other = a;
	a->veth->peer_host = b->host;
	a->veth->peer_link = b->link;
	b->veth->peer_host = a->host;
	b->veth->peer_link = a->link;
}

/* Why @end can't have @other as its other end; NULL: it can. A new string. */
static char *join_fault(const struct end *end, const struct end *other)
{
	const struct node *theirs = node_value(other->source, "peer");

	if (other == end)
		return xstrdup("a link can't be its own other end");
	if (node_value(other->source, "bridge"))
		return xasprintf("'%s' is on a bridge", other->name);
	if (other->other && other->other != end)
		return xasprintf("'%s' is the other end of '%s'", other->name,
				 other->other->name);
	if (theirs && theirs->kind == NODE_SCALAR && !streq(theirs->text, end->name))
		return xasprintf("'%s' names another peer, '%s'", other->name,
				 theirs->text);
	return NULL;
}

static void find_other(struct reader *reader, struct ends *ends, struct end *end)
{
	const struct node *peer = node_value(end->source, "peer");
	struct end *other;
	_cleanup_free_ char *fault = NULL;

	if (!peer || peer->kind != NODE_SCALAR || peer->is_null)
		return;
	if (strchr(peer->text, '/'))
		other = (struct end *)read_known(reader, "link of a host", peer,
						 &ends->names);
	else
		return report_add(reader->reports, peer->at,
				  "peer: '%s' is not HOST/LINK, as in router/eth1",
				  peer->text);
	fault = other ? join_fault(end, other) : NULL;
	if (fault)
		report_add(reader->reports, peer->at, "peer: %s", fault);
	else if (other)
		join(end, other);
}

static void check_has_other(struct reader *reader, const struct end *end)
{
	if (end->other || node_value(end->source, "bridge") ||
	    node_value(end->source, "peer"))
		return;
	report_add(
		reader->reports, end->veth->at,
		"link '%s' has no other end: give it 'bridge', or 'peer' here or there",
		end->name);
}

/* Of two ends, what one says of the pair holds for both. */
static void share_mtu(struct reader *reader, const struct end *a, const struct end *b)
{
	uint32_t *mine = &a->veth->settings.mtu, *theirs = &b->veth->settings.mtu;

	if (*mine && *theirs && *mine != *theirs)
		report_add(reader->reports, node_place(b->source, "mtu"),
			   "mtu: %u, and the other end '%s' has %u", *theirs, a->name,
			   *mine);
	*theirs = *theirs ?: *mine;
	*mine = *mine ?: *theirs;
}

/* What comes from the other end is what that one sends. */
static void hand_over_impairment(struct reader *reader, const struct end *from,
				 const struct end *to)
{
	struct impairment *theirs = &to->veth->settings.impair;
	struct impairment *ours = &from->veth->impair_from;

	if (impairment_is_none(ours))
		return;
	if (!impairment_is_none(theirs))
		report_add(reader->reports, node_place(from->source, "impair"),
			   "impair: the other end '%s' says already what happens to what "
			   "it sends",
			   to->name);
	*theirs = *ours;
	*ours = (struct impairment){0};
}

static void settle_pair(struct reader *reader, const struct end *a, const struct end *b)
{
	share_mtu(reader, a, b);
	hand_over_impairment(reader, a, b);
	hand_over_impairment(reader, b, a);
}

void find_peers(struct reader *reader)
{
	_cleanup_(ends_deinit) struct ends ends = {0};
	size_t before = reader->reports->found;
	bool all_found;

	collect_ends(&ends, reader);
	for (size_t i = 0; i < ends.n; i++)
		find_other(reader, &ends, &ends.list[i]);
	all_found = reader->reports->found == before; /* else a name was only misspelt */
	for (size_t i = 0; i < ends.n; i++) {
		const struct end *end = &ends.list[i];

		if (all_found)
			check_has_other(reader, end);
		if (end->other > end)
			settle_pair(reader, end, end->other);
		check_mtu(reader, end->source, end->veth->settings.mtu,
			  end->veth->addresses, end->veth->n_addresses);
	}
}
