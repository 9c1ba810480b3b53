# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses, states and names of a socket: what struct sock, request_sock and inet_timewait_sock
have in common (struct sock_common)."""

import ipaddress
import re
from typing import NamedTuple, Optional

import gdb

from . import layout, memory

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET = 1, 2, 10, 16, 17
FAMILIES = {AF_UNIX: "UNIX", AF_INET: "IPv4", AF_INET6: "IPv6", AF_NETLINK: "netlink",
            AF_PACKET: "packet"}
TYPES = {1: "SOCK_STREAM", 2: "SOCK_DGRAM", 3: "SOCK_RAW", 5: "SOCK_SEQPACKET", 10: "SOCK_PACKET"}
SOCK_STREAM, SOCK_RAW = 1, 3
IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE = 6, 17, 136

# enum in include/net/tcp_states.h; ss(8) has names of its own.
STATES = ("?", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
          "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV",
          "BOUND_INACTIVE")
SS_STATES = {"ESTABLISHED": "ESTAB", "SYN_SENT": "SYN-SENT", "SYN_RECV": "SYN-RECV",
             "FIN_WAIT1": "FIN-WAIT-1", "FIN_WAIT2": "FIN-WAIT-2", "TIME_WAIT": "TIME-WAIT",
             "CLOSE": "UNCONN", "CLOSE_WAIT": "CLOSE-WAIT", "LAST_ACK": "LAST-ACK",
             "NEW_SYN_RECV": "SYN-RECV"}
FULL, REQUEST, TIMEWAIT = "full", "request", "timewait"
TCP_TIME_WAIT, TCP_NEW_SYN_RECV = 6, 12
KINDS = {TCP_TIME_WAIT: TIMEWAIT, TCP_NEW_SYN_RECV: REQUEST}


class Endpoint(NamedTuple):
    """An address and a port."""

    address: ipaddress._BaseAddress
    port: int

    def __str__(self) -> str:
        if self.address.version == 6:
            return f"[{spelled(self.address)}]:{self.port}"
        return f"{self.address}:{self.port}"

    def short(self) -> str:
        """As ss(8) has it: a * for what is not said."""
        port = str(self.port) if self.port else "*"
        if self.address.version == 6:
            return f"[{spelled(self.address)}]:{port}"
        return f"{self.address}:{port}"


def spelled(address: ipaddress.IPv6Address) -> str:
    """An IPv6 address, an IPv4-mapped one as RFC 5952 5. recommends."""
    mapped = address.ipv4_mapped
    return f"::ffff:{mapped}" if mapped is not None else str(address)


def ipv4(value: gdb.Value) -> ipaddress.IPv4Address:
    """A __be32."""
    return ipaddress.IPv4Address(int(value).to_bytes(4, "little"))


def ipv6(octets: gdb.Value) -> ipaddress.IPv6Address:
    """in6_u.u6_addr8."""
    return ipaddress.IPv6Address(bytes(int(octets[i]) for i in range(16)))


def network_order(value: gdb.Value) -> int:
    """A __be16 as a number."""
    return int.from_bytes(int(value).to_bytes(2, "little"), "big")


class Common:
    """The struct sock_common at the start of every socket, small ones too."""

    def __init__(self, address: int) -> None:
        self.address = address
        self.value = memory.at("sock_common", address)
        self.family = int(self.value["skc_family"])
        number = int(self.value["skc_state"])
        self.kind = KINDS.get(number, FULL)
        if self.kind == TIMEWAIT:  # the state that it is for, as ss(8) shows it
            number = int(memory.at("inet_timewait_sock", address)["tw_substate"])
        self.state = STATES[number] if number < len(STATES) else f"state {number}"

    def net(self) -> Optional[int]:
        """Its struct net; None: the kernel has one only."""
        found = memory.optional(lambda: int(self.value["skc_net"]["net"]))
        return found or None

    def endpoints(self) -> tuple[Endpoint, Endpoint]:
        """Local and peer; of IP sockets only."""
        local = ipv4(self.value["skc_rcv_saddr"])
        peer = ipv4(self.value["skc_daddr"])
        if self.family == AF_INET6:
            local = ipv6(self.value["skc_v6_rcv_saddr"]["in6_u"]["u6_addr8"])
            peer = ipv6(self.value["skc_v6_daddr"]["in6_u"]["u6_addr8"])
        return (Endpoint(local, int(self.value["skc_num"])),
                Endpoint(peer, network_order(self.value["skc_dport"])))

    def is_mapped(self) -> bool:
        """An IPv6 socket that speaks IPv4?"""
        return self.family == AF_INET6 and any(
            end.address.ipv4_mapped is not None for end in self.endpoints())

    def protocol_name(self) -> str:
        """What the kernel calls its protocol: "TCP", "UDPv6"; Damaged where it has none."""
        proto = int(self.value["skc_prot"])
        offset = memory.offset_of("proto", "name")
        name = memory.string_at(proto + offset, 32)
        if not name:
            raise memory.Damaged(f"{self.address:#x} has no protocol: no struct sock")
        return name


def looks_like_socket(address: int) -> bool:
    """Does a struct sock, request_sock or timewait_sock lie there, as far as can be told?

    What a variable holds before its first assignment isn't one."""
    try:
        common = Common(address)
        return (common.family in FAMILIES
                and re.fullmatch(r"[\w/-]+", common.protocol_name()) is not None)
    except gdb.error:
        return False


def ends(common: Common) -> str:
    """Local and peer in one line."""
    if common.family not in (AF_INET, AF_INET6):
        return FAMILIES.get(common.family, f"family {common.family}")
    local, peer = common.endpoints()
    return f"{local} - {peer}" if peer.port else str(local)


def brief(address: int) -> str:
    """A socket in one line: "TCP ESTABLISHED 192.0.2.1:7 - 192.0.2.2:4711"."""
    common = Common(address)
    return f"{common.protocol_name()} {common.state} {ends(common)}"


def namespace_number(net: Optional[int]) -> str:
    """A struct net as ip-netns(8) and lsns(8) have it: its inode number."""
    if net is None:
        return "the only one"
    value = memory.at("net", net)
    return str(layout.number(value, "net's number"))
