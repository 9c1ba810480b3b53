// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the host's kernel says into a lab that is halted. Its TCP doesn't know that no time
 * passes there: it repeats what is not acknowledged (RFC 6298), probes closed windows (RFC 9293,
 * 3.8.6.1) and silent peers (RFC 9293, 3.8.4). Here such frames are taken from the way out of a
 * link that leads to guests, and what says something new passes. TCP is told that they were sent
 * (TC_ACT_STOLEN): of a frame that was dropped (TC_ACT_SHOT) it hears, and tries again at once.
 *
 * Connections are known from the first frame that leaves by the link, halted or not. What isn't
 * understood passes.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define CONNECTIONS_MAX 16384
#define CARDS_MAX       8192 /* BRIDGE_PORTS_MAX, and room */
#define VLAN_TAGS_MAX   2    /* IEEE 802.1ad */
#define VLAN_ID_MASK    0x0fff
#define EXTENSIONS_MAX  4      /* headers between IPv6 and TCP */
#define OPTIONS_MAX     8      /* of one TCP header; Linux pads SACK as the sixth */
#define IPV4_FRAGMENTED 0x3fff /* "more fragments", and the offset */

/* One direction of a connection: a bridge may send the same frame by several links. */
struct connection_key {
	__u32 link;                          /* interface index */
	__u32 vlan;                          /* the innermost tag's; 0: none */
	__u16 source_port, destination_port; /* network order, as all below */
	__u32 source[4], destination[4];     /* IPv4: the last word */
};

/* Sequence numbers in host order. */
struct connection {
	__u32 next;  /* behind the highest that was sent; SYN and FIN count */
	__u32 first; /* of the SYN */
	__u32 ack;   /* the highest that passed */
	__u16 window;
	bool has_first, has_ack;
};

/* A frame, as far as it is about one. */
struct segment {
	struct connection_key key;
	__u32 at, size; /* the TCP header's offset, bytes from there to the end of IP's */
	__u32 begin, end; /* sequence space; end is behind it */
	__u32 ack;
	__u16 window;
	bool syn, rst, has_ack, has_sack;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CONNECTIONS_MAX);
	__type(key, struct connection_key);
	__type(value, struct connection);
} connections SEC(".maps");

/* Indexes of the guests' TAPs, by which everything that leaves goes to a guest. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CARDS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u8);
} taps SEC(".maps");

/*
 * The guests' cards, for links that lead to others too: MAC addresses in memory order, with two
 * zeroes behind them.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CARDS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u8);
} cards SEC(".maps");

volatile __u32 halted;
__u64 dropped;

static __always_inline bool load(struct __sk_buff *skb, __u32 at, void *to, __u32 size)
{
	return bpf_skb_load_bytes(skb, at, to, size) == 0;
}

/* --- TCP ---------------------------------------------------------------------------------- */

/* Selective acknowledgements (RFC 2018): an ACK with them may say what the last one didn't. */
static __always_inline bool find_sack(struct __sk_buff *skb, __u32 at, __u32 end)
{
	for (int i = 0; i < OPTIONS_MAX && at < end; i++) {
		__u8 option[2];

		if (!load(skb, at, option, 1) || option[0] == 0)
			return false;
		if (option[0] == 1) { /* padding */
			at++;
			continue;
		}
		if (option[0] == 5)
			return true;
		if (!load(skb, at, option, 2) || option[1] < 2)
			return false;
		at += option[1];
	}
	return false;
}

static __always_inline bool parse_tcp(struct __sk_buff *skb, struct segment *segment)
{
	struct tcphdr tcp;
	__u32 header;

	if (!load(skb, segment->at, &tcp, sizeof(tcp)))
		return false;
	header = tcp.doff * 4;
	if (header < sizeof(tcp) || header > segment->size)
		return false;
	segment->key.source_port = tcp.source;
	segment->key.destination_port = tcp.dest;
	segment->begin = bpf_ntohl(tcp.seq);
	segment->end = segment->begin + (segment->size - header) + tcp.syn + tcp.fin;
	segment->ack = bpf_ntohl(tcp.ack_seq);
	segment->window = bpf_ntohs(tcp.window);
	segment->syn = tcp.syn;
	segment->rst = tcp.rst;
	segment->has_ack = tcp.ack;
	segment->has_sack =
		find_sack(skb, segment->at + sizeof(tcp), segment->at + header);
	return true;
}

/* --- IP: sizes of 0 are of frames larger than 64 KiB, whose segments the link makes -------- */

static __always_inline bool parse_ipv4(struct __sk_buff *skb, __u32 at,
				       struct segment *segment)
{
	struct iphdr ip;
	__u32 header, size;

	if (!load(skb, at, &ip, sizeof(ip)))
		return false;
	header = ip.ihl * 4;
	size = bpf_ntohs(ip.tot_len) ?: skb->len - at;
	if (ip.version != 4 || ip.protocol != IPPROTO_TCP || header < sizeof(ip) ||
	    size < header || at + size > skb->len ||
	    ip.frag_off & bpf_htons(IPV4_FRAGMENTED))
		return false;
	segment->key.source[3] = ip.saddr;
	segment->key.destination[3] = ip.daddr;
	segment->at = at + header;
	segment->size = size - header;
	return true;
}

/* The size of an extension header in bytes; 0: it is none that TCP stands behind. */
static __always_inline __u32 extension_size(__u8 kind, __u8 length)
{
	if (kind == IPPROTO_HOPOPTS || kind == IPPROTO_ROUTING || kind == IPPROTO_DSTOPTS)
		return (length + 1u) * 8;
	if (kind == IPPROTO_AH)
		return (length + 2u) * 4; /* RFC 4302 */
	return 0;
}

static __always_inline bool parse_ipv6(struct __sk_buff *skb, __u32 at,
				       struct segment *segment)
{
	struct ipv6hdr ip;
	__u32 size, used = 0;
	__u8 kind;

	if (!load(skb, at, &ip, sizeof(ip)) || ip.version != 6)
		return false;
	at += sizeof(ip);
	size = bpf_ntohs(ip.payload_len) ?: skb->len - at;
	if (at + size > skb->len)
		return false;
	kind = ip.nexthdr;
	for (int i = 0; i < EXTENSIONS_MAX && kind != IPPROTO_TCP; i++) {
		__u8 extension[2]; /* next header, length */
		__u32 more;

		if (!load(skb, at + used, extension, sizeof(extension)))
			return false;
		more = extension_size(kind, extension[1]);
		if (!more)
			return false;
		kind = extension[0];
		used += more;
	}
	if (kind != IPPROTO_TCP || used > size)
		return false;
	__builtin_memcpy(segment->key.source, &ip.saddr, sizeof(ip.saddr));
	__builtin_memcpy(segment->key.destination, &ip.daddr, sizeof(ip.daddr));
	segment->at = at + used;
	segment->size = size - used;
	return true;
}

/* --- Ethernet ------------------------------------------------------------------------------ */

struct vlan_tag {
	__be16 tci;
	__be16 protocol; /* of what comes behind it */
};

static __always_inline bool is_vlan(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

static __always_inline bool parse_ip(struct __sk_buff *skb, struct segment *segment)
{
	struct ethhdr ethernet;
	__u32 at = sizeof(ethernet);
	__be16 protocol;

	if (!load(skb, 0, &ethernet, sizeof(ethernet)))
		return false;
	protocol = ethernet.h_proto;
	segment->key.link = skb->ifindex;
	if (skb->vlan_present)
		segment->key.vlan = skb->vlan_tci & VLAN_ID_MASK;
	for (int i = 0; i < VLAN_TAGS_MAX && is_vlan(protocol); i++) {
		struct vlan_tag tag;

		if (!load(skb, at, &tag, sizeof(tag)))
			return false;
		segment->key.vlan = bpf_ntohs(tag.tci) & VLAN_ID_MASK;
		protocol = tag.protocol;
		at += sizeof(tag);
	}
	if (protocol == bpf_htons(ETH_P_IP))
		return parse_ipv4(skb, at, segment);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(skb, at, segment);
	return false;
}

/* --- new, or said before ------------------------------------------------------------------- */

static __always_inline bool is_behind(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

static __always_inline bool acknowledges_more(const struct connection *connection,
					      const struct segment *segment)
{
	return segment->has_ack &&
	       (!connection->has_ack || is_behind(segment->ack, connection->ack));
}

/*
 * Linux probes windows and peers with an empty segment from before what is unacknowledged,
 * others with one byte of that (RFC 9293, 3.8.4); an honest acknowledgement is behind it all.
 * An acknowledgement that goes out on a repeated segment is in no other: that passes.
 */
static __always_inline bool repeats(const struct connection *connection,
				    const struct segment *segment)
{
	if (segment->rst)
		return false;
	if (segment->syn)
		return connection->has_first && segment->begin == connection->first;
	if (is_behind(segment->end, connection->next) ||
	    acknowledges_more(connection, segment) ||
	    (!connection->window && segment->window))
		return false;
	if (segment->begin != segment->end || segment->begin != connection->next)
		return true;
	return segment->window == connection->window && !segment->has_sack;
}

static __always_inline void take_note(struct connection *connection,
				      const struct segment *segment)
{
	if (segment->syn || is_behind(segment->end, connection->next))
		connection->next = segment->end;
	if (segment->syn || acknowledges_more(connection, segment)) {
		connection->ack = segment->ack;
		connection->has_ack = segment->has_ack;
	}
	if (segment->syn) {
		connection->first = segment->begin;
		connection->has_first = true;
	}
	connection->window = segment->window;
}

static __always_inline void begin(const struct segment *segment)
{
	struct connection connection = {.next = segment->end};

	take_note(&connection, segment);
	bpf_map_update_elem(&connections, &segment->key, &connection, BPF_ANY);
}

static __always_inline bool is_for_guest(struct __sk_buff *skb)
{
	__u32 link = skb->ifindex;
	__u64 mac = 0;

	if (bpf_map_lookup_elem(&taps, &link))
		return true;
	return load(skb, 0, &mac, ETH_ALEN) && bpf_map_lookup_elem(&cards, &mac);
}

SEC("classifier") int filter(struct __sk_buff *skb)
{
	struct segment segment = {0};
	struct connection *connection;

	if (!parse_ip(skb, &segment) || !parse_tcp(skb, &segment))
		return TC_ACT_UNSPEC;
	connection = bpf_map_lookup_elem(&connections, &segment.key);
	if (!connection) {
		begin(&segment);
		return TC_ACT_UNSPEC;
	}
	if (halted && repeats(connection, &segment) && is_for_guest(skb)) {
		__sync_fetch_and_add(&dropped, 1);
		return TC_ACT_STOLEN;
	}
	take_note(connection, &segment);
	return TC_ACT_UNSPEC; /* on to what others have put there */
}

const char license_text[] SEC("license") = "GPL";
