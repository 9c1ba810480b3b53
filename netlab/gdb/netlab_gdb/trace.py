# SPDX-License-Identifier: GPL-2.0-or-later
"""A line for a packet that comes by: when, where, in which task, which packet, which frame."""

import functools
from typing import Optional

import gdb

from . import capture, clock, findskb, headers, kernel, packettext, skb, structs
from .index import Segment

LIST_LIMIT = 64
PROTOCOLS = ("tcp", "udp", "icmp", "icmpv6", "arp")
CONTROL = ((2, "SYN"), (1, "FIN"), (4, "RST"))


@functools.lru_cache(maxsize=None)
def lab_clock() -> clock.Clock:
    """The one of this session."""
    return clock.Clock()


def end(address: bytes, port: Optional[int]) -> str:
    """An address and a port: "192.0.2.1:80", "[2001:db8::1]:80"."""
    text = packettext.address(address)
    if port is None:
        return text
    return f"[{text}]:{port}" if len(address) == 16 else f"{text}:{port}"


def tcp_text(fields: dict) -> str:
    """Flags and sequence space, absolute."""
    flags = [name for field, name in packettext.TCP_FLAG_NAMES if fields[f"tcp.flags.{field}"]]
    return (f"[{', '.join(flags)}] seq {fields['tcp.seq']} ack {fields['tcp.ack']} "
            f"len {fields['tcp.len']}")


def arp_text(fields: dict) -> str:
    """Who asks or answers, about which address."""
    what = packettext.ARP_OPERATIONS.get(fields["arp.opcode"], f"operation {fields['arp.opcode']}")
    ends = [packettext.address(fields[f"arp.{side}.proto_ipv4"]) for side in ("src", "dst")]
    return f"ARP {what} {' > '.join(ends)}"


def packet_text(packet: headers.Packet) -> str:
    """The packet in one line; "" where it has no header that tells anything."""
    layer = packet.layer(*PROTOCOLS)
    network = packet.layer("ip", "ipv6")
    if layer and layer.name == "arp":
        return arp_text(layer.fields)
    parts = []
    if network:
        ports = layer.fields if layer else {}
        sides = []
        for side in ("src", "dst"):
            port = ports.get(f"{layer.name}.{side}port") if layer else None
            sides.append(end(network.fields[f"{network.name}.{side}"], port))
        parts.append(" > ".join(sides))
    if layer and layer.name == "tcp":
        parts.append(tcp_text(layer.fields))
    elif layer and layer.name == "udp":
        parts.append(f"UDP len {layer.fields['udp.length'] - 8}")
    elif layer:
        parts.append(" ".join(packettext.layer_line(layer).split()))
    return " ".join(parts)


def segment_text(segment: Segment) -> str:
    """A TCP segment that has no header yet."""
    flags = [name for bit, name in CONTROL if segment.control & bit]
    return (f"{end(segment.flow[0], segment.flow[2])} > {end(segment.flow[1], segment.flow[3])} "
            f"{'[' + ', '.join(flags) + '] ' if flags else ''}seq {segment.seq} "
            f"len {segment.length}, no header yet")


def unfinished_text(found: skb.Skb, sock: int) -> str:
    """A packet that is being made: its IP header is not there yet, and TCP's may not be."""
    segment = skb.control_block_segment(found, sock, queued=False)
    packet = found.headers
    if sock and packet.layer("tcp"):
        own, peer = skb.socket_ends(sock)
        return f"{end(*own)} > {end(*peer)} {tcp_text(packet.layer('tcp').fields)}"
    if segment:
        return segment_text(segment)
    return f"{found.len} bytes, no header yet" + (f", {socket_text(sock)}" if sock else "")


def socket_text(address: int) -> str:
    """A socket: its own end and the peer's."""
    own, peer = skb.socket_ends(address)
    return f"socket {end(*own)}" + (f" with {end(*peer)}" if peer[1] else "")


def skbs_in(head: int) -> list[int]:
    """The packets of a list that is linked through sk_buff.list, its first member."""
    found, entry = [], structs.word(head)
    while entry != head and kernel.is_kernel_address(entry) and len(found) < LIST_LIMIT:
        found.append(entry)
        entry = structs.word(entry)
    return found


def kind_of(kind: gdb.Type) -> str:
    """The structure that an argument points to: "sk_buff"; "sk_buff *" where it points to such
    a pointer."""
    kind = kind.strip_typedefs()
    inner = kind.target().strip_typedefs() if kind.code == gdb.TYPE_CODE_PTR else kind
    if inner.code == gdb.TYPE_CODE_PTR:
        return f"{findskb.struct_name(inner)} *"
    return findskb.struct_name(kind)


class Packet:
    """What a function is called with. Which arguments say it is looked up once for each place
    that it was inlined in."""

    KINDS = ("sk_buff", "sk_buff *", "list_head", "sock", "socket")

    def __init__(self, function: str) -> None:
        self.function = function
        self.arguments: dict[int, dict[str, gdb.Symbol]] = {}  # by address, by kind

    def line(self, label: str) -> str:
        """The whole line, of a guest that has just stopped there."""
        task = kernel.current_task()
        thread = gdb.selected_thread()
        where = f"cpu {thread.num - 1}" if thread else "cpu ?"
        who = f"{task['comm']}[{task['pid']}]" if task else "?"
        try:
            what = self.text(gdb.selected_frame())
        except (gdb.error, RuntimeError, ValueError, OverflowError) as error:
            what = f"({kernel.printable(str(error))})"
        return (f"{lab_clock().text()} {where} {who} {label} {self.function}"
                f"{': ' if what else ''}{what}")

    def text(self, frame: gdb.Frame) -> str:
        """What the arguments tell of the packet; "" where they don't."""
        sock = self.value("sock", frame)
        address = self.value("sk_buff", frame)
        if pointer := self.value("sk_buff *", frame):
            address = structs.word(pointer)
        if address:
            return self.skb_text(skb.read(address), sock)
        if "list" in self.function and (head := self.value("list_head", frame)):
            found = skbs_in(head)
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            return self.skb_text(skb.read(found[0]), 0) + more if found else "an empty list"
        if sock:
            return socket_text(sock)
        if opened := self.value("socket", frame):
            return socket_text(structs.struct("struct socket", opened)["sk"])
        lost = self.arguments_at(frame).get("sk_buff")
        return f"({lost.name} is optimised out)" if lost else ""

    def arguments_at(self, frame: gdb.Frame) -> dict[str, gdb.Symbol]:
        """The function's arguments that tell of a packet."""
        pc = frame.pc()
        if pc not in self.arguments:
            found = self.arguments[pc] = {}
            for symbol in findskb.symbols(frame):
                kind = kind_of(symbol.type)
                if symbol.is_argument and kind in self.KINDS:
                    found.setdefault(kind, symbol)
        return self.arguments[pc]

    def value(self, kind: str, frame: gdb.Frame) -> int:
        """The argument of that type; 0 where there is none."""
        symbol = self.arguments_at(frame).get(kind)
        value = findskb.symbol_value(symbol, frame) if symbol else None
        return int(value) if value is not None else 0

    @staticmethod
    def skb_text(found: skb.Skb, sock: int) -> str:
        """The packet in an skb, and its frame."""
        text = packet_text(found.headers)
        if not found.headers.layer("ip", "ipv6", "arp", "eth"):
            text = unfinished_text(found, found.fields["sk"] or sock)
        frame = capture.short_text(found, sock)
        return f"{text}, {frame}" if frame else text


def show(text: str) -> None:
    """Print it, and never ask for RETURN: the guest waits."""
    paged = gdb.parameter("pagination")
    gdb.execute("set pagination off")
    try:
        print(text, flush=True)
    finally:
        gdb.execute(f"set pagination {'on' if paged else 'off'}")
