# SPDX-License-Identifier: GPL-2.0-or-later
"""A decoded packet as lines for people. Pure: no gdb."""

import ipaddress
from typing import Callable

from .headers import EXTENSIONS, Layer, Packet, Value

ARP_OPERATIONS = {1: "request", 2: "reply"}
ICMP_TYPES = {0: "echo reply", 3: "destination unreachable", 5: "redirect", 8: "echo request",
              11: "time exceeded", 12: "parameter problem"}
ICMPV6_TYPES = {1: "destination unreachable", 2: "packet too big", 3: "time exceeded",
                4: "parameter problem", 128: "echo request", 129: "echo reply",
                130: "multicast listener query", 131: "multicast listener report",
                133: "router solicitation", 134: "router advertisement",
                135: "neighbour solicitation", 136: "neighbour advertisement",
                143: "multicast listener report v2"}
ETHERTYPE_NAMES = {0x0800: "IPv4", 0x0806: "ARP", 0x86dd: "IPv6", 0x8100: "VLAN",
                   0x88a8: "service VLAN"}
PROTOCOL_NAMES = {1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 58: "ICMPv6"}
TCP_FLAG_NAMES = (("syn", "SYN"), ("fin", "FIN"), ("reset", "RST"), ("push", "PSH"),
                  ("ack", "ACK"), ("urg", "URG"), ("ece", "ECE"), ("cwr", "CWR"), ("ae", "AE"))
IP_OPTIONS = {7: "record route", 68: "timestamp", 131: "loose source route",
              137: "strict source route", 148: "router alert"}
TCP_OPTIONS = {19: "MD5", 29: "TCP-AO", 30: "MPTCP", 34: "fast open cookie"}
PREVIEW = 48  # bytes of a payload that are shown


def address(value: Value) -> str:
    """An address as it is written."""
    if isinstance(value, int):
        return str(value)
    if len(value) == 6:
        return ":".join(f"{byte:02x}" for byte in value)
    return str(ipaddress.ip_address(value))


def named(number: Value, names: dict) -> str:
    """"echo request", or "type 77"."""
    return names.get(number, f"type {number}")


def ethertype(number: Value) -> str:
    """"IPv4 (0x0800)"."""
    assert isinstance(number, int)
    if number < 0x600:
        return f"length {number}"
    name = ETHERTYPE_NAMES.get(number)
    return f"{name} ({number:#06x})" if name else f"type {number:#06x}"


def tcp_option(kind: int, value: bytes) -> str:
    """An option of TCP."""
    words = [int.from_bytes(value[i:i + 4], "big") for i in range(0, len(value), 4)]
    if kind == 1:
        return "nop"
    if kind == 2 and len(value) == 2:
        return f"mss {int.from_bytes(value, 'big')}"
    if kind == 3 and len(value) == 1:
        return f"window scale {value[0]}"
    if kind == 4:
        return "SACK permitted"
    if kind == 5 and len(value) % 8 == 0:
        return "SACK " + " ".join(f"{words[i]}-{words[i + 1]}" for i in range(0, len(words), 2))
    if kind == 8 and len(value) == 8:
        return f"timestamps {words[0]} {words[1]}"
    return f"{TCP_OPTIONS.get(kind, f'option {kind}')} of {len(value)} bytes"


def ip_option(kind: int, value: bytes) -> str:
    """An option of IPv4."""
    return "nop" if kind == 1 else f"{IP_OPTIONS.get(kind, f'option {kind}')}, {len(value)} bytes"


def listed(options: list, text: Callable[[int, bytes], str]) -> str:
    """"; options a, b", or nothing."""
    return "; options " + ", ".join(text(*option) for option in options) if options else ""


def ethernet_text(layer: Layer) -> str:
    """Its addresses and type."""
    get = layer.fields
    return (f"{address(get['eth.src'])} > {address(get['eth.dst'])}, "
            f"{ethertype(get['eth.type'])}")


def vlan_text(layer: Layer) -> str:
    """Its tag."""
    get = layer.fields
    return (f"id {get['vlan.id']}, priority {get['vlan.priority']}, "
            f"{ethertype(get['vlan.etype'])}")


def arp_text(layer: Layer) -> str:
    """Who has what."""
    get = layer.fields
    operation = ARP_OPERATIONS.get(get["arp.opcode"], f"operation {get['arp.opcode']}")
    if "arp.src.hw_mac" not in get:
        return operation
    return (f"{operation}: {address(get['arp.src.proto_ipv4'])} "
            f"({address(get['arp.src.hw_mac'])}) to {address(get['arp.dst.proto_ipv4'])} "
            f"({address(get['arp.dst.hw_mac'])})")


def ipv4_text(layer: Layer) -> str:
    """Addresses, and what tells packets apart."""
    get = layer.fields
    flags = " DF" * bool(get["ip.flags.df"]) + " MF" * bool(get["ip.flags.mf"])
    offset = f", offset {8 * get['ip.frag_offset']}" if get["ip.frag_offset"] else ""
    protocol = PROTOCOL_NAMES.get(get["ip.proto"], get["ip.proto"])
    return (f"{address(get['ip.src'])} > {address(get['ip.dst'])}, {protocol}, "
            f"id {get['ip.id']:#06x}{flags}{offset}, ttl {get['ip.ttl']}, "
            f"length {get['ip.len']}{listed(layer.options, ip_option)}")


def ipv6_text(layer: Layer) -> str:
    """Addresses, and what follows."""
    get = layer.fields
    following = get["ipv6.nxt"]
    name = {**PROTOCOL_NAMES, **EXTENSIONS}.get(following, following)
    return (f"{address(get['ipv6.src'])} > {address(get['ipv6.dst'])}, {name}, "
            f"flow {get['ipv6.flow']:#07x}, hop limit {get['ipv6.hlim']}, "
            f"payload length {get['ipv6.plen']}")


def tcp_text(layer: Layer) -> str:
    """Ports, sequence space, flags, options."""
    get = layer.fields
    flags = [shown for name, shown in TCP_FLAG_NAMES if get[f"tcp.flags.{name}"]]
    ack = f", ack {get['tcp.ack']}" if get["tcp.flags.ack"] else ""
    return (f"{get['tcp.srcport']} > {get['tcp.dstport']}, {' '.join(flags) or 'no flags'}, "
            f"seq {get['tcp.seq']}{ack}, length {get['tcp.len']}, window {get['tcp.window']}"
            f"{listed(layer.options, tcp_option)}")


def udp_text(layer: Layer) -> str:
    """Ports and length."""
    get = layer.fields
    return f"{get['udp.srcport']} > {get['udp.dstport']}, length {get['udp.length']}"


def icmp_text(layer: Layer) -> str:
    """What it says."""
    get = layer.fields
    echo = (f", id {get['icmp.ident']}, sequence {get['icmp.seq']}" if "icmp.seq" in get else "")
    return f"{named(get['icmp.type'], ICMP_TYPES)}, code {get['icmp.code']}{echo}"


def icmpv6_text(layer: Layer) -> str:
    """What it says."""
    get = layer.fields
    text = f"{named(get['icmpv6.type'], ICMPV6_TYPES)}, code {get['icmpv6.code']}"
    if "icmpv6.echo.identifier" in get:
        text += (f", id {get['icmpv6.echo.identifier']}, "
                 f"sequence {get['icmpv6.echo.sequence_number']}")
    for name in ("icmpv6.nd.ns.target_address", "icmpv6.nd.na.target_address"):
        if name in get:
            text += f", target {address(get[name])}"
    return text


TEXTS: dict[str, tuple[str, Callable[[Layer], str]]] = {
    "eth": ("Ethernet", ethernet_text), "vlan": ("VLAN", vlan_text), "arp": ("ARP", arp_text),
    "ip": ("IPv4", ipv4_text), "ipv6": ("IPv6", ipv6_text), "tcp": ("TCP", tcp_text),
    "udp": ("UDP", udp_text), "icmp": ("ICMP", icmp_text), "icmpv6": ("ICMPv6", icmpv6_text)}


def preview(data: bytes) -> str:
    """The first bytes of a payload: as text where that is what it looks like, else in hex."""
    if data and all(32 <= byte < 127 or byte in (9, 10, 13) for byte in data):
        text = data[:PREVIEW].decode("ascii")
        shown = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        quoted = '"' + shown.replace("\t", "\\t") + '"'
    else:
        quoted = data[:PREVIEW // 2].hex(" ")
    return quoted + ("..." if len(data) > (PREVIEW if quoted[:1] == '"' else PREVIEW // 2) else "")


def layer_line(layer: Layer) -> str:
    """One header: its name and what it says."""
    if layer.name not in TEXTS:
        return f"{layer.name.partition('.')[2]:<9} next {layer.fields['ipv6.ext.nxt']}"
    name, text = TEXTS[layer.name]
    return f"{name:<9} {text(layer)}"


def lines(packet: Packet, mark: int = -1) -> list[str]:
    """A line for each header, and one for what follows them; `> ` before that which begins at
    the offset MARK."""
    shown = [(layer.start, layer_line(layer)) for layer in packet.layers]
    size = packet.end - packet.payload
    if packet.problem:
        shown.append((packet.payload, packet.problem))
    elif size or mark == packet.payload:
        data = packet.data[packet.payload:packet.end]
        shown.append((packet.payload, f"{'payload':<9} {size} bytes"
                      + (f": {preview(data)}" if data else "")))
    return [("> " if start == mark else "  ") + line for start, line in shown]
