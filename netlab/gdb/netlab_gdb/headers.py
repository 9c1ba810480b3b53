# SPDX-License-Identifier: GPL-2.0-or-later
"""The headers of a packet, from its bytes: Ethernet to TCP, UDP and ICMP. Pure: no gdb.

Fields have the names that Wireshark's display filters give them. What isn't a number is bytes:
addresses of 4 (IPv4), 6 (Ethernet) or 16 (IPv6). The bytes may be anything: what is cut short or
contradicts itself ends the decoding, and Packet.problem says where.
"""

import dataclasses
import struct
from typing import Callable, Optional, Union

Value = Union[int, bytes]

ETHERTYPES = {0x0800: "ip", 0x0806: "arp", 0x86dd: "ipv6", 0x8100: "vlan", 0x88a8: "vlan"}
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}
EXTENSIONS = {0: "hop-by-hop", 43: "routing", 44: "fragment", 60: "destination", 135: "mobility"}
FRAGMENT = 44
EXTENSION_LIMIT = 16  # of the headers between IPv6's and TCP's
TCP_FLAGS = ("fin", "syn", "reset", "push", "ack", "urg", "ece", "cwr", "ae")


@dataclasses.dataclass
class Layer:
    """One header: where it is in the packet's bytes, and what it says."""

    name: str
    start: int
    end: int
    fields: dict[str, Value]
    options: list[tuple[int, bytes]] = dataclasses.field(default_factory=list)


class Packet:
    """The layers of a packet, outermost first. `data` may have its first bytes only, of
    `length`; the payload of the last layer is from `payload` to `end` (exclusive)."""

    def __init__(self, data: bytes, length: int, whole: bool) -> None:
        self.data = data
        self.length = length
        self.whole = whole
        self.layers: list[Layer] = []
        self.payload = 0
        self.end = length
        self.problem = ""

    def layer(self, *names: str) -> Optional[Layer]:
        """The first layer with one of the names."""
        return next((layer for layer in self.layers if layer.name in names), None)

    def values(self, name: str) -> list[Value]:
        """What the packet has for a field: of VLAN tags there may be several."""
        if name == "frame.len":
            return [self.length]
        return [layer.fields[name] for layer in self.layers if name in layer.fields]

    def value(self, name: str) -> Optional[Value]:
        """The first of them; None: the packet has no such field."""
        return next(iter(self.values(name)), None)


class Short(Exception):
    """The bytes end within a header, or what it says can't be."""


def take(packet: Packet, form: str, at: int, name: str) -> tuple:
    """Unpack from the packet's bytes at an offset."""
    size = struct.calcsize(form)
    if at + size > min(len(packet.data), packet.end):
        raise Short(f"{name}: {max(min(len(packet.data), packet.end) - at, 0)} of {size} bytes")
    return struct.unpack_from(form, packet.data, at)


def header_size(packet: Packet, at: int, size: int, least: int, name: str) -> int:
    """The size of a header as it says itself, if that can be."""
    if size < least:
        raise Short(f"{name}: a header length of {size} bytes")
    if at + size > min(len(packet.data), packet.end):
        raise Short(f"{name}: the header's {size} bytes are not all there")
    return size


def options_of(data: bytes) -> list[tuple[int, bytes]]:
    """Options of IPv4 or TCP: (kind, value); kinds 0 (end) and 1 (padding) have no length."""
    options, at = [], 0
    while at < len(data):
        kind = data[at]
        if kind == 0:
            break
        if kind == 1:
            options.append((kind, b""))
            at += 1
            continue
        size = data[at + 1] if at + 1 < len(data) else 0
        if size < 2 or at + size > len(data):
            break
        options.append((kind, data[at + 2:at + size]))
        at += size
    return options


def ethernet(packet: Packet, at: int) -> tuple[str, int]:
    """IEEE 802.3."""
    to, source, kind = take(packet, "!6s6sH", at, "Ethernet")
    packet.layers.append(Layer("eth", at, at + 14, {
        "eth.dst": to, "eth.src": source, "eth.type": kind}))
    return ETHERTYPES.get(kind, ""), at + 14


def vlan(packet: Packet, at: int) -> tuple[str, int]:
    """IEEE 802.1Q, after the type that announced it."""
    tag, kind = take(packet, "!HH", at, "VLAN")
    packet.layers.append(Layer("vlan", at, at + 4, {
        "vlan.priority": tag >> 13, "vlan.dei": tag >> 12 & 1, "vlan.id": tag & 0xfff,
        "vlan.etype": kind}))
    return ETHERTYPES.get(kind, ""), at + 4


def arp(packet: Packet, at: int) -> tuple[str, int]:
    """RFC 826; addresses where they are Ethernet's and IPv4's."""
    hardware, protocol, hlen, plen, operation = take(packet, "!HHBBH", at, "ARP")
    fields = {"arp.hw.type": hardware, "arp.proto.type": protocol, "arp.opcode": operation}
    if (hlen, plen) == (6, 4):
        names = ("arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.hw_mac", "arp.dst.proto_ipv4")
        fields.update(zip(names, take(packet, "!6s4s6s4s", at + 8, "ARP")))
    end = at + 8 + 2 * (hlen + plen)
    packet.layers.append(Layer("arp", at, end, fields))
    packet.end = min(packet.end, end)
    return "", packet.end


def ipv4(packet: Packet, at: int) -> tuple[str, int]:
    """RFC 791."""
    (first, dsfield, length, ident, fragment, ttl, protocol, checksum, source,
     to) = take(packet, "!BBHHHBBH4s4s", at, "IPv4")
    if first >> 4 != 4:
        raise Short(f"IPv4: version {first >> 4}")
    size = header_size(packet, at, 4 * (first & 15), 20, "IPv4")
    if not packet.whole and length >= size:
        packet.end = min(packet.end, at + length)
    packet.layers.append(Layer("ip", at, at + size, {
        "ip.hdr_len": size, "ip.dsfield": dsfield, "ip.len": length, "ip.id": ident,
        "ip.flags.df": fragment >> 14 & 1, "ip.flags.mf": fragment >> 13 & 1,
        "ip.frag_offset": fragment & 0x1fff, "ip.ttl": ttl, "ip.proto": protocol,
        "ip.checksum": checksum, "ip.src": source, "ip.dst": to,
    }, options_of(packet.data[at + 20:at + size])))
    return "" if fragment & 0x1fff else PROTOCOLS.get(protocol, ""), at + size


def ipv6(packet: Packet, at: int) -> tuple[str, int]:
    """RFC 8200, with its extension headers."""
    first, length, following, hops, source, to = take(packet, "!IHBB16s16s", at, "IPv6")
    if first >> 28 != 6:
        raise Short(f"IPv6: version {first >> 28}")
    if not packet.whole and length:
        packet.end = min(packet.end, at + 40 + length)
    packet.layers.append(Layer("ipv6", at, at + 40, {
        "ipv6.tclass": first >> 20 & 0xff, "ipv6.flow": first & 0xfffff, "ipv6.plen": length,
        "ipv6.nxt": following, "ipv6.hlim": hops, "ipv6.src": source, "ipv6.dst": to}))
    at += 40
    for _ in range(EXTENSION_LIMIT):
        if following not in EXTENSIONS:
            break
        following, at, cut = extension(packet, following, at)
        if cut:
            return "", at
    return PROTOCOLS.get(following, ""), at


def extension(packet: Packet, kind: int, at: int) -> tuple[int, int, bool]:
    """An extension header of IPv6. Return: the next one's kind and place; is what follows no
    header, but the rest of a fragmented packet?"""
    name = EXTENSIONS[kind]
    following, size = take(packet, "!BB", at, f"IPv6 {name}")
    fields: dict[str, Value] = {"ipv6.ext.nxt": following}
    end, cut = at + 8 * (1 + size), False
    if kind == FRAGMENT:
        offset, ident = take(packet, "!HI", at + 2, f"IPv6 {name}")
        fields.update({"ipv6.fraghdr.offset": offset >> 3, "ipv6.fraghdr.more": offset & 1,
                       "ipv6.fraghdr.ident": ident})
        end, cut = at + 8, bool(offset & ~7)
    header_size(packet, at, end - at, 8, f"IPv6 {name}")
    packet.layers.append(Layer(f"ipv6.{name}", at, end, fields))
    return following, end, cut


def tcp_options(options: list[tuple[int, bytes]]) -> dict[str, Value]:
    """The fields of those that have one (RFC 9293, 7323)."""
    fields: dict[str, Value] = {}
    for kind, value in options:
        if kind == 2 and len(value) == 2:
            fields["tcp.options.mss_val"] = int.from_bytes(value, "big")
        elif kind == 3 and len(value) == 1:
            fields["tcp.options.wscale.shift"] = value[0]
        elif kind == 8 and len(value) == 8:
            stamp, echo = struct.unpack("!II", value)
            fields["tcp.options.timestamp.tsval"] = stamp
            fields["tcp.options.timestamp.tsecr"] = echo
    return fields


def tcp(packet: Packet, at: int) -> tuple[str, int]:
    """RFC 9293. Sequence numbers are absolute."""
    (source, to, seq, ack, flags, window, checksum,
     urgent) = take(packet, "!HHIIHHHH", at, "TCP")
    size = header_size(packet, at, 4 * (flags >> 12), 20, "TCP")
    options = options_of(packet.data[at + 20:at + size])
    fields = {"tcp.srcport": source, "tcp.dstport": to, "tcp.seq": seq, "tcp.ack": ack,
              "tcp.hdr_len": size, "tcp.flags": flags & 0xfff, "tcp.window": window,
              "tcp.checksum": checksum, "tcp.urgent_pointer": urgent,
              "tcp.len": packet.end - at - size}
    fields.update({f"tcp.flags.{name}": flags >> i & 1 for i, name in enumerate(TCP_FLAGS)})
    fields.update(tcp_options(options))
    packet.layers.append(Layer("tcp", at, at + size, fields, options))
    return "", at + size


def udp(packet: Packet, at: int) -> tuple[str, int]:
    """RFC 768."""
    source, to, length, checksum = take(packet, "!HHHH", at, "UDP")
    if not packet.whole and length >= 8:
        packet.end = min(packet.end, at + length)
    packet.layers.append(Layer("udp", at, at + 8, {
        "udp.srcport": source, "udp.dstport": to, "udp.length": length,
        "udp.checksum": checksum}))
    return "", at + 8


def icmp(packet: Packet, at: int) -> tuple[str, int]:
    """RFC 792; identifier and sequence number where it is an echo."""
    kind, code, checksum, ident, number = take(packet, "!BBHHH", at, "ICMP")
    fields = {"icmp.type": kind, "icmp.code": code, "icmp.checksum": checksum}
    if kind in (0, 8):
        fields.update({"icmp.ident": ident, "icmp.seq": number})
    packet.layers.append(Layer("icmp", at, at + 8, fields))
    return "", at + 8


def icmpv6(packet: Packet, at: int) -> tuple[str, int]:
    """RFC 4443; echoes, and the target of a neighbour's solicitation or advertisement."""
    kind, code, checksum = take(packet, "!BBH", at, "ICMPv6")
    fields = {"icmpv6.type": kind, "icmpv6.code": code, "icmpv6.checksum": checksum}
    end = at + 4
    if kind in (128, 129):
        ident, number = take(packet, "!HH", at + 4, "ICMPv6")
        fields.update({"icmpv6.echo.identifier": ident, "icmpv6.echo.sequence_number": number})
        end = at + 8
    elif kind in (135, 136):
        _, target = take(packet, "!I16s", at + 4, "ICMPv6")
        fields["icmpv6.nd.ns.target_address" if kind == 135
               else "icmpv6.nd.na.target_address"] = target
        end = at + 24
    packet.layers.append(Layer("icmpv6", at, end, fields))
    return "", end


DECODERS: dict[str, Callable[[Packet, int], tuple[str, int]]] = {
    "eth": ethernet, "vlan": vlan, "arp": arp, "ip": ipv4, "ipv6": ipv6, "tcp": tcp,
    "udp": udp, "icmp": icmp, "icmpv6": icmpv6}
LAYER_LIMIT = 16


def decode(data: bytes, first: str = "eth", length: Optional[int] = None,
           whole: bool = False) -> Packet:
    """The packet in DATA, whose first header is FIRST.

    LENGTH in bytes where DATA has only the first of them. WHOLE: the payload reaches to the
    end, whatever the headers say of its length (a segment that others were appended to);
    otherwise what is behind it, padding, is none of it."""
    packet = Packet(data, len(data) if length is None else length, whole)
    name, at = first, 0
    try:
        for _ in range(LAYER_LIMIT):
            if name not in DECODERS:
                break
            name, at = DECODERS[name](packet, at)
    except Short as short:
        packet.problem = str(short)
    packet.payload = min(at, packet.end)
    return packet
