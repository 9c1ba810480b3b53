// SPDX-License-Identifier: GPL-2.0-or-later
/* Hosts, virtual links, link settings and routes that are wrong, and what they get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "golden.h"

#define BR0        "bridges: {br0: {addresses: [10.0.0.1/24]}}\n"
#define BRIDGE(s)  "bridges: {br0: {" s "}}\n"
#define NIC(s)     BR0 "guests: {g: {nics: [{bridge: br0, " s "}]}}\n"
#define LINK(s)    BR0 "links: {l: {" s "}}\n"
#define HOST(s)    BR0 "hosts: {a: {" s "}}\n"
#define ETH0       "links: {eth0: {bridge: br0, addresses: [10.0.0.2/24, fd00::2/64]}}, "
#define VETH(s)    HOST("links: {e: {" s "}}")
#define PAIR(a, b) "hosts:\n  a: {links: {x: {" a "}}}\n  b: {links: {y: {" b "}}}\n"

static const struct golden settings[] = {
	{BRIDGE("mtu: 67, txqueuelen: 0, mac: x"),
	 "1:22: mtu: '67' is not a number from 68 to 65521\n"
	 "1:38: txqueuelen: '0' is not a number from 1 to 1000000\n"
	 "1:46: mac: 'x' is not a MAC address, as in 52:54:00:12:34:56"},
	{BRIDGE("mtu: 1279, addresses: [10.0.0.1/24]"), "fine"},
	{BRIDGE("mtu: 1279, addresses: [10.0.0.1/24, fd00::1/64]"),
	 "1:22: mtu: 1279 is less than the 1280 bytes that IPv6 wants (RFC 8200), for "
	 "fd00::1/64"},
	{BRIDGE("mtu: 1000") "guests: {g: {nics: [{bridge: br0, addresses: "
			     "[fd00::1/64]}]}}",
	 "2:21: mtu: 1000 is less than the 1280 bytes that IPv6 wants (RFC 8200), for "
	 "fd00::1/64"},
	{BRIDGE("stp: maybe, vlan_filtering: [on], ageing: 0s, multicast_snooping: 1"),
	 "1:22: stp: 'maybe' is neither on nor off\n"
	 "1:45: vlan_filtering: text is wanted here, not a list\n"
	 "1:59: ageing: 0s is not from 1s to 1000000s\n"
	 "1:83: multicast_snooping: '1' is neither on nor off"},
	{BRIDGE("stp: true, ageing: 1000000s, offloads: {}, impair: {}"), "fine"},
	{BRIDGE("mac: 02:00:00:00:00:01") "guests: {g: {nics: [{bridge: br0, mac: "
					  "02:00:00:00:00:01}]}}",
	 "2:40: MAC address 02:00:00:00:00:01 is given twice; first in line 1"},
	{BRIDGE("offloads: {tos: off, gro: false, gso: 7}"),
	 "1:28: unknown key 'tos'; did you mean 'tso'?\n"
	 "1:55: gso: '7' is neither on nor off"},
	{BRIDGE("offloads: off"),
	 "1:27: a link's offloads: a mapping is wanted here, not text"},
	{BRIDGE("impair: {delay: 10, jitter: 11s}"),
	 "1:25: impair: 'jitter' can't be more than 'delay'"},
	{BRIDGE("impair: {jitter: 1ms}"),
	 "1:25: impair: 'jitter' is a change of the delay: it needs 'delay'"},
	{BRIDGE("impair: {reorder: 1%}"),
	 "1:25: impair: 'reorder' sends some frames without the delay: it needs 'delay'"},
	{BRIDGE("impair: {delay: 241s, loss: 1, duplicate: 100.1%, corrupt: .1%, "
		"reorder: "
		"1.0000001%}"),
	 "1:33: delay: 241s is not from 0s to 240s\n"
	 "1:45: loss: '1' is not a percentage from 0% to 100%, as in 0.1%\n"
	 "1:59: duplicate: '100.1%' is not a percentage from 0% to 100%, as in 0.1%\n"
	 "1:76: corrupt: '.1%' is not a percentage from 0% to 100%, as in 0.1%\n"
	 "1:90: reorder: '1.0000001%' is not a percentage from 0% to 100%, as in 0.1%"},
	{BRIDGE("impair: {delay: 1ms, loss: 100%, duplicate: 0.000001%, corrupt: 0%}"),
	 "fine"},
	{BRIDGE("impair: {rate: 10}"),
	 "1:32: rate: '10' is not a rate, as in 100kbit, 10mbit or 1gbit"},
	{BRIDGE("impair: {rate: 10Mbit}"),
	 "1:32: rate: '10Mbit' is not a rate, as in 100kbit, 10mbit or 1gbit"},
	{BRIDGE("impair: {rate: 999bit}"),
	 "1:32: rate: 999bit is not from 1kbit to 1000gbit"},
	{BRIDGE("impair: {rate: 99999999999gbit}"),
	 "1:32: rate: '99999999999gbit' is too large a rate"},
	{BRIDGE("impair: {to: {}}"), "1:26: unknown key 'to'; an impairment has: delay, "
				     "jitter, loss, duplicate, corrupt, reorder, rate"},
	{NIC("impair: {to: {loss: 1%}, delay: 1ms}"),
	 "2:60: unknown key 'delay'; an impairment by direction has: to, from"},
	{NIC("impair: {from: {jitter: 1ms}}"),
	 "2:50: from: 'jitter' is a change of the delay: it needs 'delay'"},
	{NIC("impair: {jitter: 1ms}"),
	 "2:43: impair: 'jitter' is a change of the delay: it needs 'delay'"},
};

static const struct golden vlans[] = {
	{BRIDGE("vlans: {pvid: 1}"), "1:24: vlans: bridge 'br0' does not tell VLANs "
				     "apart; it needs 'vlan_filtering: on'"},
	{NIC("vlans: {pvid: 1}"), "2:42: vlans: bridge 'br0' does not tell VLANs apart; "
				  "it needs 'vlan_filtering: on'"},
	{BRIDGE("vlan_filtering: on, vlans: {pvid: 0, untagged: [4095], tagged: [a, 7, "
		"7]}"),
	 "1:51: pvid: '0' is not a number from 1 to 4094\n"
	 "1:65: VLAN: '4095' is not a number from 1 to 4094\n"
	 "1:81: VLAN: 'a' is not a number from 1 to 4094\n"
	 "1:87: VLAN 7 is given twice; first in line 1"},
	{BRIDGE("vlan_filtering: on, vlans: {untagged: [7], tagged: [8, 7]}"),
	 "1:72: VLAN 7 is given twice; first in line 1"},
	{BRIDGE("vlan_filtering: on, vlans: {pvid: 7, untagged: [1], tagged: [2]}"),
	 "fine"},
	{BRIDGE("vlan_filtering: on, vlans: {untaged: [7]}"),
	 "1:45: unknown key 'untaged'; did you mean 'untagged'?"},
	{"guests: {g: {nics: [{host: {}, vlans: {pvid: 7}}]}}\n",
	 "1:39: vlans: only a bridge's port has them"},
	{PAIR("peer: b/y, vlans: {pvid: 7}", ""),
	 "2:37: vlans: only a bridge's port has them"},
	{BRIDGE("vlan_filtering: on") "links: {l: {dummy: on, bridge: br0, vlans: {pvid: "
				      "7}}, m: {dummy: on, vlans: {}}}\n",
	 "2:78: vlans: only a bridge's port has them"},
};

static const struct golden cards[] = {
	{BR0 "guests: {g: {nics: [{bridge: br0, host: {}}]}}\n",
	 "2:41: host: the card is on bridge 'br0'; the host's addresses there are those "
	 "of the bridge"},
	{"guests: {g: {nics: [{host: }, {host: {addresses: [fe80::1/64]}, addresses: "
	 "[fe80::2/64]}]}}\n",
	 "fine"},
	{"guests: {g: {nics: [{host: {addresses: [fe80::1/64]}, addresses: "
	 "[fe80::1/64]}]}}\n",
	 "1:67: address fe80::1 is given twice; first in line 1"},
	{"guests: {g: {nics: [{host: {adresses: []}}]}}\n",
	 "1:29: unknown key 'adresses'; did you mean 'addresses'?"},
	{"guests: {g: {nics: [{host: [10.0.0.1/24]}]}}\n",
	 "1:28: the host's side of a card: a mapping is wanted here, not a list"},
	{"guests: {g: {nics: [7]}}\n",
	 "1:21: a network card: a mapping is wanted here, not text"},
	{"guests: {host: {}}\n", "1:10: guest 'host': that name is the lab's host side"},
};

static const struct golden names[] = {
	{HOST("links: {}"), "fine"},
	{"hosts: {A: {}, host: {}}\n",
	 "1:9: host 'A': the name is not 1 to 32 of a-z, 0-9 and '-', beginning with a "
	 "letter or digit\n"
	 "1:16: host 'host': that name is the lab's host side"},
	{BR0 "hosts: {br0: {}}\n",
	 "2:9: host 'br0' has the name of the bridge in line 1"},
	{"guests: {a: {}}\nhosts: {a: {}}\n",
	 "2:9: host 'a' has the name of the guest in line 1"},
	{"links: {a: {dummy: on}}\nguests: {a: {}}\n",
	 "2:10: guest 'a' has the name of the link in line 1"},
	{"hosts:\n  a: {}\n  a: {}\n", "3:3: host 'a' is given twice; first in line 2"},
	{BR0 "links: {br0: {dummy: on}}\n",
	 "2:9: link 'br0' has the name of the bridge in line 1"},
	{"links: {l: {dummy: on},\n l: {ifb: on}}\n",
	 "2:2: link 'l' is given twice; first in line 1"},
	{"links: {lo: {dummy: on}, averyverylongone: {dummy: on}}\n",
	 "1:9: link 'lo': the name is a name that Linux has for itself\n"
	 "1:26: link 'averyverylongone': the name is longer than the 15 bytes that a "
	 "link's name may have"},
	{HOST("links: {lo: {bridge: br0}, a/b: {dummy: on}}"),
	 "2:21: link 'lo': the name is a name that Linux has for itself\n"
	 "2:40: link 'a/b': the name has characters other than letters, digits, '.', '_' "
	 "and '-'"},
	{HOST("links: {e: {bridge: br0}, e: {dummy: on}}"),
	 "2:39: link 'e' is given twice; first in line 2"},
	{"netns: root\n" BR0, "1:8: netns: 'root' is none of: lab, host"},
	{"netns: host\n" BR0, "fine"},
};

static const struct golden kinds[] = {
	{LINK("mtu: 1500"), "2:9: link 'l' needs a key that says what it is: vlan, "
			    "vxlan, macvlan, dummy, ifb or tap"},
	{LINK("vlna: 7"), "2:13: unknown key 'vlna'; did you mean 'vlan'?"},
	{"links: {l: , m: [], n: 7}\n",
	 "1:9: link 'l' needs a key that says what it is: vlan, vxlan, macvlan, dummy, "
	 "ifb or tap\n"
	 "1:17: a link: a mapping is wanted here, not a list\n"
	 "1:24: a link: a mapping is wanted here, not text"},
	{LINK("vlan: 7, vxlan: 8"),
	 "2:29: a link is one thing: 'vlan' and 'vxlan' exclude each other"},
	{VETH("vlan: 7, bridge: br0"),
	 "2:42: a link is one thing: 'vlan' and 'bridge' exclude each other"},
	{VETH("peer: b/y, bridge: br0"),
	 "2:31: a link is one thing: 'bridge' and 'peer' exclude each other"},
	{LINK("peer: a/b"),
	 "2:13: unknown key 'peer'; a link has: vlan, vxlan, macvlan, "
	 "dummy, ifb, tap, owner, link, local, remote, port, "
	 "bridge, vlans, addresses, mtu, mac, txqueuelen, offloads, impair, up"},
	{LINK("vlan: 7"), "2:12: a VLAN link needs the key 'link'"},
	{LINK("vlan: 0, link: br0"), "2:19: vlan: '0' is not a number from 1 to 4094"},
	{LINK("vlan: 7, link: br0, remote: 10.0.0.9"),
	 "2:33: unknown key 'remote'; a VLAN link has: vlan, link, bridge, vlans, "
	 "addresses, mtu, mac, txqueuelen, offloads, impair, up"},
	{LINK("vxlan: 16777216"),
	 "2:20: vxlan: '16777216' is not a number from 0 to 16777215"},
	{LINK("vxlan: 7, port: 0, local: 10.0.0.1/24, remote: here"),
	 "2:29: port: '0' is not a number from 1 to 65535\n"
	 "2:39: local: '10.0.0.1/24' has a prefix length, and one address is meant\n"
	 "2:60: remote: 'here' is not an IPv4 or IPv6 address"},
	{LINK("vxlan: 7, local: 10.0.0.7"),
	 "2:30: local: 10.0.0.7 is no address of the lab's host side"},
	{"netns: host\n" LINK("vxlan: 7, local: 10.0.0.7"), "fine"},
	{LINK("vxlan: 7, local: 10.0.0.1, remote: fd00::1"),
	 "2:30: local: the local and the remote address are of two families"},
	{LINK("vxlan: 7, remote: 239.0.0.1"),
	 "2:31: remote: a multicast group needs the 'link' on which it is"},
	{LINK("vxlan: 7, remote: 239.0.0.1, link: br0"), "fine"},
	{LINK("macvlan: passthrough, link: br0"),
	 "2:22: macvlan: 'passthrough' is none of: bridge, private, vepa, passthru"},
	{LINK("macvlan: vepa"), "2:12: a macvlan link needs the key 'link'"},
	{LINK("dummy: off"),
	 "2:20: dummy: it says what the link is, so it can't be off; leave the link out"},
	{LINK("dummy: 7"), "2:20: dummy: '7' is neither on nor off"},
	{LINK("ifb: on, link: br0"),
	 "2:22: unknown key 'link'; an ifb link has: ifb, bridge, vlans, addresses, mtu, "
	 "mac, txqueuelen, offloads, impair, up"},
	{LINK("tap: on, owner: alice, bridge: br0"), "fine"},
	{LINK("tap: on, owner: 65534, addresses: [10.0.0.7/24], txqueuelen: 9"), "fine"},
	{VETH("tap: on"), "fine"},
	{LINK("tap: off"),
	 "2:18: tap: it says what the link is, so it can't be off; leave the link out"},
	{LINK("tap: on, owner: [alice]"), "2:29: owner: text is wanted here, not a list"},
	{LINK("tap: on, owner: ''"), "2:29: owner: it is empty"},
	{LINK("dummy: on, owner: alice"),
	 "2:24: unknown key 'owner'; a dummy link has: dummy, bridge, vlans, addresses, "
	 "mtu, mac, txqueuelen, offloads, impair, up"},
	{VETH("bridge: br0, owner: alice"),
	 "2:45: owner: a link to a bridge or a peer has none; it is for virtual links"},
	{LINK("dummy: on, bridge: br1"),
	 "2:32: no bridge 'br1' is defined; did you mean 'br0'?"},
	{LINK("dummy: on, bridge: br0, addresses: [10.0.0.7/24]"),
	 "2:48: addresses: the link is a port of bridge 'br0', whose addresses count "
	 "instead"},
	{VETH("bridge: br0, remote: 10.0.0.1"),
	 "2:46: remote: a link to a bridge or a peer has none; it is for virtual links"},
	{VETH("bridge: br0, vlna: 7"), "2:38: unknown key 'vlna'; did you mean 'vlan'?"},
};

static const struct golden lowers[] = {
	{LINK("vlan: 7, link: br1"),
	 "2:28: link: the lab's host side has no link 'br1'; did you mean 'br0'?"},
	{LINK("vlan: 7, link: [br0]"), "2:28: link: text is wanted here, not a list"},
	{LINK("vlan: 7, link: l"), "2:9: link 'l' sits on itself, by way of 'l'"},
	{"links:\n  a: {vlan: 7, link: b}\n  b: {vlan: 7, link: c}\n  c: {vlan: 7, link: "
	 "a}\n"
	 "  d: {vlan: 7, link: b}\n",
	 "2:3: link 'a' sits on itself, by way of 'b'\n"
	 "5:3: link 'd' is VLAN 7 of 'b', and so is that of line 2"},
	{"bridges: {br0: , br1: }\n"
	 "links:\n  a: {vlan: 7, link: br0, bridge: br1}\n"
	 "  b: {vlan: 7, link: br1, bridge: br0}\n",
	 "1:11: link 'br0' sits on itself, by way of 'b'"},
	{BR0 "links: {a: {macvlan: private, link: br0, bridge: br0}}\n",
	 "1:11: link 'br0' sits on itself, by way of 'a'"},
	{"links: {a: {dummy: on}, b: {vlan: 2, link: a}, c: {vlan: 3, link: b},\n"
	 "  d: {vlan: 4, link: c}, e: {vlan: 5, link: d}, f: {vlan: 6, link: e},\n"
	 "  g: {vlan: 7, link: f}, h: {vlan: 8, link: g}}\n",
	 "fine"},
	{"links: {i: {vlan: 9, link: h}, h: {vlan: 8, link: g}, g: {vlan: 7, link: f},\n"
	 "  f: {vlan: 6, link: e}, e: {vlan: 5, link: d}, d: {vlan: 4, link: c},\n"
	 "  c: {vlan: 3, link: b}, b: {vlan: 2, link: a}, a: {dummy: on}}\n",
	 "1:9: link 'i' is on top of more than the 7 links that Linux allows"},
	{BR0 "guests: {g: {nics: [{bridge: br0}, {host: }]}}\n"
	     "links: {a: {macvlan: bridge, link: g.1}, b: {macvlan: bridge, link: g.0}, "
	     "c: {vlan: 7, link: g.0}}\n",
	 "3:69: link: 'g.0' is a bridge's port, and no macvlan can sit on one"},
	{BR0
	 "links: {a: {macvlan: passthru, link: br0}, b: {macvlan: passthru, link: br0}, "
	 "c: {vlan: 7, link: br0}, d: {vlan: 7, link: br0},\n"
	 " e: {vxlan: 7}, f: {vxlan: 7, port: 4789}, h: {vxlan: 7, port: 4790}}\n",
	 "2:44: link 'b' is the passthru macvlan of 'br0', and so is that of line 2\n"
	 "2:104: link 'd' is VLAN 7 of 'br0', and so is that of line 2\n"
	 "3:17: link 'f' is VXLAN 7 of port 4789, and so is that of line 3"},
	{BR0 "links: {a: {vlan: 7, link: br0, mtu: 1501}, b: {vxlan: 7, link: br0, mtu: "
	     "9000}}\n",
	 "2:38: mtu: 1501 is more than the 1500 of 'br0' below"},
	{LINK("vlan: 7, link: br0, mtu: 1000, addresses: [fd00::7/64]"),
	 "2:38: mtu: 1000 is less than the 1280 bytes that IPv6 wants (RFC 8200), for "
	 "fd00::7/64"},
	{HOST(ETH0 "routes: []") "links: {v: {vlan: 7, link: a.eth0}}\n", "fine"},
	{HOST("links: {eth0: {bridge: br0}, v: {vlan: 7, link: br0}, w: {vlan: 7, link: "
	      "eth1}}"),
	 "2:61: link: host 'a' has no link 'br0'\n"
	 "2:86: link: host 'a' has no link 'eth1'; did you mean 'eth0'?"},
};

static const struct golden peers[] = {
	{PAIR("peer: b/y", "peer: a/x"), "fine"},
	{PAIR("peer: b/y", ""), "fine"},
	{PAIR("", "peer: a/x"), "fine"},
	{PAIR("", ""),
	 "2:15: link 'a/x' has no other end: give it 'bridge', or 'peer' here or there\n"
	 "3:15: link 'b/y' has no other end: give it 'bridge', or 'peer' here or there"},
	{PAIR("peer: b/z", ""),
	 "2:25: no link of a host 'b/z' is defined; did you mean 'b/y'?"},
	{PAIR("peer: y", ""), "2:25: peer: 'y' is not HOST/LINK, as in router/eth1"},
	{PAIR("peer: a/x", "peer: a/x"), "2:25: peer: a link can't be its own other end\n"
					 "3:25: peer: 'a/x' names another peer, 'a/x'"},
	{PAIR("peer: b/y", "peer: a/z"),
	 "2:25: peer: 'b/y' names another peer, 'a/z'\n"
	 "3:25: no link of a host 'a/z' is defined; did you mean 'a/x'?"},
	{PAIR("peer: b/y", "dummy: on"),
	 "2:25: no link of a host 'b/y' is defined; did you mean 'a/x'?"},
	{BR0 PAIR("peer: b/y", "bridge: br0"), "3:25: peer: 'b/y' is on a bridge"},
	{"hosts: {a: {links: {x: {peer: b/y}, z: {peer: b/y}}}, b: {links: {y: {}}}}\n",
	 "1:47: peer: 'b/y' is the other end of 'a/x'"},
	{PAIR("peer: b/y, mtu: 1400", "mtu: 1500"),
	 "3:24: mtu: 1500, and the other end 'a/x' has 1400"},
	{PAIR("peer: b/y, mtu: 1000", "addresses: [fd00::1/64]"),
	 "3:18: mtu: 1000 is less than the 1280 bytes that IPv6 wants (RFC 8200), for "
	 "fd00::1/64"},
	{PAIR("peer: b/y, impair: {loss: 1%}", "impair: {to: {loss: 2%}}"),
	 "3:27: impair: the other end 'a/x' says already what happens to what it sends"},
	{PAIR("peer: b/y, impair: {to: {loss: 1%}}", "impair: {to: {loss: 2%}}"), "fine"},
};

static const struct golden routes[] = {
	{HOST(ETH0
	      "routes: [{to: default, via: 10.0.0.1}, {to: ::/0, via: fd00::1}, {to: "
	      "10.1.0.0/16, device: eth0}, {to: 10.0.0.9, via: 10.9.9.9, device: eth0}]"),
	 "fine"},
	{HOST(ETH0 "routes: {to: default}"),
	 "2:89: routes: a list is wanted here, not a mapping"},
	{HOST(ETH0 "routes: [x, {}]"),
	 "2:90: a route: a mapping is wanted here, not text\n"
	 "2:93: a route needs the key 'to'\n"
	 "2:93: a route needs 'via', 'device', or both"},
	{HOST(ETH0 "routes: [{to: default}]"),
	 "2:90: a route needs 'via', 'device', or both"},
	{HOST(ETH0 "routes: [{to: default, device: eth0}]"),
	 "2:95: to: without 'via', write 0.0.0.0/0 or ::/0 for the default"},
	{HOST(ETH0 "routes: [{to: 0.0.0.0/0, device: eth0, metric: 0}]"),
	 "2:128: metric: '0' is not a number from 1 to 4294967295"},
	{HOST(ETH0 "routes: [{to: 10.0.0.1/8, via: 10.0.0.1}, {to: defualt, via: "
		   "10.0.0.1/24}]"),
	 "2:95: to: 10.0.0.1/8 has bits behind its prefix; its network is 10.0.0.0/8\n"
	 "2:128: to: 'defualt' is not an IPv4 or IPv6 address\n"
	 "2:142: via: '10.0.0.1/24' has a prefix length, and one address is meant"},
	{HOST(ETH0 "routes: [{to: 10.0.0.0/8, via: fd00::1}]"),
	 "2:112: via: fd00::1 is IPv6, and the destination is IPv4"},
	{HOST(ETH0 "routes: [{to: default, via: 10.0.1.1}]"),
	 "2:109: via: 10.0.1.1 is on no network of host 'a'; name the 'device' that it "
	 "is behind"},
	{HOST(ETH0 "routes: [{to: default, via: 10.0.0.2}]"),
	 "2:109: via: 10.0.0.2 is an address of host 'a' itself"},
	{HOST(ETH0 "routes: [{to: default, via: fe80::1}, {to: ::/0, via: fe80::1, "
		   "device: eth0, metric: 7}]"),
	 "2:109: via: fe80::1 is on every link; name the 'device' that is meant"},
	{HOST(ETH0 "routes: [{to: default, via: 10.0.0.1, device: eth1}]"),
	 "2:127: device: host 'a' has no link 'eth1'; did you mean 'eth0'?"},
	{HOST(ETH0 "routes: [{to: default, via: 10.0.0.1},\n {to: default, via: "
		   "10.0.0.3}, {to: default, via: 10.0.0.3, metric: 7}]"),
	 "3:2: a route to 0.0.0.0/0 of the same metric is in line 2"},
	{BR0
	 "routes: [{to: 10.1.0.0/16, via: 10.0.0.2}, {to: 10.2.0.0/16, via: 10.2.0.1}]\n",
	 "2:67: via: 10.2.0.1 is on no network of the lab's host side; name the 'device' "
	 "that it is behind"},
	{"netns: host\n" BR0 "routes: [{to: 10.2.0.0/16, via: 10.2.0.1}]\n",
	 "3:33: via: 10.2.0.1 is on no network of the lab's host side; name the 'device' "
	 "that it is behind"},
	{"netns: host\n" BR0 "routes: [{to: 10.2.0.0/16, via: 10.0.0.9}]\n", "fine"},
	{BR0
	 "guests: {g: {nics: [{host: {addresses: [10.7.0.1/30]}}]}}\n"
	 "routes: [{to: 10.8.0.0/16, device: g.0}, {to: 10.9.0.0/16, via: 10.7.0.2}]\n",
	 "fine"},
};

static const struct golden neighbours[] = {
	{HOST(ETH0 "neighbours: [{address: 10.0.0.9, mac: 02:00:00:00:00:09}, {address: "
		   "10.9.0.9, mac: 02:00:00:00:00:09, device: eth0}]"),
	 "fine"},
	{HOST(ETH0 "neighbours: [], neighbours: [{address: 10.0.0.9, mac: "
		   "02:00:00:00:00:09}]"),
	 "2:97: key 'neighbours' is given twice; first in line 2"},
	{HOST(ETH0 "neighbours: [{}, 7]"),
	 "2:94: a neighbour needs the key 'address'\n"
	 "2:94: a neighbour needs the key 'mac'\n"
	 "2:98: a neighbour: a mapping is wanted here, not text"},
	{HOST(ETH0 "neighbours: [{address: 10.0.0.9/24, mac: 33:33:00:00:00:01}]"),
	 "2:104: address: '10.0.0.9/24' has a prefix length, and one address is meant\n"
	 "2:122: mac: 33:33:00:00:00:01 is a multicast MAC address"},
	{HOST(ETH0 "neighbours: [{address: 10.9.0.9, mac: 02:00:00:00:00:09}, {address: "
		   "fe80::9, mac: 02:00:00:00:00:09}, {address: 239.0.0.1, mac: "
		   "02:00:00:00:00:09}]"),
	 "2:104: address: 10.9.0.9 is on no network of host 'a'; name the 'device' that "
	 "it is behind\n"
	 "2:149: address: fe80::9 is on every link; name the 'device' that is meant\n"
	 "2:193: address: 239.0.0.1/32 is a multicast address"},
	{HOST(ETH0
	      "neighbours: [{address: 10.0.0.9, mac: 02:00:00:00:00:09, device: eht0}]"),
	 "2:146: device: host 'a' has no link 'eht0'; did you mean 'eth0'?"},
	{HOST(ETH0
	      "neighbours: [{address: 10.0.0.9, mac: 02:00:00:00:00:09, device: eth0}, "
	      "{address: 10.0.0.9, mac: 02:00:00:00:00:0a}]"),
	 "2:153: neighbour 10.0.0.9 on 'eth0' is given twice; first in line 2"},
};

#define OTHERS                                                                 \
	"with 'netns: host' only those of the lab's own links can be set, as " \
	"net.ipv4.conf.LINK.rp_filter; all others are the host's\n"

static const struct golden sysctls[] = {
	{HOST("sysctls: {net.ipv4.tcp_sack: 0, net.ipv4.tcp_rmem: 1 2 3}"), "fine"},
	{HOST("sysctls: [net.ipv4.tcp_sack]"),
	 "2:22: sysctls: a mapping is wanted here, not a list"},
	{HOST("sysctls: {kernel.panic: 1, net: 1, net.ipv4/tcp_sack: 1, net.../etc: 1, "
	      "net.: 1}"),
	 "2:23: sysctl 'kernel.panic': only those that begin with 'net.' are a network "
	 "namespace's own\n"
	 "2:40: sysctl 'net': only those that begin with 'net.' are a network "
	 "namespace's own\n"
	 "2:48: sysctl 'net.ipv4/tcp_sack': it has characters other than letters, "
	 "digits, '.', '_' and '-'\n"
	 "2:70: sysctl 'net.../etc': it has characters other than letters, digits, '.', "
	 "'_' and '-'\n"
	 "2:85: sysctl 'net.': a part of it is empty"},
	{HOST("sysctls: {net.a..b: 1, \"net.a\\nb\": 1, net.a: \"1\\n2\", net.b: , "
	      "net.c: []}"),
	 "2:23: sysctl 'net.a..b': a part of it is empty\n"
	 "2:36: sysctl 'net.a\\x0ab': it has characters other than letters, digits, '.', "
	 "'_' and '-'\n"
	 "2:58: net.a: there is a control character in it\n"
	 "2:66: net.b: text is wanted here, not nothing\n"
	 "2:82: net.c: text is wanted here, not a list"},
	{"netns: host\n" BR0 "links: {d0: {dummy: on}}\n"
	 "sysctls: {net.ipv4.conf.br0.rp_filter: 0, net.ipv6.neigh.d0.retrans_time_ms: "
	 "9}\n",
	 "fine"},
	{"netns: host\n" BR0 "sysctls: {net.ipv4.ip_forward: 1,\n"
	 " net.ipv6.conf.all.forwarding: 1,\n net.ipv4.conf.eth0.rp_filter: 0, net: 1}\n"
	 "hosts: {a: {sysctls: {net.ipv4.ip_forward: 1}}}\n",
	 "3:11: sysctl 'net.ipv4.ip_forward': " OTHERS
	 "4:2: sysctl 'net.ipv6.conf.all.forwarding': " OTHERS
	 "5:2: sysctl 'net.ipv4.conf.eth0.rp_filter': " OTHERS
	 "5:35: sysctl 'net': only those that begin with 'net.' are a network "
	 "namespace's own"},
	{"sysctls: {net.a: 1,\n net.a: 2}\n" BR0,
	 "2:2: sysctl 'net.a' is given twice; first in line 1"},
	{HOST("forward: yes"), "2:22: forward: 'yes' is neither on nor off"},
	{HOST("forwards: on"), "2:13: unknown key 'forwards'; did you mean 'forward'?"},
};

GOLDEN_TEST(settings)
GOLDEN_TEST(vlans)
GOLDEN_TEST(cards)
GOLDEN_TEST(names)
GOLDEN_TEST(kinds)
GOLDEN_TEST(lowers)
GOLDEN_TEST(peers)
GOLDEN_TEST(routes)
GOLDEN_TEST(neighbours)
GOLDEN_TEST(sysctls)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),   cmocka_unit_test(test_vlans),
		cmocka_unit_test(test_cards),      cmocka_unit_test(test_names),
		cmocka_unit_test(test_kinds),      cmocka_unit_test(test_lowers),
		cmocka_unit_test(test_peers),      cmocka_unit_test(test_routes),
		cmocka_unit_test(test_neighbours), cmocka_unit_test(test_sysctls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
