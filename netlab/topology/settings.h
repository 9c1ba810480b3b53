/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What links can be given besides name, kind and addresses. Zeroed, nothing is asked for. */
#ifndef NETLAB_TOPOLOGY_SETTINGS_H
#define NETLAB_TOPOLOGY_SETTINGS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/address.h"

/* Where in the file something was said; line and column count from 1, 0 means nowhere. */
struct location {
	unsigned line;
	unsigned column;
	unsigned
		set; /* from the command line, by that --set, counted from 1: the place is
		       * then where it goes to; 0: from the file */
};

/* A switch that may be left as the kernel has it. */
enum choice {
	CHOICE_KERNEL, /* nothing was said */
	CHOICE_OFF,
	CHOICE_ON,
};

/* Offloads by their ethtool names: "rx-checksum", "tx-checksum", "sg", "tso", "gso", "gro". */
enum offload {
	OFFLOAD_RX_CHECKSUM,
	OFFLOAD_TX_CHECKSUM,
	OFFLOAD_SG,
	OFFLOAD_TSO,
	OFFLOAD_GSO,
	OFFLOAD_GRO,
};

#define OFFLOADS (OFFLOAD_GRO + 1)

#define LINK_MTU_MIN         68 /* RFC 791 */
#define LINK_MTU_MAX         65521
#define LINK_MTU_DEFAULT     1500 /* of all our kinds but vxlan */
#define IPV6_MTU_MIN         1280 /* RFC 8200 */
#define LINK_TXQUEUELEN_MAX  1000000
#define VLAN_ID_MAX          4094
#define VNI_MAX              0xffffff
#define VXLAN_PORT_DEFAULT   4789
#define BRIDGE_AGEING_MIN_NS 1000000000ull
#define BRIDGE_AGEING_MAX_NS (1000000ull * 1000000000) /* IEEE 802.1D */
#define IMPAIR_DELAY_MAX_NS  (240ull * 1000000000) /* netem's ticks are 64 ns in 32 bits */
#define IMPAIR_RATE_MIN      1000ull               /* bits per second */
#define IMPAIR_RATE_MAX      1000000000000ull

/* What happens to frames that leave through a link: netem's and tbf's part of tc(8). */
struct impairment {
	uint64_t delay_ns;
	uint64_t jitter_ns; /* at most delay_ns */
	double loss;        /* these four in percent, 0 to 100 */
	double duplicate;
	double corrupt;
	double reorder; /* wants a delay */
	uint64_t rate;  /* bits per second; 0: no limit */
};

struct link_settings {
	uint32_t mtu; /* bytes; 0: the kernel's. A port without one has its bridge's */
	uint32_t txqueuelen; /* frames; 0: the kind's own default */
	uint8_t mac[6];
	bool mac_given;
	enum choice offloads[OFFLOADS];
	struct impairment impair; /* of what leaves the link; all zero: none */
	bool down;                /* it is not brought up */
};

/*
 * VLANs of a bridge's port, or of the bridge itself; bridge(8), `bridge vlan`. Where none is
 * named, what the kernel gives it (VLAN 1, untagged) stays; else it has these and no others.
 */
struct port_vlans {
	uint16_t pvid;      /* VLAN of what comes in untagged, listed below; 0: none */
	uint16_t *untagged; /* VLANs that leave untagged; owned */
	size_t n_untagged;
	uint16_t *tagged; /* owned */
	size_t n_tagged;
};

/** port_vlans_are_named() - is any? Else the kernel's own stay. */
bool port_vlans_are_named(const struct port_vlans *vlans);

/** vlans_contain() - is @vlan one of the @n in @list? */
bool vlans_contain(const uint16_t *list, size_t n, uint16_t vlan);

struct bridge_settings {
	bool stp;
	enum choice multicast_snooping; /* CHOICE_KERNEL: off */
	bool vlan_filtering;
	uint64_t ageing_ns;     /* 0: the kernel's 300 s */
	struct port_vlans self; /* the bridge's own, where vlan_filtering is on */
};

struct vlan_settings {
	uint16_t id; /* 1 to 4094 */
};

struct vxlan_settings {
	uint32_t id; /* VNI, 24 bits */
	bool has_local, has_remote;
	struct address local, remote; /* of the underlay; remote may be multicast */
	uint16_t port;                /* UDP, host order; 0: 4789 */
};

enum macvlan_type {
	MACVLAN_BRIDGE,
	MACVLAN_PRIVATE,
	MACVLAN_VEPA,
	MACVLAN_PASSTHRU,
};

#define MACVLAN_MODES (MACVLAN_PASSTHRU + 1)

struct route {
	struct address to; /* network; prefix 0: the default route */
	bool has_via;
	struct address via;
	char device[IFNAMSIZ]; /* ""; none was named */
	uint32_t metric;       /* 0: the kernel's */
	struct location at;
};

struct neighbour {
	struct address address;
	uint8_t mac[6];
	char device[IFNAMSIZ];
	struct location at;
};

/** offload_name() - "gro", … */
const char *offload_name(enum offload offload);

/** macvlan_mode_name() - "bridge", … */
const char *macvlan_mode_name(enum macvlan_type mode);

/** impairment_is_none() - is nothing of it set? */
bool impairment_is_none(const struct impairment *impairment);

/** percent_parse() - "0.1%", from 0 to 100 with at most six decimals. */
must_use struct error *percent_parse(const char *text, double *percent);

/** rate_parse() - "10mbit", "100kbit", "1gbit", "64000bit", as bits per second. */
must_use struct error *rate_parse(const char *text, uint64_t *rate);

#endif
