// SPDX-License-Identifier: GPL-2.0-or-later
/* The network cards of a guest. */
#include "topology/linkfields.h"
#include "util/string.h"

/* The PCI network cards of QEMU on a PC. */
static char *const nic_models[] = {
	"e1000",
	"e1000-82544gc",
	"e1000-82545em",
	"e1000e",
	"igb",
	"i82550",
	"i82551",
	"i82557a",
	"i82557b",
	"i82557c",
	"i82558a",
	"i82558b",
	"i82559a",
	"i82559b",
	"i82559c",
	"i82559er",
	"i82562",
	"i82801",
	"ne2k_pci",
	"pcnet",
	"rtl8139",
	"tulip",
	"vmxnet3",
	"virtio-net-pci",
	"virtio-net-pci-transitional",
	"virtio-net-pci-non-transitional",
	NULL,
};

static void read_model(struct reader *reader, const char *what, const struct node *node,
		       void *into)
{
	struct nic *nic = into;
	const char *text = read_text(reader, what, node);
	_cleanup_free_ char *near = NULL, *all = NULL;

	if (!text)
		return;
	if (strv_contains(nic_models, text)) {
		free(nic->model);
		nic->model = xstrdup(text);
		return;
	}
	near = suggest(text, nic_models);
	all = strv_join(nic_models, ", ");
	report_add(reader->reports, node->at, "QEMU has no network card '%s'%s%s", text,
		   *near ? near : "; there are ", *near ? "" : all);
}

static void read_nic_bridge(struct reader *reader, const char *what,
			    const struct node *node, void *into)
{
	struct nic *nic = into;
	const struct bridge *bridge = read_bridge_of(reader, what, node);

	nic->bridge = xstrdup(bridge ? bridge->name : NULL);
}

static void read_mac(struct reader *reader, const char *what, const struct node *node,
		     void *into)
{
	struct nic *nic = into;

	nic->mac_given = take_mac(reader, what, node, nic->mac);
}

/* What the card is on: two cards on no bridge are on two links. */
static char *segment_of(const struct nic *nic)
{
	return nic->bridge ? xstrdup(nic->bridge) : xasprintf("%p", (const void *)nic);
}

static void read_nic_addresses(struct reader *reader, const char *what,
			       const struct node *node, void *into)
{
	struct nic *nic = into;
	_cleanup_free_ char *segment = segment_of(nic);

	read_addresses(reader, what, node, segment, &nic->addresses, &nic->n_addresses);
}

static void read_host_addresses(struct reader *reader, const char *what,
				const struct node *node, void *into)
{
	struct nic *nic = into;
	_cleanup_free_ char *segment = segment_of(nic);

	read_addresses(reader, what, node, segment, &nic->host_addresses,
		       &nic->n_host_addresses);
}

static const struct field host_fields[] = {
	{"addresses", read_host_addresses, false, 0},
	{NULL},
};

static void read_host_side(struct reader *reader, const char *what,
			   const struct node *node, void *into)
{
	(void)what;
	read_mapping(reader, "the host's side of a card", node, host_fields, into);
}

static void read_nic_impairments(struct reader *reader, const char *what,
				 const struct node *node, void *into)
{
	struct nic *nic = into;

	read_impairments(reader, what, node, &nic->settings.impair, &nic->impair_from);
}

#define IN_NIC(member) offsetof(struct nic, member)

/* Which addresses may be alike depends on the bridge, so that is read first. */
static const struct field nic_fields[] = {
	{"model", read_model, false, 0},
	{"bridge", read_nic_bridge, false, 0},
	{"host", read_host_side, false, 0},
	{"mac", read_mac, false, 0},
	{"addresses", read_nic_addresses, false, 0},
	{"vlans", read_vlans, false, IN_NIC(vlans)},
	{"mtu", read_mtu, false, IN_NIC(settings.mtu)},
	{"txqueuelen", read_txqueuelen, false, IN_NIC(settings.txqueuelen)},
	{"offloads", read_offloads, false, IN_NIC(settings.offloads)},
	{"impair", read_nic_impairments, false, 0},
	{"up", read_link_up, false, IN_NIC(settings)},
	{NULL},
};

static void check_nic(struct reader *reader, const struct node *node, struct nic *nic)
{
	const struct node *host = node_value(node, "host");
	const struct name *bridge =
		nic->bridge ? names_find(&reader->bridges, nic->bridge) : NULL;

	if (!node_value(node, "bridge") && !host)
		report_add(reader->reports, node->at,
			   "a network card needs the key 'bridge', or 'host' for a link "
			   "with nothing but the host on it");
	else if (nic->bridge && host)
		report_add(reader->reports, host->at,
			   "host: the card is on bridge '%s'; the host's addresses there "
			   "are those of the bridge",
			   nic->bridge);
	if (host || bridge)
		check_vlans(reader, node, bridge ? bridge->value : NULL);
	if (bridge && !nic->settings.mtu)
		nic->settings.mtu = ((const struct bridge *)bridge->value)->settings.mtu;
	check_mtu(reader, node, nic->settings.mtu, nic->addresses, nic->n_addresses);
	check_mtu(reader, node, nic->settings.mtu, nic->host_addresses,
		  nic->n_host_addresses);
}

static void read_nic(struct reader *reader, const struct node *node, struct nic *nic)
{
	nic->at = node->at;
	nic->model = xstrdup(NIC_MODEL_DEFAULT);
	read_mapping(reader, "a network card", node, nic_fields, nic);
	if (node->is_null || node->kind == NODE_MAPPING)
		check_nic(reader, node, nic);
}

void read_nics(struct reader *reader, const char *what, const struct node *node,
	       void *into)
{
	struct guest *guest = into;

	if (!is_list(reader, what, node))
		return;
	if (node->n_items > GUEST_NICS_MAX) {
		report_add(reader->reports, node->items[GUEST_NICS_MAX]->at,
			   "%s: %zu are more than the %d that a guest may have", what,
			   node->n_items, GUEST_NICS_MAX);
		return;
	}
	guest->n_nics = node->n_items;
	guest->nics = xcalloc(guest->n_nics, sizeof(*guest->nics));
	for (size_t i = 0; i < guest->n_nics; i++)
		read_nic(reader, node->items[i], &guest->nics[i]);
}
